"""Files of tables that are damaged or made to harm: one sentence with their name, before memory and time are taken."""

import gzip
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

import diffeo
from diffeo.data.tables.files import read_file, unique
from diffeo.data.tables.reading import Limit, in_bytes, reading
from diffeo.system.shortage import ran_out
from reliability.limited import limited

ROWS = np.random.default_rng(0).normal(size=(200, 3))
MEGABYTES = 10**6


def load(path: str, **options: Any) -> Any:
    return diffeo.data.load(f"table:{path}", **options)


def header(text: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + content


def of_shape(shape: str, kind: str = "<f8", content: bytes = b"") -> bytes:
    return header(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}", content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "\u2028".encode(), "is empty"),
        ("a.csv", b"\x0c\n\x0b", "is empty"),
        ("a.csv", b"\xff\xfe", "is empty"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16")[:-1], "begins as UTF-16 and does not go on so"),
        ("a.csv", "a,b\n1,2\n".encode("utf-32")[:-2], "begins as UTF-32 and does not go on so"),
        ("a.csv", b"a,b\n1,2\n\0,3\n", "is no text"),
        ("a.csv", b'a,b\n1,2\n"' + b"x,y\n" * 10**6, "a quote is opened and not closed"),
        ("a.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20], "no gzip file, or is damaged: Truncated"),
        ("a.csv.zst", b"nope", "no zstd file, or is damaged"),
        ("a.npy", of_shape("(0, 100000000)"), "holds no rows"),
        ("a.npy", of_shape("(1, 100000000)", "|V0"), "takes 800 MB"),
        ("a.npy", of_shape("(4294967296, 4294967296)"), "it takes .* TB, and there are 0 B"),
        ("a.npy", of_shape("(100000000, 20)", content=b"0" * 80), "it takes 16 GB, and there are 80 B"),
        ("a.npy", of_shape("(-1, 2)"), "is damaged"),
        ("a.npy", header("{'descr': " + "[" * 400 + "]" * 400 + "}"), "brackets more than 20 deep"),
        ("a.npy", header("{'descr': " + "-" * 9000 + "1}"), "is damaged"),
        ("a.npy", b"\x80\x04K\x01.", "is no npy or npz file"),
        ("a.npz", b"PK", "is damaged: File is not a zip file"),
        ("a.npz", b"", "is no npy or npz file"),
        ("a.parquet", b"", "is no Parquet file, or is damaged"),
        ("a.feather", b"ARROW1\0\0", "is no Feather file, or is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_one_sentence_with_the_file(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as refused:
        read_file(str(tmp_path / name))
    assert name in str(refused.value)
    assert len(str(refused.value)) < 600 + len(str(tmp_path))


def test_line_ends_are_newlines_alone(tmp_path: Path) -> None:
    """str.splitlines knows more of them."""
    (tmp_path / "a.csv").write_text("a\u2028b,c\x85\n1,2\n3,4\n", encoding="utf-8")
    assert [column.name for column in read_file(str(tmp_path / "a.csv")).columns] == ["a\u2028b", "c"]


def test_utf_32_is_read_and_not_taken_for_utf_16(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("키,b\n1,2\n3,4\n".encode("utf-32"))
    table = read_file(str(tmp_path / "a.csv"))
    assert [column.values.tolist() for column in table.columns] == [[1, 3], [2, 4]]
    assert table.notes == ("read as UTF-32",)


def test_a_line_may_be_longer_than_a_field_of_pythons_csv(tmp_path: Path) -> None:
    text = "\n".join(",".join(["0.123456789012345678"] * 7000) for _ in range(4))
    (tmp_path / "a.csv").write_text(text)
    assert len(read_file(str(tmp_path / "a.csv")).columns) == 7000


def test_equal_names_take_linear_time_and_keep_their_numbers(tmp_path: Path) -> None:
    assert unique(["a", "a.2", "a", "a", "a.2"])[0] == ["a", "a.2", "a.3", "a.4", "a.2.2"]
    ended = limited(unique, ["a"] * 40_000)
    assert ended.how == "returned"


def test_sixteen_thousand_empty_columns_leave_two(tmp_path: Path) -> None:
    lines = ["a,b" + "," * 16_382, *(f"{a},{b}" + "," * 16_382 for a, b, _ in ROWS[:40])]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    ended = limited(load, str(tmp_path / "a.csv"), seconds=60)
    assert ended.how == "returned", ended
    assert "columns: a, b" in ended.value
    assert "unnamed" not in ended.value
    assert ended.grown < 700 * MEGABYTES


@pytest.mark.whole
@pytest.mark.parametrize("cell", ["1.5", "12 €", "word"])
def test_ten_thousand_columns_do_not_take_gigabytes(tmp_path: Path, cell: str) -> None:
    head = ",".join(f"c{i}" for i in range(10_000))
    rows = [
        ",".join([cell if (i + row) % 2 else cell.replace("1", "2") + cell[:1] for i in range(10_000)])
        for row in range(30)
    ]
    (tmp_path / "a.csv").write_text("\n".join([head, *rows]))
    ended = limited(load, str(tmp_path / "a.csv"), seconds=300)
    assert (ended.how, ended.own) == ("raised", True), ended
    assert ended.grown < 700 * MEGABYTES


def bomb(path: Path) -> None:
    """A small file of 640 MB of zeros."""
    zeros = np.zeros((4 * 10**7, 2), np.int64)
    if path.suffix == ".npz":
        np.savez_compressed(path, X=zeros)
    elif path.suffix == ".gz":
        with gzip.open(path, "wb", 1) as file:
            for _ in range(40):
                file.write(b"0,0\n" * 10**6 * 4)
    elif path.suffix == ".parquet":
        parquet.write_table(pa.table({"a": zeros[:, 0], "b": zeros[:, 1]}), path)
    else:
        feather.write_feather(pa.table({"a": zeros[:, 0], "b": zeros[:, 1]}), path, compression="zstd")


@pytest.mark.parametrize("name", ["a.npz", "a.csv.gz", "a.parquet", "a.feather"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused_on_the_way(tmp_path: Path, name: str) -> None:
    bomb(tmp_path / name)
    ended = limited(load, str(tmp_path / name), seconds=60)
    assert (ended.how, ended.own) == ("raised", True), ended
    assert "the limit is 512 MB. Use --largest " in ended.message
    assert ended.grown < 1000 * MEGABYTES


def test_long_texts_that_repeat_are_not_written_out(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"s": ["x" * 10**6] * 700}), tmp_path / "a.parquet")
    ended = limited(load, str(tmp_path / "a.parquet"))
    assert (ended.how, ended.own) == ("raised", True), ended
    assert ended.grown < 500 * MEGABYTES


def test_largest_raises_the_limit_and_is_kept_for_a_resume(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,c\n" + b"\n".join(b"%f,%f,%f" % tuple(row) for row in ROWS)))
    with pytest.raises(ValueError, match=r"more than .* and the limit is 3 KB. Use --largest"):
        load(str(path), largest=3000)
    data = load(str(path), largest="1MB")
    assert data.options["largest"] == "1000000"
    assert len(diffeo.data.read(f"table:{path}", **data.options)) == len(ROWS)
    with pytest.raises(ValueError, match="expected a size such as 800MB or 8GB, got 'much'"):
        load(str(path), largest="much")
    limit = Limit.of(path, 100 * MEGABYTES)
    limit.check(2000 * MEGABYTES)
    with pytest.raises(ValueError, match=r"takes 2 GB when it is unpacked, and the limit is 512 MB. Use --largest 2GB"):
        Limit.of(path, 10).check(2000 * MEGABYTES)


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("8gb", 8 * 10**9), ("1.5 MB", 1_500_000), ("2k", 2000)])
def test_sizes_are_read_in_units(text: str, size: int) -> None:
    assert in_bytes(text) == size


def test_columns_of_every_type_are_read_or_named(tmp_path: Path) -> None:
    table = pa.table(
        {
            "when": pa.array([1, 2, None], pa.timestamp("s", tz="Nowhere/City")),
            "long": pa.array([1, 2, 3], pa.duration("s")),
            "list": pa.array([[1], [2], None]),
            "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int64())),
            "struct": [{"a": 1}] * 3,
            "price": pa.array([1, 2, 3], pa.decimal128(38, 3)),
            "bytes": [b"\xff", b"a", None],
            "nothing": pa.nulls(3),
            "class": pa.array(["a", "b", "a"]).dictionary_encode(),
            "half": np.array([1, 2, 3], np.float16),
        }
    )
    kinds = ["date", "number", "other", "other", "other", "number", "other", "number", "text", "number"]
    parquet.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather")
    for name in ("a.parquet", "a.feather"):
        columns = read_file(str(tmp_path / name)).columns
        assert [column.kind for column in columns] == kinds
        assert columns[0].values[1] == 2 * columns[0].values[0]
        assert columns[5].values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "told", [b'{"index_columns": [' * 9000, b"[1]", b'{"index_columns": 5}', b"\xff", b'{"index_columns": [{"a": 1}]}']
)
def test_damaged_words_of_pandas_are_passed_over(tmp_path: Path, told: bytes) -> None:
    table = pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}).replace_schema_metadata({b"pandas": told})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert len(load(str(tmp_path / "a.parquet")).columns) == 2


def test_feather_that_lies_about_its_texts_is_not_trusted(tmp_path: Path) -> None:
    offsets = pa.py_buffer(struct.pack("<4i", 0, 10**6, 10**8, 5))
    array = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"abcde")])
    with (
        pa.OSFile(str(tmp_path / "a.feather"), "wb") as sink,
        ipc.new_file(sink, pa.schema([("s", pa.string())])) as out,
    ):
        out.write_batch(pa.record_batch([array], ["s"]))
    with pytest.raises(ValueError, match=r"a\.feather is no Feather file, or is damaged"):
        read_file(str(tmp_path / "a.feather"))


def test_other_things_beside_arrays_in_a_npz_are_passed_over(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=ROWS)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("readme.txt", "hello")
    assert len(read_file(str(tmp_path / "a.npz")).columns) == 3
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"b\.npz holds no arrays"):
        read_file(str(tmp_path / "b.npz"))
    np.savez(tmp_path / "c.npz", n=np.zeros(()), x=ROWS[:, 0])
    with pytest.raises(ValueError, match=r"holds the arrays n \(\), x \(200,\): choose one"):
        read_file(str(tmp_path / "c.npz"))


def test_a_member_of_a_npz_without_a_name_is_damage(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=ROWS)
    content = (tmp_path / "a.npz").read_bytes().replace(b"X.npy", b"\0.npy")
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.npz is no npy or npz file, or is damaged"):
        read_file(str(tmp_path / "a.npz"))


def test_arrays_of_any_kind_are_read_or_named(tmp_path: Path) -> None:
    arrays = {
        "fortran": np.asfortranarray(ROWS), "big": ROWS.astype(">f8"), "half": ROWS.astype(np.float16),
        "complex": ROWS + 1j, "when": np.zeros((20, 2), "M8[D]"), "void": np.zeros((20, 2), "V4"),
        "fields": np.zeros(20, [("a", "f8", (3,)), ("b", "f8")]),
    }  # fmt: skip
    kinds = {}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        table = read_file(str(tmp_path / f"{name}.npy"))
        kinds[name] = {column.kind for column in table.columns}
        if name in ("fortran", "big"):
            assert np.array_equal(np.stack([column.values for column in table.columns], 1), ROWS)
    assert kinds == {
        "fortran": {"number"}, "big": {"number"}, "half": {"number"}, "complex": {"other"}, "when": {"date"},
        "void": {"other"}, "fields": {"other", "number"},
    }  # fmt: skip
    for shape in ((), (2, 2)):
        np.save(tmp_path / "a.npy", np.zeros(shape, [("a", "f8")]))
        with pytest.raises(ValueError, match="a table has one dimension"):
            read_file(str(tmp_path / "a.npy"))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "npy", "npz", "parquet", "feather"])
def test_a_named_pipe_and_a_device_are_not_read(tmp_path: Path, ending: str) -> None:
    os.mkfifo(tmp_path / f"pipe.{ending}")
    (tmp_path / f"zero.{ending}").symlink_to("/dev/zero")
    for name, kind in (("pipe", "a named pipe"), ("zero", "a device")):
        ended = limited(load, str(tmp_path / f"{name}.{ending}"))
        assert (ended.how, ended.own) == ("raised", True), ended
        assert f"{name}.{ending} is {kind}, no file" in ended.message


@pytest.mark.parametrize(
    "name",
    [
        "a" * 300 + ".csv",
        "a/" * 3000 + ".csv",
        "a\0b.csv",
        "\udcff\ud800.csv",
        "~nobody9/x.csv",
        "no.csv/x.csv",
        "l.csv",
    ],
)
def test_names_that_no_file_has_are_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    (tmp_path / "l.csv").symlink_to(tmp_path / "l.csv")
    with pytest.raises(OSError, match=r"does not exist|cannot be looked for|cannot be read") as refused:
        load(name if name.startswith("~") else str(tmp_path / name))
    assert refused.value.errno is None  # diffeo's own words
    str(refused.value).encode("utf-8")


def test_no_memory_is_said_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.csv does not fit into memory"), reading(Path("a.csv"), "text"):
        raise MemoryError


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"no archive", b""])
def test_damaged_arrays_of_power_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    (tmp_path / "power").mkdir()
    (tmp_path / "power" / "power_raw.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"power_raw\.npz is damaged: .*Get it again"):
        diffeo.data.load("power")


def test_arrays_of_power_that_do_not_fit_together_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    (tmp_path / "power").mkdir()
    good = {"gap": np.ones(200), "voltage": np.ones(200), "sub_metering": np.ones((200, 3)), "minute": np.ones(200)}
    wrong = {
        "gap": np.ones(100),
        "voltage": np.full(200, np.nan),
        "sub_metering": np.ones(200),
        "minute": np.array(["a"]),
    }
    for name, array in wrong.items():
        np.savez(tmp_path / "power" / "power_raw.npz", **{**good, name: array})
        with pytest.raises(ValueError, match=r"power_raw\.npz is damaged"):
            diffeo.data.load("power")


def test_a_header_that_is_too_deep_for_the_parser_is_damage_and_no_lack_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "minus.npy"
    header = b"-" * 9000 + b"1\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match=r"minus\.npy is no npy or npz file, or is damaged") as raised:
        diffeo.data.load(f"table:{path}")
    assert not ran_out(raised.value)
