"""The first line of a file: names of columns, or a row like those below."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import diffeo
from diffeo.data.tables.files import Table, read_file


def written(folder: Path, text: str, **options: object) -> Table:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return read_file(str(folder / "t.csv"), **options)  # type: ignore[arg-type]


def lines(row: Callable[[int], object], rows: int = 60) -> str:
    random.seed(0)
    return "".join(f"{row(i)}\n" for i in range(rows))


def floats(n: int, mean: float = 5, spread: float = 1) -> str:
    return ",".join(f"{random.gauss(mean, spread):.2f}" for _ in range(n))


def wholes(n: int, low: int = 0, high: int = 4000) -> str:
    return ",".join(str(random.randint(low, high)) for _ in range(n))


@pytest.mark.parametrize(
    ("first", "row"),
    [
        ("a,b,c", lambda i: floats(3)),
        ("400,410,420,430", lambda i: floats(4)),
        ("2019,2020,2021", lambda i: floats(3)),
        ("2019,2020", lambda i: wholes(2)),
        ("2021,2020,2019", lambda i: wholes(3)),
        ("400.2,402.9,404.1,409.5,411", lambda i: floats(5, 405, 100)),
        ("id,400,410,420", lambda i: f"s{i},{floats(3)}"),
        ("label,7157,672,5468", lambda i: f"{random.choice('tc')},{floats(3)}"),
        ("id,2024-01-01,2024-02-01", lambda i: f"s{i},{floats(2)}"),
        ("label,0,1,2", lambda i: f"{random.randint(0, 9)},{wholes(3, 0, 255)}"),
        (",0,1", lambda i: f"{i},{floats(2)}"),
        ("0,1,2", lambda i: floats(3)),
        ("name,city", lambda i: f"n{i},c{i}"),
    ],
)
def test_a_line_that_is_unlike_those_below_is_a_header(tmp_path: Path, first: str, row: Callable[[int], str]) -> None:
    table = written(tmp_path, f"{first}\n{lines(row)}")
    assert [column.name for column in table.columns] == [name or "unnamed" for name in first.split(",")]
    assert table.rows == 60


@pytest.mark.parametrize(
    "row",
    [
        lambda i: floats(3),
        lambda i: wholes(3),
        lambda i: f"{floats(3)},{random.choice(['setosa', 'virginica'])}",
        lambda i: f"{random.choice(['yes', 'no'])},{floats(2)}",
        lambda i: f"s{i:03},{floats(3)}",
        lambda i: f"2024-01-{i % 28 + 1:02},{floats(2)}",
        lambda i: ",".join(f"{v:.2f}" for v in sorted(random.gauss(0, 1) for _ in range(5))),
        lambda i: f"{i / 10:.1f},{floats(2)}",
        lambda i: floats(3) if i else "-999,-999,-999",
        lambda i: floats(3) if i else "?,3.2,4.1",
        lambda i: f"{floats(3)},{random.choice('ab')}" if i else "5.1,oops,3.3,a",
        lambda i: floats(3) if i else f"5000,{floats(2)}",
        lambda i: floats(1),
    ],
)
def test_a_line_that_is_like_those_below_is_a_row(tmp_path: Path, row: Callable[[int], str]) -> None:
    table = written(tmp_path, lines(row))
    assert table.rows == 60
    assert [column.name for column in table.columns] == [f"x{i}" for i in range(len(table.columns))]
    assert "--header takes it as names" in table.notes[0]


def test_the_option_decides(tmp_path: Path) -> None:
    assert written(tmp_path, "1.5,2.5\n1,2\n", header=True).columns[0].name == "1.5"
    headless = written(tmp_path, "400,410,420\n" + lines(lambda i: floats(3)), header=False)
    assert headless.rows == 61
    with pytest.raises(ValueError, match="Leave --header out"):
        diffeo.data.load(f"table:{_array(tmp_path)}", header=True)


def _array(folder: Path) -> Path:
    import numpy as np

    np.save(folder / "a.npy", np.zeros((20, 2)))
    return folder / "a.npy"


def test_names_that_are_numbers_can_be_used(tmp_path: Path) -> None:
    table = f"table:{tmp_path / 't.csv'}"
    (tmp_path / "t.csv").write_text("400,410,420,430\n" + lines(lambda i: floats(4), 100))
    assert diffeo.data.load(table, drop=["410"]).columns == ("400", "420", "430")
    assert diffeo.data.load(table, columns=["420", "400"]).columns == ("420", "400")


def test_wanted_columns_tell_what_the_first_line_is(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x0,x1\n1,2\n")
    assert diffeo.data.read(f"table:{tmp_path / 't.csv'}", columns=["x0", "x1"], header=False).x.tolist() == [[1, 2]]
    (tmp_path / "t.csv").write_text("1,2,a\n")
    assert diffeo.data.read(f"table:{tmp_path / 't.csv'}", columns=["x0", "x1"]).x.tolist() == [[1, 2]]


def test_a_column_that_a_headless_file_lacks_says_that_there_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(lines(lambda i: f"{floats(2)},{random.choice(['setosa', 'virginica'])}"))
    with pytest.raises(ValueError, match=r"no column 'setosa'. It has: x0, x1, x2 \(no header: "):
        diffeo.data.load(f"table:{tmp_path / 't.csv'}", drop=["setosa"])


def test_the_rows_names_of_r_have_no_header_of_their_own(tmp_path: Path) -> None:
    table = written(tmp_path, '"a","b"\n' + lines(lambda i: f'"{i + 1}",{floats(2)}'))
    assert [column.name for column in table.columns] == ["unnamed", "a", "b"]
    assert table.columns[0].index
