"""Which rows of a table are held out: the same tomorrow, on every machine."""

from pathlib import Path

import numpy as np
import pytest
import torch

import diffeo
from diffeo.data import Dataset

PARTS = ("train", "validation", "test")


def load(path: Path, x: np.ndarray, **options: object) -> Dataset:
    path.unlink(missing_ok=True)
    np.save(path, x)
    return diffeo.data.load(f"table:{path}", **options)


def values(data: Dataset, part: str) -> set[tuple[float, ...]]:
    return {tuple(row) for row in getattr(data, part).x.tolist()}


def numbers(rows: int, columns: int = 2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_rows_that_are_appended_or_in_another_order_move_no_other(tmp_path: Path) -> None:
    x = numbers(500)
    before = load(tmp_path / "x.npy", x)
    appended = load(tmp_path / "x.npy", np.r_[x, numbers(300, seed=1)])
    mixed = load(tmp_path / "x.npy", x[np.random.default_rng(2).permutation(500)])
    for part in PARTS:
        assert values(before, part) < values(appended, part)
        assert values(before, part) == values(mixed, part)


def test_the_parts_have_their_shares_and_are_alike(tmp_path: Path) -> None:
    x = np.sort(numbers(10_000), axis=0)
    data = load(tmp_path / "x.npy", x)
    assert [len(getattr(data, part)) for part in PARTS] == pytest.approx([8000, 1000, 1000], abs=120)
    for part in PARTS:
        assert getattr(data, part).x.mean(0).abs().max() < 0.12


def test_the_hash_is_the_same_everywhere_and_does_not_heed_the_order_of_columns(tmp_path: Path) -> None:
    x = np.arange(40.0)[:, None] ** 1.5 + np.array([0.0, 0.25]) * np.cos(np.arange(40.0))[:, None]
    path = tmp_path / "x.csv"
    path.write_text("b,a\n" + "".join(f"{row[0]!r},{row[1]!r}\n" for row in x.round(6).tolist()))
    one = diffeo.data.load(f"table:{path}", columns=["a", "b"])
    other = diffeo.data.load(f"table:{path}", columns=["b", "a"])
    assert one.test.rows is not None
    assert one.validation.rows is not None
    assert (one.validation.rows.tolist(), one.test.rows.tolist()) == ([17, 23], [12, 20, 24, 30, 37])
    assert other.test.rows is not None
    assert torch.equal(one.test.rows, other.test.rows)


def test_minus_zero_is_zero(tmp_path: Path) -> None:
    x = numbers(60)
    x[7, 0] = 0.0
    data = load(tmp_path / "x.npy", x)
    x[7, 0] = -0.0
    again = load(tmp_path / "x.npy", x)
    assert data.test.rows is not None
    assert again.test.rows is not None
    assert torch.equal(data.test.rows, again.test.rows)


@pytest.mark.parametrize("rows", [10, 12, 30])
def test_no_part_of_a_small_table_is_empty(tmp_path: Path, rows: int) -> None:
    for seed in range(60):  # of ten rows two tables in three have an empty part by the hashes alone
        x = numbers(rows, seed=seed)
        data = load(tmp_path / "x.npy", x)
        sizes = [len(getattr(data, part)) for part in PARTS]
        assert min(sizes) >= 1
        assert sizes[0] >= rows / 2 or rows == 10
        mixed = load(tmp_path / "x.npy", x[::-1])
        assert all(values(data, part) == values(mixed, part) for part in PARTS)


def test_copies_of_a_row_are_in_one_part(tmp_path: Path) -> None:
    x = numbers(400)
    data = load(tmp_path / "x.npy", np.r_[x, x[:60]])
    assert not values(data, "train") & values(data, "test")
    assert not values(data, "train") & values(data, "validation")
    assert "60 of 460 rows equal another row: they are in the same part" in data.notes


def test_counts_that_are_equal_by_chance_are_in_every_part_and_stay_there(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 5, (1000, 1)).astype(float)

    def counted(data: Dataset, part: str) -> np.ndarray:
        return np.bincount(getattr(data, part).x[:, 0].floor().long(), minlength=5)

    before = load(tmp_path / "x.npy", x, dequantize=["x0"])
    assert [len(getattr(before, part)) for part in PARTS] == pytest.approx([800, 100, 100], abs=40)
    assert all(counted(before, part).min() >= 5 for part in PARTS)
    more = load(tmp_path / "x.npy", np.r_[x, x[:200]], dequantize=["x0"])
    mixed = load(tmp_path / "x.npy", x[::-1], dequantize=["x0"])
    for part in PARTS:
        assert set(getattr(before, part).rows.tolist()) < set(getattr(more, part).rows.tolist())
        assert np.array_equal(counted(before, part), counted(mixed, part))
    assert any("not kept in one part" in note for note in before.notes)
