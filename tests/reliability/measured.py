"""Inputs that were made to measure: each is a way in which a reader once failed."""

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from reliability.forked import Given
from reliability.packed import packed
from reliability.readers import looked_at, opened, parsed, pictures
from reliability.seeds import numbers


@dataclass(frozen=True)
class Case:
    """An input of a reader, by its name; `make` gets its folder, and that of the seeds."""

    reader: str
    name: str
    make: Callable[[Path, Path], Given]


CASES: list[Case] = []
Make = Callable[[Path, Path], Given]
MEGABYTE = 1 << 20


def case(reader: str, name: str) -> Callable[[Make], Make]:
    def noted(make: Make) -> Make:
        CASES.append(Case(reader, name, make))
        return make

    return noted


def _table(name: str, content: Callable[[], bytes], **options: Any) -> Make:
    def make(place: Path, good: Path) -> Given:
        import diffeo.data

        (place / name).write_bytes(content())
        return Given(lambda: diffeo.data.load(f"table:{place / name}", **options), (name,))

    return make


def _grid(rows: int, columns: int, head: str | None = None) -> bytes:
    rng = Random(0)
    lines = [] if head is None else [head]
    lines += [",".join(f"{rng.gauss(0, 1):.15f}" for _ in range(columns)) for _ in range(rows)]
    return ("\n".join(lines) + "\n").encode()


def _names(name: str, count: int) -> bytes:
    return _grid(40, count, ",".join([name] * count))


def _excel() -> bytes:
    empty = "," * 16_382
    return (f"a,b{empty}\n" + "".join(f"{a},{b}{empty}\n" for a, b, _ in numbers(Random(5)))).encode()


def _zeros(size: int, line: bytes = b"0.5,1.5,2.5\n") -> bytes:
    """So many bytes of equal lines, packed by gzip, made of equal members."""
    member = packed(line * (8 * MEGABYTE // len(line)), ".gz")
    return member * (size // (8 * MEGABYTE))


def _array(header: str, data: bytes = b"") -> bytes:
    raw = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(raw)) + raw + data


def _npy(array: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz(**arrays: Any) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _zip(*entries: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return buffer.getvalue()


def _zip_bomb() -> bytes:
    """An npz whose one array has 4 GB of zeros: equal pieces of a stream, each of which can stand alone."""
    size = 500_000_000 * 8
    header = _array("{'descr': '<f8', 'fortran_order': False, 'shape': (500000000, 1), }")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = start + piece * (size // 10_000_000) + packer.flush()
    content = bytearray(_zip(("X.npy", stream)))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):  # what is stored is a packed stream
        at = content.rfind(mark) if mark == b"PK\x01\x02" else 0
        content[at + place : at + place + 2] = (8).to_bytes(2, "little")
        content[at + place + 14 : at + place + 18] = (len(header) + size).to_bytes(4, "little")
    return bytes(content)


def _parquet_bomb() -> bytes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet

    buffer, piece = io.BytesIO(), pa.table({"a": np.zeros(4_000_000)})
    with pyarrow.parquet.ParquetWriter(buffer, piece.schema, compression="zstd") as writer:
        for _ in range(140):
            writer.write_table(piece, row_group_size=4_000_000)
    return buffer.getvalue()


for _name, _ending, _content in (
    ("long-lines", "csv", lambda: _grid(60, 7_500)),
    ("empty-columns", "csv", _excel),
    ("ten-thousand-columns", "csv", lambda: _grid(30, 10_000)),
    ("equal-names", "csv", lambda: _names("a", 4_000)),
    ("equal-names-in-turn", "csv", lambda: (("a,a.2," * 2_000).encode() + b"b\n" + _grid(40, 4_001))),
    ("unpacks-to-4-GB", "csv.gz", lambda: _zeros(4 << 30)),
    ("a-line-of-1-GB", "csv.gz", lambda: _zeros(1 << 30, b"0")),
    ("line-separator", "csv", lambda: "\u2028".encode()),
    ("utf-16-a-byte-short", "csv", lambda: "a,b\n1,2\n".encode("utf-16")[:-1]),
    ("only-quotes", "csv", lambda: b'"' * 100_001),
):  # fmt: skip
    case("csv", _name)(_table(f"t.{_ending}", _content))
case("parquet", "unpacks-to-4-GB")(_table("t.parquet", _parquet_bomb))
for _name, _content in (
    ("many-columns-of-no-rows", lambda: _array("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 100000000), }")),
    ("nested-header", lambda: _array(f"{{'descr': 'f8', 'fortran_order': False, 'shape': {'(' * 400}1{',)' * 400}}}")),
    ("a-structure-of-no-dimension", lambda: _array("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (), }",
    bytes(8))),
    ("text", lambda: _npy("abc")),
    ("says-800-GB", lambda: _array("{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000, 1), }", bytes(8))),
):  # fmt: skip
    case("npy", _name)(_table("t.npy", _content))
for _name, _content in (
    ("a-text", lambda: _npz(name="abc")),
    ("several-texts", lambda: _npz(a="abc", b="de")),
    ("no-dimension", lambda: _npz(a=1.0, b=2.0)),
    ("a-file-of-text", lambda: _zip(("a.txt", b"abc"))),
    ("files-of-text", lambda: _zip(("a.txt", b"abc"), ("b.txt", b"abc"))),
    ("unpacks-to-4-GB", _zip_bomb),
):  # fmt: skip
    case("npz", _name)(_table("t.npz", _content))


@case("csv", "a-named-pipe")
def _pipe(place: Path, good: Path) -> Given:
    import diffeo.data

    os.mkfifo(place / "t.csv")
    return Given(lambda: diffeo.data.load(f"table:{place / 't.csv'}"), ("t.csv",))


@case("csv", "a-device")
def _device(place: Path, good: Path) -> Given:
    import diffeo.data

    (place / "t.csv").symlink_to("/dev/zero")
    return Given(lambda: diffeo.data.load(f"table:{place / 't.csv'}"), ("t.csv", "/dev/zero"))


@case("power", "damaged")
def _power(place: Path, good: Path) -> Given:
    import diffeo.data

    (place / "power").mkdir()
    (place / "power" / "power_raw.npz").write_bytes(b"PK\x03\x04 damaged..")
    os.environ["DIFFEO_DATA"] = str(place)
    return Given(lambda: diffeo.data.load("power"), ("power_raw.npz",))


def _big_png(path: Path, side: int) -> None:
    """A transparent image of one colour, of which no more than a line is in memory."""
    packer, line = zlib.compressobj(1), bytes(1 + 4 * side)
    body = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@case("png", "two-of-13300-pixels-a-side")
def _big(place: Path, good: Path) -> Given:
    (place / "pictures").mkdir()
    _big_png(place / "pictures" / "a.png", 13_300)
    shutil.copy(place / "pictures" / "a.png", place / "pictures" / "b.png")
    return pictures(place, Random(0), "a.png", size=8)


@case("png", "a-palette-cut-off-and-skipped")
def _palette(place: Path, good: Path) -> Given:
    (place / "pictures").mkdir()
    content = (good / "png" / "P").read_bytes()
    (place / "pictures" / "a.png").write_bytes(content[: len(content) - 60])
    shutil.copy(good / "png" / "RGB", place / "pictures" / "b.png")
    return pictures(place, Random(0), "a.png", skip_broken=True)


@case("png", "a-named-pipe")
def _picture_pipe(place: Path, good: Path) -> Given:
    (place / "pictures").mkdir()
    os.mkfifo(place / "pictures" / "a.png")
    return pictures(place, Random(0), size=8)


def _postscript(name: str) -> Make:
    def make(place: Path, good: Path) -> Given:
        (place / "pictures").mkdir()
        (place / "pictures" / name).write_bytes(
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n{} loop\n%%EOF\n"
        )
        return pictures(place, Random(0), size=8)

    return make


for _name in ("x.png", "x.eps", "x.jpg", "x.PS"):
    case("other", f"postscript-in-{_name}")(_postscript(_name))


@case("idx", "unpacks-to-4-GB")
def _idx_bomb(place: Path, good: Path) -> Given:
    from diffeo.data.mnist import read_idx

    (place / "images.gz").write_bytes(packed(b"\0\0\x08\x01" + bytes([255] * 4), ".gz") + _zeros(4 << 30, b"\0"))
    return Given(lambda: read_idx(place / "images.gz"), ("images.gz",))


@case("mat", "unpacks-to-4-GB")
def _mat_bomb(place: Path, good: Path) -> Given:
    from diffeo.data.olivetti import read_faces

    (place / "olivettifaces.mat").write_bytes(_zeros(4 << 30, b"\0"))
    return Given(lambda: read_faces(place / "olivettifaces.mat"), ("olivettifaces.mat",))


def _model(name: str, options: dict[str, Any], text: str | None = None) -> Make:
    def make(place: Path, good: Path) -> Given:
        folder = place / "model"
        folder.mkdir()
        shutil.copy(good / "models" / "realnvp-1" / "model.safetensors", folder)
        given = {"format": 1, "class": name, "options": options, "versions": {"diffeo": "0.1.0", "torch": "2.13.0"}}
        (folder / "config.json").write_text(json.dumps(given) if text is None else text, encoding="utf-8")
        return opened(folder, "config.json", "model.safetensors")

    return make


_MUCH = 10**9
for _name, _class, _options in (
    ("shape-10-to-the-8", "RealNVP", {"shape": 10**8}),
    ("steps", "Glow", {"shape": [1, 8, 8], "values": 17, "levels": 1, "steps": _MUCH}),
    ("couplings", "RealNVP", {"shape": 2, "couplings": _MUCH}),
    ("couplings-of-nice", "NICE", {"shape": 2, "couplings": _MUCH}),
    ("blocks", "RealNVP", {"shape": [1, 8, 8], "values": 17, "levels": 1, "blocks": _MUCH}),
    ("levels", "RealNVP", {"shape": [1, 8, 8], "values": 17, "levels": _MUCH}),
    ("levels-of-glow", "Glow", {"shape": [1, 8, 8], "values": 17, "levels": _MUCH}),
    ("depth", "RealNVP", {"shape": 2, "depth": _MUCH}),
    ("width", "RealNVP", {"shape": 2, "width": _MUCH}),
    ("a-word-for-a-part", "Flow", {"bijection": "x"}),
    ("a-word-for-the-base", "Flow", {"bijection": {"class": "Flatten", "options": {"shape": [2]}}, "base": "x",
    "door": "y"}),
    ("cells-2.5", "Quantizer", {"values": 2.5}),
    ("values-2.5", "RealNVP", {"shape": [1, 8, 8], "values": 2.5}),
    ("values-of-gaussianize", "Gaussianize", {"shape": [2], "values": 2**200}),
    ("classes", "RealNVP", {"shape": 2, "classes": _MUCH}),
    ("a-wide-layer-of-torchs", "torch.nn.Linear", {"in_features": _MUCH, "out_features": _MUCH}),
    ("a-long-permutation", "Permutation", {"size": _MUCH}),
):  # fmt: skip
    case("config", _name)(_model(_class, _options))
case("config", "deep-json")(_model("", {}, '{"class": "Chain", "options": {"bijections": ' + "[" * 200_000))
case("config", "deep-parts")(
    _model("", {}, '{"format": 1, "class": "Inverse", "options": {"bijection": ' * 2_000 + "null" + "}}" * 2_000)
)


@case("tensors", "empty-tensors")
def _empty(place: Path, good: Path) -> Given:
    folder = Path(shutil.copytree(good / "models" / "realnvp-1", place / "model"))
    header = "{" + ",".join(f'"{n}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for n in range(1_500_000)) + "}"
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header.encode())
    return opened(folder, "model.safetensors")


def _deep(name: str, kind: str) -> Make:
    def make(place: Path, good: Path) -> Given:
        run = Path(shutil.copytree(good / "runs" / kind, place / "run"))
        (run / name).write_text("[" * 200_000 + "\n", encoding="utf-8")
        return looked_at(Random(0), run, name)

    return make


for _reader, _file in (("run", "run.json"), ("metrics", "metrics.jsonl"), ("summary", "summary.json")):
    case(_reader, "deep-json")(_deep(_file, "ended"))


def _yaml(text: str) -> Make:
    def make(place: Path, good: Path) -> Given:
        (place / "options.yaml").write_text(text, encoding="utf-8")
        return parsed("train", "--config", str(place / "options.yaml"))

    return make


_ALIASES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 27))
for _name, _text in (
    ("aliases", _ALIASES),
    ("an-alias-of-itself", "model: &m {x: *m}\n"),
    ("a-list-of-itself", "drop: &m [*m]\n"),
    ("deep", "drop: " + "[" * 20_000),
    ("deep-mappings", "{a: " * 20_000),
    ("a-python-tag", "flow: !!python/object/apply:os.system ['true']\n"),
    ("ten-thousand-keys", "".join(f"k{n}: 1\n" for n in range(10_000))),
):
    case("yaml", _name)(_yaml(_text))


def _words(*words: str) -> Make:
    def make(place: Path, good: Path) -> Given:
        os.chdir(place)
        shutil.copy(good / "runs" / "t.csv", place / "t.csv")
        return Given(words)

    return make


_TRAIN = ("train", "realnvp", "table:t.csv", "--epochs", "1", "--quiet")
for _name, _given in (("a-seed-too-large", "5000000000"), ("a-negative-seed", "-5"), ("a-huge-seed", "9" * 400)):
    case("commands", _name)(_words(*_TRAIN, "--seed", _given))
case("names", "a-name-too-long")(_words("info", "x" * 5_000))
case("names", "a-table-too-long")(_words("train", "realnvp", f"table:{'x' * 5_000}"))
