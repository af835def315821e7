"""Columns that number the rows: found in any order, left out, and noted; others stay."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

import diffeo
from diffeo.data.tables.files import read_file
from diffeo.data.tables.index import numbers_rows

N = 300


def orders() -> dict[str, list[int]]:
    random.seed(0)
    return {
        "in order": list(range(N)),
        "from 1": list(range(1, N + 1)),
        "shuffled": random.sample(range(N), N),
        "some of the rows": random.sample(range(5 * N), N),
    }


@pytest.mark.parametrize("order", orders())
@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index", "level_0", "__index_level_0__", "row_names"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_an_index_is_left_out_and_that_is_noted(tmp_path: Path, order: str, name: str, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    index, a = orders()[order], np.random.default_rng(0).normal(size=N)
    if kind == "csv":
        path.write_text(f"{name},a\n" + "".join(f"{i},{v}\n" for i, v in zip(index, a, strict=True)))
    else:
        parquet.write_table(pa.table({"a": a, name: index}), path)
    data = diffeo.data.load(f"table:{path}")
    assert data.columns == ("a",)
    shown = name or "unnamed"
    assert f"left out {shown}, which numbers the rows; --columns can take it in" in data.notes
    assert diffeo.data.load(f"table:{path}", columns=["a", shown]).columns == ("a", shown)
    assert not [note for note in diffeo.data.load(f"table:{path}", drop=[shown]).notes if "numbers" in note]


def test_what_pandas_says_is_its_index_is_one(tmp_path: Path) -> None:
    table = pa.table({"a": np.random.default_rng(0).normal(size=N), "case": orders()["shuffled"]})
    schema = table.schema.with_metadata({"pandas": '{"index_columns": ["case"]}'})
    parquet.write_table(table.cast(schema), tmp_path / "t.parquet")
    assert [column.index for column in read_file(str(tmp_path / "t.parquet")).columns] == [False, True]


@pytest.mark.parametrize(
    ("name", "values", "index"),
    [
        ("unnamed", [3, 1, 2], True),
        ("unnamed", [5000, 91, 77], True),
        ("unnamed", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], True),
        ("unnamed", [21, 35, 21, 47], False),
        ("unnamed", [0.5, 1.5, 2.5], False),
        ("unnamed", [-1, 0, 1], False),
        ("unnamed", [], False),
        ("index", [2155, 2160, 2149], False),
        ("year", [2019, 2020, 2021], False),
        ("population", [51_000_000, 83_000_000, 5_000_000], False),
        ("x", [0, 1, 2], False),
    ],
)
def test_an_index_is_told_from_a_column_that_says_something(name: str, values: list[float], index: bool) -> None:
    assert numbers_rows(name, np.array(values, float)) is index


@pytest.mark.parametrize("order", ["in order", "from 1", "shuffled"])
def test_a_column_with_a_name_that_counts_the_rows_is_asked_about(tmp_path: Path, order: str) -> None:
    rows = "".join(f"{i},{random.gauss(0, 1):.5f}\n" for i in orders()[order])
    (tmp_path / "t.csv").write_text("case,a\n" + rows)
    with pytest.raises(ValueError, match=r"case: counts the rows\nUse --drop case"):
        diffeo.data.load(f"table:{tmp_path / 't.csv'}")


def test_whole_numbers_that_differ_but_do_not_count_stay(tmp_path: Path) -> None:
    random.seed(0)
    rows = "".join(f"{n},{random.gauss(0, 1):.5f}\n" for n in random.sample(range(10**6), N))
    (tmp_path / "t.csv").write_text("population,a\n" + rows)
    assert diffeo.data.load(f"table:{tmp_path / 't.csv'}").columns == ("population", "a")


DATES = {
    "iso": ["2024-01-05", "2024-02-05", None],
    "points": ["2024.01.05", "2024.02.05", None],
    "time": ["2024-01-05 10:30:00", "2024-02-05 10:30:00", None],
    "korean": ["2024년 1월 5일", "2024년 2월 5일", None],
}


@pytest.mark.parametrize("kind", ["parquet", "feather", "npy", "csv"])
@pytest.mark.parametrize("form", DATES)
def test_dates_that_are_text_are_dates_in_every_kind_of_file(tmp_path: Path, kind: str, form: str) -> None:
    path, cells = tmp_path / f"t.{kind}", DATES[form]
    if kind == "npy":
        np.save(path, np.array([[cell or "", "1.5"] for cell in cells]))
    elif kind == "csv":
        path.write_text("when,x\n" + "".join(f"{cell or ''},1.5\n" for cell in cells), encoding="utf-8")
    else:
        (parquet if kind == "parquet" else feather).__dict__[f"write_{'table' if kind == 'parquet' else kind}"](
            pa.table({"when": pa.array(cells).dictionary_encode(), "x": ["1.5", "NA", "2"]}), path
        )
    when, x = read_file(str(path)).columns
    assert when.kind == "date"
    assert np.isnan(when.values).tolist() == [False, False, True]
    day = 1 if when.values[1] - when.values[0] == 31 else (when.values[1] - when.values[0]) / 31
    assert day in (1, 86400, 86400 * 10**3, 86400 * 10**6, 86400 * 10**9)
    assert x.kind == "number"
    assert not x.strays
