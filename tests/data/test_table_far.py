"""Codes for missing values and far outliers: told from honest tails, named, and settled by an option."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.test_table import ROWS, message, normal, suggested, table, whole

import diffeo
from diffeo.data.tables.far import far

Draw = Callable[[np.random.Generator, int], np.ndarray]

COLUMNS: dict[str, Draw] = {
    "temperature": lambda rng, n: rng.normal(15, 8, n),
    "age": lambda rng, n: rng.normal(40, 15, n).round().clip(0, 95),
    "children": lambda rng, n: rng.poisson(1.2, n).astype(float),
    "income": lambda rng, n: rng.lognormal(10, 0.6, n).round(),
    "yes or no": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "rain": lambda rng, n: np.where(rng.random(n) < 0.7, 0, rng.gamma(0.7, 8, n).round(1)),
    "year": lambda rng, n: rng.integers(1990, 2021, n).astype(float),
}
HONEST: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "cauchy, whole": lambda rng, n: rng.standard_cauchy(n).round(),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "lognormal, long": lambda rng, n: rng.lognormal(0, 3, n),
    "incomes in hundreds": lambda rng, n: rng.lognormal(10, 1, n).round(-2),
    "pareto": lambda rng, n: rng.pareto(1, n),
    "zipf": lambda rng, n: rng.zipf(1.5, n).astype(float),
    "counts": lambda rng, n: rng.poisson(0.1, n).astype(float),
    "flags": lambda rng, n: (rng.random(n) < 0.02).astype(float),
    "many zeros": lambda rng, n: np.where(rng.random(n) < 0.9, 0, rng.lognormal(8, 1, n).round()),
    "two groups": lambda rng, n: np.where(rng.random(n) < 0.5, rng.normal(0, 1, n), rng.normal(50, 1, n)),
    "prices": lambda rng, n: rng.lognormal(3, 1.2, n).round(2),
    "one digit": lambda rng, n: np.array([float(f"{v:.0e}") for v in rng.lognormal(10, 2, n)]),
}


def with_code(draw: Draw, code: float, share: float, seed: int, rows: int = 1000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = draw(rng, rows)
    values[rng.choice(rows, int(share * rows), replace=False)] = code
    return values


@pytest.mark.parametrize("code", [-9999, -999, 9999999, 1e9, 1e20, 9.96921e36, -1.7e308])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_code_far_from_the_others_is_found_in_any_column(column: str, code: float) -> None:
    for seed, share in enumerate((0.003, 0.0075, 0.1, 0.3)):
        values = with_code(COLUMNS[column], code, share, seed)
        assert far(values).codes == {code: int(share * 1000)}


@pytest.mark.parametrize(
    ("column", "code"),
    [("temperature", 99), ("temperature", -99), ("age", 999), ("age", -9), ("children", 99), ("children", -9),
     ("yes or no", 99), ("year", 0), ("year", 9999), ("income", 999999), ("rain", -99)],
)  # fmt: skip
def test_short_codes_are_found_where_they_are_apart(column: str, code: float) -> None:
    for seed in range(4):
        assert far(with_code(COLUMNS[column], code, 0.02, seed)).codes == {code: 20}


@pytest.mark.parametrize("code", [-1, -2, -100])
def test_the_only_negative_number_is_a_code_where_it_is_far_more_frequent_than_others(code: float) -> None:
    def prices(rng: np.random.Generator, n: int) -> np.ndarray:
        return rng.lognormal(10, 0.7, n).round(2)

    for share in (0.01, 0.02, 0.3):
        assert far(with_code(prices, code, share, 0)).codes == {code: int(share * 1000)}
    assert far(with_code(COLUMNS["children"], -1, 0.02, 0)).codes == {}  # counts from -1 on


def test_the_others_are_named_without_the_value_in_question(tmp_path: Path) -> None:
    count = with_code(lambda rng, n: rng.integers(15, 46, n).astype(float), -1, 0.1, 0, ROWS)
    assert far(count).doubtful == {-1: 20}
    notes = diffeo.data.load(table(tmp_path / "a.csv", count=count, b=normal(2)), dequantize=["count"]).notes
    assert any(note.startswith("count: -1 in 20 rows, and the others are 15 to 45: if it stands") for note in notes)


def test_infinite_values_are_named_without_a_warning(tmp_path: Path) -> None:
    a = normal(1)
    a[[3, 8]] = np.inf
    assert "a: infinite, or beyond 3e+38, in rows 3, 8" in message(table(tmp_path / "a.csv", a=a, b=normal(2)))


@pytest.mark.parametrize("day", ["31.01.2020", "1/31/20", "31-1-2020", "31.01.2020 10:00"])
def test_text_that_is_a_date_is_told_how_a_date_is_read(tmp_path: Path, day: str) -> None:
    (tmp_path / "a.csv").write_text("day,a\n" + "".join(f"{day},{v}\n" for v in normal(1)), encoding="utf-8")
    said = f"day: text, such as {day!r}; a date is read as one where it is written as 2026-01-31"
    assert said in message(f"table:{tmp_path / 'a.csv'}")


def test_several_codes_of_a_column_are_found() -> None:
    values = with_code(COLUMNS["children"], 99, 0.05, 0)
    values[np.flatnonzero(values != 99)[:30]] = 98
    values[np.flatnonzero(values < 98)[:7]] = -8
    assert far(values).codes == {99: 50, 98: 30, -8: 7}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_columns_hold_no_code(kind: str) -> None:
    for rows in (30, 300, 3000):
        for seed in range(20):
            found = far(HONEST[kind](np.random.default_rng(seed), rows))
            assert found.codes == {}
            assert not len(found.lost)
            assert len(found.outliers) <= max(2, 0.01 * rows)


def test_columns_of_few_values_and_of_none_hold_nothing_far() -> None:
    for values in ([], [np.nan], [1.0], [1, 1, 1], [0, 1], [0, 0, 0, 1e30]):
        found = far(np.array(values, float))
        assert (found.codes, found.doubtful, len(found.outliers)) == ({}, {}, 0)


@pytest.mark.parametrize("fill", [-9999.0, 1e9, 1e12, 1e20, 9.96921e36])
def test_codes_are_an_error_whose_last_line_reads_them_as_missing(tmp_path: Path, fill: float) -> None:
    temperature = with_code(COLUMNS["temperature"], fill, 0.04, 1, ROWS)
    name = table(tmp_path / "a.csv", temperature=temperature, age=whole(1))
    text = message(name)
    assert f"temperature: {fill:.10g} in 8 rows, apart from the others, " in text
    assert text.endswith(f"Use --dequantize age --missing-values temperature={fill:.10g} --missing drop")
    data = diffeo.data.load(name, **suggested(text))
    kept = np.concatenate([part.x[:, 1].numpy() for part in (data.train, data.validation, data.test)])
    assert len(kept) == ROWS - 8
    assert np.abs(kept).max() < 60
    assert f"temperature: {fill:.10g} was read as missing, in 8 rows" in data.notes
    assert "left out 8 of 200 rows: a value is missing, infinite or no number" in data.notes
    again = diffeo.data.load(name, **data.options)
    assert again.notes == data.notes


def test_a_code_can_be_kept_and_given_for_every_column(tmp_path: Path) -> None:
    a, b = normal(1), normal(2)
    a[:5] = -999
    b[3:9] = -999
    name = table(tmp_path / "a.csv", a=a, b=b)
    assert message(name).endswith("Use --missing-values a=-999,b=-999 --missing drop")
    assert message(name, missing_values=["a=keep"]).endswith("Use --missing-values a=keep,b=-999 --missing drop")
    assert len(diffeo.data.load(name, missing_values="keep").columns or ()) == 3
    for given in (-999, "-999", [-999.0], ["a=-999", "b=-999"]):
        data = diffeo.data.load(name, missing_values=given, missing="drop")
        assert len(data.train) + len(data.validation) + len(data.test) == ROWS - 9
    assert message(name, missing_values=[-999]).endswith("Use --missing-values=-999 --missing drop")
    assert "a: missing in rows 0, 1, 2, 3, 4" in message(name, missing_values=[-999])


def test_a_code_of_many_columns_is_proposed_once(tmp_path: Path) -> None:
    columns = {f"c{i}": np.where(np.arange(ROWS) == i, -9999, normal(10 + i)) for i in range(10)}
    for values in columns.values():
        values[50] = -9999
    name = table(tmp_path / "a.csv", **columns)
    text = message(name)
    assert text.endswith("Use --missing-values=-9999 --missing drop")
    assert len(diffeo.data.load(name, **suggested(text)).columns or ()) == 11


def test_what_a_code_hides_is_found_in_the_same_breath(tmp_path: Path) -> None:
    row, y = np.arange(ROWS), normal(3)
    mostly = np.where(row % 5 < 2, -999, normal(1))
    steps = np.where(whole(2) == 3, -99, whole(2))
    code = np.where(row < 6, 999, y)
    twin = np.where(row == 9, np.nan, 2 * y)
    text = message(table(tmp_path / "a.csv", mostly=mostly, steps=steps, code=code, twin=twin))
    for line in (
        "mostly: -999 in 80 rows, apart from the others",
        "40% of the values missing",
        f"steps: -99 in {(steps == -99).sum()} rows, apart from the others, 0 to 29",
        "whole numbers that repeat, 29 different ones",
        "code: 999 in 6 rows, apart from the others",
        "twin: follows from code: it is that times 2, plus 0",
    ):
        assert line in text
    assert text.endswith("Use --drop mostly,twin --dequantize steps --missing-values steps=-99,code=999 --missing drop")
    data = diffeo.data.load(f"table:{tmp_path / 'a.csv'}", **suggested(text))
    assert data.columns == ("x", "steps", "code")


def test_single_outliers_are_noted_and_trained_on(tmp_path: Path) -> None:
    y = normal(1)
    y[7], y[30] = 500, -800
    data = diffeo.data.load(table(tmp_path / "a.csv", y=y))
    assert len(data.train) + len(data.validation) + len(data.test) == ROWS
    (note,) = data.notes
    assert note.startswith("y: 2 values far from the others: 500 in row 7, -800 in row 30; the others are -")


def test_an_outlier_beside_which_float32_holds_nothing_else_is_an_error(tmp_path: Path) -> None:
    y = normal(1)
    y[7] = -2e12
    name = table(tmp_path / "a.csv", y=y)
    text = message(name)
    assert "y: -2e+12 in row 7, so far from the others" in text
    assert text.endswith("Use --missing-values y=-2e+12 --missing drop")
    assert len(diffeo.data.load(name, **suggested(text)).columns or ()) == 2


def test_zeros_that_may_be_missing_are_noted(tmp_path: Path) -> None:
    pressure = np.random.default_rng(1).normal(72, 12, ROWS)
    pressure[:5] = 0
    (note,) = diffeo.data.load(table(tmp_path / "a.csv", pressure=pressure)).notes
    assert note.startswith("pressure: 0 in 5 rows, and the others are ")
    assert note.endswith("use --missing-values pressure=0 --missing drop")


def test_new_rows_are_read_with_the_codes_of_the_run(tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text("x,y\n1,2\n-999,3\n4,-999\n")
    part = diffeo.data.read(f"table:{new}", columns=["x", "y"], missing_values=["x=-999", "gone=0"], missing="drop")
    assert part.x.tolist() == [[1, 2], [4, -999]]


def test_a_value_that_files_round_is_the_same_value(tmp_path: Path) -> None:
    y = normal(1)
    y[:4] = np.float32(9.969209968386869e36)
    name = table(tmp_path / "a.csv", y=y)
    data = diffeo.data.load(name, missing_values=["y=9.96921e36"], missing="drop")
    assert "y: 9.96921e+36 was read as missing, in 4 rows" in data.notes
    assert "y: no row holds 5" in diffeo.data.load(name, missing_values=["y=9.96921e36", "y=5"], missing="drop").notes


def test_a_wrong_code_says_what_is_expected(tmp_path: Path) -> None:
    name = table(tmp_path / "a.csv", height=normal(1))
    assert "'hieght', and there is no such column. Did you mean height?" in message(name, missing_values=["hieght=0"])
    assert "'height=none' holds no number" in message(name, missing_values=["height=none"])
    assert "'nan' holds no number" in message(name, missing_values=[float("nan")])
