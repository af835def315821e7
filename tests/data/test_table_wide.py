"""Tables with many columns: too few rows for them, and columns that follow from others."""

from pathlib import Path

import numpy as np
import pytest
from tests.data.test_table import message, suggested

import diffeo
from diffeo.data.tables import dependence
from diffeo.data.tables.dependence import dependent


def saved(path: Path, x: np.ndarray) -> str:
    np.save(path, x)
    return f"table:{path}"


def numbers(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, columns))


@pytest.mark.parametrize(("rows", "columns"), [(100, 81), (100, 99), (100, 100), (100, 150), (12, 40), (10, 10)])
def test_no_fewer_columns_than_rows_that_train_are_refused_with_some_that_load(
    tmp_path: Path, rows: int, columns: int
) -> None:
    name = saved(tmp_path / "x.npy", numbers(rows, columns))
    text = message(name)
    assert f"{rows} rows cannot determine a density of {columns} columns" in text
    chosen = suggested(text)["columns"]
    assert diffeo.data.load(name, **suggested(text)).columns == tuple(chosen)  # type: ignore[arg-type]


def test_twenty_thousand_columns_are_refused_in_a_few_lines(tmp_path: Path) -> None:
    x = np.random.default_rng(0).poisson(3, (60, 20_000)).astype(float)
    x[np.random.default_rng(1).random(x.shape) < 0.02] = np.nan
    name = saved(tmp_path / "x.npy", x)
    text = message(name)
    assert "60 rows cannot determine a density of 20,000 columns. About 48 of them train" in text
    assert len(text) < 800
    assert len(diffeo.data.load(name, **suggested(text)).columns or ()) == 4
    lines = [",".join(map(str, row)) for row in [[f"g{i}" for i in range(20_000)], *x[:30].astype(str)]]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    assert len(message(f"table:{tmp_path / 'x.csv'}")) < 800


def test_columns_of_text_or_of_one_value_do_not_count_as_columns(tmp_path: Path) -> None:
    x = np.zeros((40, 60))
    x[:, :3] = numbers(40, 3)
    name = saved(tmp_path / "x.npy", x)
    text = message(name)
    assert "57 of 60 columns need a decision" in text
    assert diffeo.data.load(name, **suggested(text)).columns == ("x0", "x1", "x2")


def test_few_rows_for_the_columns_are_noted(tmp_path: Path) -> None:
    assert (
        "rows train a density of 40 columns" in diffeo.data.load(saved(tmp_path / "x.npy", numbers(100, 40))).notes[0]
    )
    assert diffeo.data.load(saved(tmp_path / "y.npy", numbers(400, 40))).notes == ()


def test_what_follows_from_others_is_found_among_many_columns() -> None:
    x = numbers(1500, 300)
    x[:, 299] = x[:, 1] + x[:, 2] - 3 * x[:, 200]
    x[:, 150] = 2 - 3 * x[:, 7]
    x[:, 64] = x[:, 63]
    x[:, 128] = x[:, 5] + 1e-3 * numbers(1500, 1)[:, 0]  # nearly
    found = dependent([f"x{i}" for i in range(300)], list(x.T))
    assert found == {
        "x64": "equals x63",
        "x150": "follows from x7: it is that times -3, plus 2",
        "x299": "follows from the columns before it: it is a sum of multiples of them",
    }


def test_what_is_independent_in_all_rows_only_is_independent() -> None:
    x = numbers(40_000, 3)
    total = x.sum(1)
    total[1] += 100  # a row that a part of the rows does not hold
    flag = np.zeros(40_000)
    flag[3] = 1
    assert dependent(list("abcde"), [*x.T, total, flag]) == {}
    total[1] -= 100
    assert list(dependent(list("abcde"), [*x.T, total, flag])) == ["d"]


def test_of_very_many_columns_neighbours_and_twins_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependence, "TOGETHER", 40)
    x = numbers(500, 200)
    x[:, 30] = x[:, 3] - x[:, 4]
    x[:, 190] = x[:, 3] * -2
    x[:, 195] = x[:, 3] * 5 + 1
    found = dependent([f"x{i}" for i in range(200)], list(x.T))
    assert list(found) == ["x30", "x190", "x195"]
    assert found["x190"] == "follows from x3: it is that times -2, plus 0"
    assert found["x195"] == "follows from x3: it is that times 5, plus 1"
