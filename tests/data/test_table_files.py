"""Files of tables as people have them: letters, delimiters, headers, arrays."""

import bz2
import gzip
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import diffeo
from diffeo.data.tables.files import Table, read_file


def written(path: Path, text: str | bytes, encoding: str = "utf-8") -> Table:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_file(str(path))


def numbers(table: Table) -> dict[str, list[float]]:
    return {column.name: column.values.tolist() for column in table.columns}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_korean_headers_are_read_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    table = written(tmp_path / "a.csv", "키,몸무게\n170.5,60\n180,71.5\n", encoding)
    assert numbers(table) == {"키": [170.5, 180], "몸무게": [60, 71.5]}
    assert bool(table.notes) == (encoding in ("cp949", "utf-16"))


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("Größe", "cp1252"), ("prix €", "cp1252"), ("température °C", "cp1252"), ("Ärzte", "cp1252"), ("año", "latin-1"),
     ("온도(℃)", "cp949"), ("T(℃)", "cp949"), ("金額", "cp949")],
)  # fmt: skip
def test_western_and_korean_letters_are_told_apart(tmp_path: Path, name: str, encoding: str) -> None:
    table = written(
        tmp_path / "a.csv",
        f"{name};b\n1\xa0200,5;2\n9,5;3\n" if encoding != "cp949" else f"{name};b\n1200.5;2\n9.5;3\n",
        encoding,
    )
    assert numbers(table) == {name: [1200.5, 9.5], "b": [2, 3]}
    assert table.notes[0] == f"read as {'cp949' if encoding == 'cp949' else 'cp1252'} (not UTF-8)"


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "sep=;;\n"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_excels_line_about_separators_is_no_header(tmp_path: Path, first: str, encoding: str) -> None:
    table = written(tmp_path / "a.csv", f"{first}a;b\n1,5;2\n3,5;4\n", encoding)
    assert numbers(table) == {"a": [1.5, 3.5], "b": [2, 4]}
    with pytest.raises(ValueError, match="is empty"):
        written(tmp_path / "b.csv", first, encoding)


def test_a_header_of_single_letters_matches_what_is_typed(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "나이")
    assert numbers(written(tmp_path / f"{apart}.csv", f"{apart},a\n1,2\n")) == {"나이": [1], "a": [2]}
    assert read_file(str(tmp_path / "나이.csv")).rows == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    text = "a,b\n1.5,2\n3,4\n".replace(",", delimiter)
    assert numbers(written(tmp_path / "a.txt", text)) == {"a": [1.5, 3], "b": [2, 4]}


def test_a_file_without_a_header_gets_numbered_columns(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", "1,2.5\n3,4\n")
    assert numbers(table) == {"x0": [1, 3], "x1": [2.5, 4]}
    assert "no header" in table.notes[0]
    assert numbers(written(tmp_path / "b.csv", "1,2.5\n3,4\n", "utf-8-sig")) == numbers(table)


def test_the_header_of_an_array_from_pandas_is_a_header(tmp_path: Path) -> None:
    assert numbers(written(tmp_path / "a.csv", "0,1,2\n5,6,7\n")) == {"0": [5], "1": [6], "2": [7]}


def test_line_breaks_in_quotes_belong_to_their_cell(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", 'a,"b (two\nlines)"\n1,2\n')
    assert numbers(table) == {"a": [1], "b (two\nlines)": [2]}


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_lines_end_in_any_way(tmp_path: Path, ending: str) -> None:
    assert numbers(written(tmp_path / "a.csv", ending.join(["a,b", "1,2", "3,4"]))) == {"a": [1, 3], "b": [2, 4]}


def test_thousands_separators_are_read(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", 'won,n\n"1,234,567",1\n999,2\n"-2,000.5",3\n')
    assert numbers(table)["won"] == [1234567, 999, -2000.5]
    assert table.columns[0].note == "the commas in won were read as thousands separators"


def test_decimal_commas_are_read_where_commas_do_not_separate(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", "a;b\n1,5;1\n1.234,25;2\n-3;3\n")
    assert numbers(table)["a"] == [1.5, 1234.25, -3]
    assert table.columns[0].note == (
        "the commas in a were read as decimal commas; the points in a were read as thousands separators"
    )
    several = written(tmp_path / "b.csv", "a;b\n1,234,567;1\n999;2\n")
    assert numbers(several)["a"] == [1234567, 999]


def test_names_that_are_alike_or_empty_are_told_apart(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", ",age, age ,b,\n0,1,2,3,\n7,8,9,4,\n")
    assert list(numbers(table)) == ["unnamed", "age", "age.2", "b"]  # what a comma at the line's end opens is no column
    assert "age.2" in table.notes[0]


def test_missing_cells_are_known_in_their_many_forms(tmp_path: Path) -> None:
    table = written(tmp_path / "a.csv", "a,b\n,1\nNA,1\n?,1\n-,1\nnull,1\n2,1\n")
    assert np.isnan(table.columns[0].values).tolist() == [True] * 5 + [False]


def test_columns_know_what_they_hold(tmp_path: Path) -> None:
    koreans = written(tmp_path / "k.csv", "일\n2024년 1월 5일\n2024년 12월 28일\n")
    assert koreans.columns[0].kind == "date"
    text = (
        "name,day,when,flag,n\nKim,2024-01-05,2024.03.01,true,3\n"
        "Lee,2024-02-05,2024.03.02,false,x\nPark,,2024.03.04,true,4\n"
    )
    table = written(tmp_path / "a.csv", text)
    assert [column.kind for column in table.columns] == ["text", "date", "date", "number", "number"]
    assert table.columns[0].example == "Kim"
    assert table.columns[3].values.tolist() == [1, 0, 1]
    assert table.columns[4].strays == {1: "x"}
    day = table.columns[1].values
    assert day[1] - day[0] == 31
    assert np.isnan(day[2])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "no rows, only a header"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: Expected 2 columns, got 3"),
        (b"a,b\n1,\x81\xff\n", "none of UTF-8, cp949 and cp1252"),
        (b"PK\x03\x04\0\0\0\0", "is no text"),
        (b"Members 2024,,\n,,\na,b,c\n1,2,3\n", "first line is no header for 3 columns: 'Members 2024'"),
        (b"# made by hand\na,b\n1,2\n", "first line is no header for 2 columns"),
        (b"a b\n1.5 2\n3 4\n", "separated by spaces"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        written(tmp_path / "a.csv", content)


def test_other_kinds_of_files_are_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Save it as CSV \(UTF-8\)"):
        written(tmp_path / "a.xlsx", b"PK")
    with pytest.raises(ValueError, match=r"Use folder:"):
        read_file(str(tmp_path))


def test_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    (tmp_path / "a.csv.bz2").write_bytes(bz2.compress(b"a,b\n1,2\n"))
    for ending in ("gz", "bz2"):
        assert numbers(read_file(str(tmp_path / f"a.csv.{ending}"))) == {"a": [1], "b": [2]}
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 1000)[:-9])
    with pytest.raises(ValueError, match="is damaged"):
        read_file(str(tmp_path / "a.csv.gz"))


def test_parquet_is_read_with_all_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": pa.array([1, None, 3]),
            "x": pa.array([0.5, 1.5, 2.5], pa.float32()),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "when": pa.array([1, 2, 3], pa.timestamp("ns", "UTC")),
            "list": pa.array([[1], [2], [3]]),
            "flag": pa.array([True, False, None]),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    read = read_file(str(tmp_path / "a.parquet"))
    assert [column.kind for column in read.columns] == ["number", "number", "text", "date", "other", "number"]
    assert np.isnan(read.columns[0].values[1])
    assert read.columns[5].values[:2].tolist() == [1, 0]
    (tmp_path / "b.parquet").write_bytes(b"no")
    with pytest.raises(ValueError, match="no Parquet file"):
        read_file(str(tmp_path / "b.parquet"))


def test_numpy_arrays_are_read(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(3, 2)
    np.save(tmp_path / "a.npy", array)
    assert numbers(read_file(str(tmp_path / "a.npy"))) == {"x0": [0, 2, 4], "x1": [1, 3, 5]}
    np.savez(tmp_path / "x.npz", X=array, y=np.zeros(3))
    read = read_file(str(tmp_path / "x.npz"))
    assert len(read.columns) == 2
    assert read.notes == ("took the array X of x.npz, not y",)
    np.savez(tmp_path / "columns.npz", age=array[:, 0], height=array[:, 1])
    assert numbers(read_file(str(tmp_path / "columns.npz"))) == {"age": [0, 2, 4], "height": [1, 3, 5]}


def test_of_several_arrays_one_is_to_be_chosen(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", train=np.zeros((3, 2)), test=np.ones((2, 2)))
    with pytest.raises(
        ValueError, match=r"train \(3, 2\), test \(2, 2\): choose one, for example table:.*a\.npz#train"
    ):
        read_file(str(tmp_path / "a.npz"))
    assert read_file(f"{tmp_path / 'a.npz'}#test").rows == 2
    with pytest.raises(ValueError, match=r"no 'tset'. Did you mean test\?"):
        read_file(f"{tmp_path / 'a.npz'}#tset")


def test_arrays_that_are_no_table_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="a table has two dimensions"):
        read_file(str(tmp_path / "a.npy"))
    np.save(tmp_path / "b.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="objects of Python, which are not read"):
        read_file(str(tmp_path / "b.npy"))


def test_a_blank_line_is_a_hole_in_a_file_of_one_column_and_no_row_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("\nx\n1.5\n\n2.5\n\n\n")
    part = diffeo.data.read(f"table:{tmp_path / 'one.csv'}", columns=["x"], missing="drop")
    assert part.x.tolist() == [[1.5], [2.5]]
    assert part.rows.tolist() == [0, 2]
    assert [(row.row, row.reason) for row in part.unread] == [(1, "x: missing")]
    (tmp_path / "two.csv").write_text("x,y\n1.5,1\n\n2.5,2\n\n")
    part = diffeo.data.read(f"table:{tmp_path / 'two.csv'}", columns=["x", "y"], missing="drop")
    assert part.rows.tolist() == [0, 1]
    assert part.unread == ()
