"""A table as a data set: what is asked of its columns, and what is done to them."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

import diffeo
from diffeo.data.tables.cells import fill, noise, ties

ROWS = 200
LISTS = ("drop", "dequantize", "columns", "missing_values")


def table(path: Path, rows: int = ROWS, **columns: object) -> str:
    """A file with a good column ``x`` and others, and its name."""
    rng = np.random.default_rng(5)
    every = {"x": rng.normal(size=rows), **columns}
    lines = [",".join(every)]
    lines += [",".join(str(values[i]) for values in every.values()) for i in range(rows)]  # type: ignore[index]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"table:{path}"


def message(name: str, **options: object) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        diffeo.data.load(name, **options)
    return str(caught.value)


def suggested(text: str) -> dict[str, object]:
    """The options that an error ends in, as the command line reads them."""
    words = shlex.split(text.rpartition("Use ")[2])
    options: dict[str, object] = {}
    for word in words:
        if word.startswith("--"):
            option, _, value = word.removeprefix("--").partition("=")
            name = option.replace("-", "_")
        else:
            value = word
        options[name] = value.split(",") if name in LISTS else value
    return options


def normal(seed: int, rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=rows)


def whole(seed: int, below: int = 30, rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, below, rows)


def holed(seed: int, *rows: int, cell: str = "") -> list[object]:
    values: list[object] = list(normal(seed))
    for row in rows:
        values[row] = cell
    return values


def by_number(data: diffeo.data.Dataset) -> torch.Tensor:
    """All rows of a data set in the order of its file."""
    parts = (data.train, data.validation, data.test)
    rows = torch.cat([part.rows for part in parts if part.rows is not None])
    return torch.cat([part.x for part in parts])[rows.argsort()]


def test_a_table_is_split_and_keeps_its_units_and_row_numbers(tmp_path: Path) -> None:
    y = normal(1) * 50 + 100
    data = diffeo.data.load(table(tmp_path / "a.csv", y=y))
    assert data.columns == ("x", "y")
    assert data.shape == (2,)
    assert data.values is None
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    assert sum(sizes) == ROWS
    assert np.abs(np.array(sizes) - [160, 20, 20]).max() <= 15
    rows = []
    for part in (data.train, data.validation, data.test):
        assert part.x.dtype == torch.float32
        assert part.rows is not None
        assert torch.equal(part.x[:, 1], torch.from_numpy(y)[part.rows].float())
        rows += part.rows.tolist()
    assert sorted(rows) == list(range(ROWS))
    again = diffeo.data.load(data.name, **data.options)
    assert torch.equal(again.test.x, data.test.x)


def test_everything_is_found_at_once_and_the_suggestion_works(tmp_path: Path) -> None:
    name = table(
        tmp_path / "a.csv",
        이름=[f"김{i}" for i in range(ROWS)],
        나이=whole(1),
        가입일=[f"2024-01-{i % 28 + 1:02}" for i in range(ROWS)],
        지역=np.full(ROWS, 11),
        키=holed(2, 3, 17, 40),
        폭=holed(3, 9, cell="넓음"),
        점=holed(4, 12, cell="inf"),
        번호=np.arange(ROWS),
    )
    text = message(name)
    for line in (
        "8 of 9 columns need a decision (rows are counted from 0)",
        "이름: text, such as '김0'",
        "나이: whole numbers that repeat, 30 different ones in 195 rows",
        "가입일: dates, such as 2024-01-01; --split time:가입일",
        "지역: the same value everywhere, 11",
        "키: missing in rows 3, 17, 40",
        "폭: not a number in row 9: '넓음'",
        "점: infinite, or beyond 3e+38, in row 12",
        "번호: counts the rows",
    ):
        assert line in text
    assert text.endswith("Use --drop 이름,가입일,지역,번호 --dequantize 나이 --missing drop")
    data = diffeo.data.load(name, **suggested(text))
    assert data.columns == ("x", "나이", "키", "폭", "점")
    assert "left out 5 of 200 rows" in data.notes[0]
    left_out = set(range(ROWS)) - {int(row) for part in (data.train, data.validation, data.test) for row in part.rows}
    assert left_out == {3, 9, 12, 17, 40}


def test_a_suggestion_keeps_what_was_given(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", age=whole(1), place=["a"] * ROWS, height=holed(2, 3), gone=normal(3))
    text = message(name, drop=["gone"], missing="drop")
    assert text.endswith("Use --drop gone,place --missing drop --dequantize age")
    assert diffeo.data.load(name, **suggested(text)).columns == ("x", "age", "height")
    text = message(name, columns=["place", "age", "x"])
    assert text.endswith("Use --columns age,x --dequantize age")
    assert diffeo.data.load(name, **suggested(text)).columns == ("age", "x")


def test_names_that_a_shell_would_split_are_quoted(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", **{"age (years)": whole(1)})
    text = message(name)
    assert text.endswith("Use --dequantize 'age (years)'")
    assert diffeo.data.load(name, **suggested(text)).columns == ("x", "age (years)")


def test_noise_fills_the_cells_and_depends_on_column_and_row_alone(tmp_path: Path) -> None:
    age = whole(1) * 0.5
    data = diffeo.data.load(table(tmp_path / "a.csv", age=age), dequantize=["age"])
    assert data.options == {"dequantize": ["age=0.5"]}
    assert "age: added uniform noise of width 0.5" in data.notes
    x = by_number(data)[:, 1].numpy()
    assert np.array_equal(np.floor(x / 0.5) * 0.5, age)
    other = diffeo.data.load(table(tmp_path / "b.csv", age=age, more=normal(9)), dequantize=["age"])
    assert np.array_equal(by_number(other)[:, 1], x)


def test_noise_stays_inside_its_cell_in_float32() -> None:
    values = np.arange(100_000.0)
    filled = fill("a", values, 1.0)
    assert np.array_equal(np.floor(filled), values)
    assert np.array_equal(noise("a", 10)[:5], noise("a", 5))
    assert not np.array_equal(noise("a", 5), noise("b", 5))
    assert abs(noise("a", 100_000).mean() - 0.5) < 0.01


def test_the_width_of_a_cell_can_be_given(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", rain=np.where(normal(1) > 0, normal(2) ** 2, 0))
    text = message(name)
    assert "rain: 0 in 5" in text
    assert "% of the rows, among values that are continuous" in text
    assert text.endswith("Use --dequantize rain=0.01")
    assert diffeo.data.load(name, **suggested(text)).columns == ("x", "rain")
    assert "positive number, got 'much'" in message(name, dequantize=["rain=much"])
    text = message(name, dequantize=["rain"])
    assert "too close to one another" in text
    assert diffeo.data.load(name, **suggested(text)).columns == ("x", "rain")


def test_a_table_without_numbers_is_refused(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", word=["a"] * ROWS)
    assert "No column would be left" in message(name, columns=["word"])


def test_if_every_column_is_tied_the_suggestion_still_leaves_some(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.where(normal(1) > 0, normal(2), 0))
    text = message(f"table:{path}")
    assert text.endswith("Use --dequantize x0=0.01")
    diffeo.data.load(f"table:{path}", **suggested(text))
    path.unlink()
    np.save(path, np.zeros(50))
    assert "No column would be left" in message(f"table:{path}")


@pytest.mark.parametrize(
    ("values", "unbounded", "cell"),
    [
        (normal(1), False, None),
        (np.round(normal(1), 1), True, 0.1),
        (np.round(normal(1), 1) * 3, True, 0.3),
        (np.cumsum(np.full(200, 0.1)) % 5, True, 0.1),  # blurred by arithmetic
        (whole(1, 10**6), False, None),
        (np.r_[np.zeros(4), normal(1)[4:]], False, None),
        (np.r_[np.zeros(7), normal(1)[7:]], True, None),
        (np.repeat([1.0, 10, 100, 1000], 50), True, 9),
        (normal(1) * 1e-12, False, None),
        (1e9 + np.round(normal(1), 4) / 100, False, None),
    ],
)
def test_ties_are_told_from_chance(values: np.ndarray, unbounded: bool, cell: float | None) -> None:
    found = ties(values.astype(float))
    assert found.unbounded == unbounded
    if cell is not None:
        assert found.cell == pytest.approx(cell, abs=1e-12)


def test_rows_are_split_by_time(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(ROWS)
    days = [str(np.datetime64("2024-01-01") + int(i)) for i in order]
    name = table(tmp_path / "a.csv", day=days, n=order * 1.5)
    for column in ("day", "n"):
        data = diffeo.data.load(name, split=f"time:{column}", drop=["n"] if column == "day" else ["day"])
        assert data.columns == ("x",)
        assert [len(part) for part in (data.train, data.validation, data.test)] == [160, 20, 20]
        times = [order[part.rows] for part in (data.train, data.validation, data.test)]
        assert times[0].max() < times[1].min()
        assert times[1].max() < times[2].min()
        assert any("orders the rows" in note for note in data.notes)
    kept = diffeo.data.load(name, split="time:n", columns=["x", "n"])
    assert kept.columns == ("x", "n")


def test_a_split_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", day=["2024-01-01"] * ROWS, word=["a"] * ROWS)
    assert message(name, split="day").endswith("Use --split time:day")
    assert "Did you mean day?" in message(name, split="time:dya")
    assert "word cannot order the rows" in message(name, split="time:word")


def test_missing_times_are_named(tmp_path: Path) -> None:
    days = ["2024-01-01"] * ROWS
    days[7] = ""
    name = table(tmp_path / "a.csv", day=days)
    text = message(name, split="time:day")
    assert "day: missing in row 7" in text
    assert text.endswith("Use --split time:day --missing drop")
    diffeo.data.load(name, split="time:day", missing="drop")


def test_leaving_a_row_out_moves_no_other_to_another_part(tmp_path: Path) -> None:
    all_rows = diffeo.data.load(table(tmp_path / "a.csv", y=normal(1)))
    some = diffeo.data.load(table(tmp_path / "b.csv", y=holed(1, 3, 50, 99)), missing="drop")
    for part in ("train", "validation", "test"):
        assert set(getattr(some, part).rows.tolist()) <= set(getattr(all_rows, part).rows.tolist())


def test_a_column_that_is_mostly_missing_goes_rather_than_the_rows(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", rare=holed(1, *range(0, ROWS, 2)), none=[""] * ROWS, y=normal(2))
    text = message(name)
    assert "rare: 50% of the values missing" in text
    assert "none: all values missing" in text
    assert text.endswith("Use --drop rare,none")


def test_numbers_that_float32_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", stamp=1.7e9 + normal(1) * 1000, count=2**26 + whole(2))
    text = message(name)
    assert (
        "stamp: numbers near 1.7e+09, which float32 tells apart in steps of 128 only; subtract their smallest" in text
    )
    assert "count: numbers near" in text
    assert text.endswith("Use --drop stamp,count")
    assert "float32 tells apart" in message(name, drop=["stamp"], dequantize=["count"])


def test_columns_that_follow_from_others_are_named(tmp_path: Path) -> None:
    a, b = normal(1), normal(2)
    name = table(
        tmp_path / "a.csv", a=a, b=b, inches=(a * 100 + 3) / 2.54, total=a + b, same=b, noisy=a + 1e-3 * normal(3)
    )
    text = message(name)
    assert "inches: follows from a: it is that times 39.3701, plus 1.1811" in text
    assert "total: follows from the columns before it" in text
    assert "same: equals b" in text
    assert text.endswith("Use --drop inches,total,same")
    assert diffeo.data.load(name, **suggested(text)).columns == ("x", "a", "b", "noisy")


def test_nearly_constant_columns_are_named(tmp_path: Path) -> None:
    flag = np.zeros(ROWS)
    flag[0] = 1
    assert "flag: almost constant, 0 in 99.50% of the rows" in message(table(tmp_path / "a.csv", flag=flag))


def test_numbers_with_units_are_told_from_other_text(tmp_path: Path) -> None:
    cells = {"weight": "52kg", "size": "12 cm", "count": "300개", "word": "abc", "phone": "010-1234-5678"}
    text = message(table(tmp_path / "a.csv", **{name: [cell] * ROWS for name, cell in cells.items()}))
    hinted = [line.split(":")[0].strip() for line in text.splitlines() if "without signs and units" in line]
    assert hinted == ["weight", "size", "count"]


def test_copies_of_rows_are_counted(tmp_path: Path) -> None:
    y = normal(1)
    np.save(tmp_path / "a.npy", np.r_[y, y[:3]][:, None])
    assert (
        "3 of 203 rows equal another row: they are in the same part"
        in diffeo.data.load(f"table:{tmp_path / 'a.npy'}").notes
    )


def test_wrong_columns_say_what_is_near(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", height=normal(1))
    assert "no column 'hieght'. Did you mean height? It has: x, height" in message(name, columns=["hieght"])
    assert "no column 'y'" in message(name, drop=["y"])
    assert "Did you mean height?" in message(name, dequantize=["heigth"])
    assert "no columns 'y', 'z'. It has: x, height" in message(name, columns=["x", "y", "z"])
    assert "no column is left" in message(name, drop=["x", "height"])
    assert "expected 'error' or 'drop'" in message(name, missing="skip")


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    assert "has 5 rows" in message(table(tmp_path / "a.csv", rows=5))
    holes = holed(1, *range(60)), holed(2, *range(60, 120)), holed(3, *range(120, 180)), holed(4, *range(180, 200))
    text = message(table(tmp_path / "b.csv", a=holes[0], b=holes[1], c=holes[2], d=holes[3]))
    assert "only 0 of 200 rows have a value in every column" in text
    assert text.endswith("Use --drop a --missing drop")


def test_new_rows_are_read_as_a_run_had_them(tmp_path: Path) -> None:
    data = diffeo.data.load(
        table(tmp_path / "a.csv", age=whole(1), word=["a"] * ROWS), drop=["word"], dequantize=["age"]
    )
    new = tmp_path / "new.csv"
    new.write_text("age,extra,x\n3,a,0.5\n7,b,1.5\n")
    part = diffeo.data.read(f"table:{new}", **{**data.options, "columns": data.columns})
    assert part.columns == ("x", "age")
    assert part.x[:, 0].tolist() == [0.5, 1.5]
    assert part.x[:, 1].floor().tolist() == [3, 7]  # cells of one year, though these two differ by four
    assert part.rows is not None
    assert part.rows.tolist() == [0, 1]
    new.write_text("age,extra\n3,a\n")
    with pytest.raises(ValueError, match="has no column 'x'"):
        diffeo.data.read(f"table:{new}", columns=data.columns)
    new.write_text("age,x\n3,\n7,1.5\n")
    with pytest.raises(ValueError, match="missing in row 0") as caught:
        diffeo.data.read(f"table:{new}", columns=["x", "age"])
    assert str(caught.value).endswith("Use --columns x,age --missing drop")
    part = diffeo.data.read(f"table:{new}", columns=["x", "age"], missing="drop")
    assert part.rows is not None
    assert part.rows.tolist() == [1]
    new.write_text("age,x\n3,high\n")
    with pytest.raises(ValueError, match="x: not a number in row 0: 'high'"):
        diffeo.data.read(f"table:{new}", columns=["x", "age"])
    part = diffeo.data.read(f"table:{new}", columns=["x", "age"], missing="drop")
    assert part.x.shape == (0, 2)
    assert [(row.row, row.reason) for row in part.unread] == [(0, "x: not a number: 'high'")]


def test_read_without_columns_takes_all_but_those_that_order_or_are_dropped(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", rows=3, day=["2024-01-01"] * 3, y=[1, 1, 1])
    part = diffeo.data.read(name, split="time:day", drop=["y", "not there"])
    assert part.columns == ("x",)
    assert len(part) == 3
