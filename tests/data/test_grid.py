"""The way back from noise to the values that a column can have."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import diffeo
from diffeo.data.grid import Grid, quantized
from diffeo.data.tables.cells import fill, ties
from diffeo.data.tables.spacing import grid

DRAW = np.random.default_rng(0)
COLUMNS = {
    "ages": DRAW.integers(18, 70, 500).astype(float),
    "halves": DRAW.integers(0, 21, 500) / 2,
    "tenths": DRAW.integers(-50, 50, 500) / 10,
    "hundreds": DRAW.integers(1, 90, 500) * 100.0,
    "off": DRAW.integers(0, 30, 500) + 0.25,
    "uneven": DRAW.choice([0, 1, 2.5, 7], 500),
    "negative": -DRAW.integers(0, 30, 500).astype(float),
    "large": DRAW.integers(0, 30, 500) * 1e9,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_value_is_found_again_in_its_own_decimals(name: str) -> None:
    values = COLUMNS[name]
    width = ties(values).cell
    filled = fill(name, values, width).astype(np.float64)
    found = grid(values, values, width)
    assert found.floor(filled).tolist() == values.tolist()
    start = values.astype(np.float32)
    assert found.floor(start.astype(np.float64)).tolist() == values.tolist()  # where the noise is nearly nothing
    below = found.floor(np.nextafter(start, np.float32(-np.inf)).astype(np.float64), beyond=True)
    assert bool((below < values)[values > values.min()].all())


@given(st.integers(1, 12), st.integers(-2000, 2000), st.integers(0, 4), st.integers(2, 60))
def test_grids_of_any_step_and_place_are_found_again(step: int, low: int, places: int, count: int) -> None:
    values = np.array([round((low + step * i) / 10**places, places) for i in [0, 1, *range(count)]])
    width = ties(values).cell
    found = grid(values, values, width)
    filled = fill("column", values, width).astype(np.float64)
    assert found.floor(filled).tolist() == (values + 0.0).tolist()
    assert (found.low, found.high) == (values.min(), values.max())


def test_thirds_are_equally_spaced_too() -> None:
    values = DRAW.integers(0, 30, 500) / 3
    width = ties(values).cell
    back = grid(values, values, width).floor(fill("thirds", values, width).astype(np.float64))
    np.testing.assert_allclose(back, values, rtol=1e-12, atol=1e-12)


def test_values_between_and_beyond_those_of_the_data_are_moved_only_inside_its_range() -> None:
    found = grid(np.array([0.0, 1.0, 2.0, 5.0, 9.0]), np.array([1.0, 2.0, 5.0]), 1.0)
    x = np.array([4.7, 0.3, 9.9, -3.2, np.nan, np.inf])
    assert found.floor(x)[:4].tolist() == [4.0, 1.0, 5.0, 1.0]
    assert found.floor(x, beyond=True)[:4].tolist() == [4.0, 0.0, 9.0, -4.0]
    assert np.isnan(found.floor(x)[4])
    assert found.floor(x)[5] == np.inf
    _, moved = quantized(x[:, None], ["a"], {"a": found})
    assert moved == {"a": 3}
    assert quantized(x[:, None], ["a"], {"a": found}, beyond=True)[1] == {}
    assert quantized(x[:, None], ["b"], {"a": found})[0][:4, 0].tolist() == x[:4].tolist()


def test_a_column_whose_numbers_hardly_repeat_gives_no_row_of_the_data_again() -> None:
    values = np.where(DRAW.random(500) < 0.4, 0.0, DRAW.normal(size=500))
    found = grid(values, values, 0.01)
    assert found.listed == ()
    assert found.floor(np.array([0.004, -0.004, 1.234])) == pytest.approx([0.0, -0.01, 1.23], abs=1e-12)


def test_samples_of_a_table_go_back_to_its_values(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    age, mark = DRAW.integers(18, 70, 300), DRAW.integers(0, 21, 300) / 2
    lines = [f"{a},{h:.4f},{m}" for a, h, m in zip(age, DRAW.normal(size=300), mark, strict=True)]
    path.write_text("\n".join(["age,height,mark", *lines]) + "\n")
    data = diffeo.data.load(f"table:{path}", dequantize=["age", "mark"])
    everything = torch.cat([data.train.x, data.validation.x, data.test.x])
    rows = torch.cat([data.train.rows, data.validation.rows, data.test.rows])
    back = data.quantize(everything, beyond=True)
    assert back.dtype == torch.float64
    assert back[:, 0].tolist() == age[rows].tolist()
    assert back[:, 2].tolist() == mark[rows].tolist()
    assert torch.equal(back[:, 1].float(), everything[:, 1])
    out = data.quantize(torch.tensor([[300.0, 0.5, -4.0]]))
    assert out.tolist() == [[data.quantize(data.train.x)[:, 0].max().item(), 0.5, 0.0]]
    assert data.grids["mark"] == Grid(0.0, 10.0, 0.5, 1)
    with pytest.raises(ValueError, match=r"rows of shape \(3,\), got x of shape \(1, 2\)"):
        data.quantize(torch.zeros(1, 2))
