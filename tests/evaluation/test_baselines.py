"""Simple densities, against scikit-learn and against counting by hand."""

import math

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

import diffeo
from diffeo.data import Dataset, Part
from diffeo.evaluation import baselines, better_ones, evaluate, simple_densities
from diffeo.evaluation.baselines import Simple

UNITS = torch.tensor([1e6, 1e-6, 3.0, 1e3, 2e-3], dtype=torch.float64)


def correlated(rows: int = 3000, columns: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(columns, columns, generator=generator, dtype=torch.float64)
    return torch.randn(rows, columns, generator=generator, dtype=torch.float64) @ mixing


def parts(x: Tensor, values: int | None = None) -> Dataset:
    first, second = int(0.7 * len(x)), int(0.85 * len(x))
    return Dataset("made", Part(x[:first]), Part(x[first:second]), Part(x[second:]), values=values)


def by_sklearn(data: Dataset) -> float:
    train, test = (part.x.flatten(1).double().numpy() for part in (data.train, data.test))
    return float(GaussianMixture(1, reg_covar=0.0).fit(train).score(test))


@pytest.mark.parametrize(
    "x",
    [
        correlated(),
        (correlated() * UNITS).float(),
        correlated() + 1e6,
        torch.cat([correlated(), correlated()[:, :1] + 1e-3 * correlated(columns=1)], 1),  # nearly one of the others
        correlated(12),
        correlated(3000, 1),
        (correlated(3000, 8) * 1e-4).float().view(-1, 2, 2, 2),
    ],
    ids=["plain", "units", "far from zero", "nearly singular", "few rows", "one column", "images"],
)
def test_the_gaussian_is_scikit_learns(x: Tensor) -> None:
    data = parts(x)
    assert baselines(data)["gaussian"].mean == pytest.approx(by_sklearn(data), abs=1e-4)
    assert simple_densities(data)["gaussian"].note == ""


def test_other_units_and_mixtures_of_columns_move_the_gaussian_by_the_log_determinant_alone() -> None:
    x, mixing = correlated(), correlated(5)
    before = simple_densities(parts(x))["gaussian"].per_row
    for change in (torch.diag(UNITS), mixing):
        after = simple_densities(parts(x @ change + 7.0))["gaussian"].per_row
        assert torch.allclose(after, before - torch.linalg.slogdet(change)[1], atol=1e-6)


def test_singular_correlations_are_shrunk_as_suits_the_validation_rows_and_that_is_said() -> None:
    x = correlated()
    plain = baselines(parts(x))["gaussian"].mean
    for extra in (torch.full((len(x), 1), 0.1), x[:, :1] + x[:, 1:2]):  # constant; follows from others
        found = simple_densities(parts(torch.cat([x, extra], 1)))["gaussian"]
        assert "shrunk by 1e-09" in found.note
        assert float(found.per_row.mean()) > plain
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(60, 100, generator=generator)
    found = simple_densities(parts(wide))["gaussian"]
    assert "shrunk by 0.3" in found.note
    assert -250 < float(found.per_row.mean()) < -100 * (0.5 + 0.5 * math.log(2 * math.pi))  # the normal's own: -142


def test_the_histogram_counts_the_training_rows() -> None:
    """Of one pixel with values 0 and 1, three zeros and one in training: P(0) = (3 + a) / (4 + 2 a)."""
    x = torch.tensor([0, 0, 0, 1], dtype=torch.uint8)[:, None]
    data = Dataset("made", Part(x), Part(x), Part(x[:1]), values=2)
    expected = -math.log2(3.01 / 4.02)  # a = 0.01 suits validation rows like the training rows best
    assert baselines(data)["histogram"].mean == pytest.approx(expected)
    assert baselines(data)["uniform"].mean == 1.0


def test_the_gaussian_of_digits_beats_scikit_learns_on_dequantized_rows() -> None:
    data = diffeo.data.load("digits")
    noise = np.random.default_rng(0)
    train, test = (part.x.flatten(1).numpy() + noise.random((len(part), 64)) for part in (data.train, data.test))
    bits = -GaussianMixture(1, reg_covar=1e-9).fit(train).score(test) / 64 / math.log(2)
    assert baselines(data)["gaussian"].mean < bits


def test_only_what_is_better_by_more_than_noise_is_named() -> None:
    rows = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    simple = {"same": Simple(rows), "better": Simple(rows + 0.01), "noise": Simple(rows + 0.1 * rows.flip(0))}
    assert better_ones(simple, rows, lower_is_better=False) == ["better"]
    assert better_ones({"lower": Simple(rows - 0.01)}, rows, lower_is_better=True) == ["lower"]
    assert better_ones({"lower": Simple(rows - 0.01)}, rows, lower_is_better=False) == []
    for row in (-math.inf, math.nan, -2e9):
        broken = rows.clone()
        broken[3] = row
        assert better_ones({"same": Simple(rows)}, broken, lower_is_better=False) == ["same"]


def test_a_flow_that_is_worse_than_the_gaussian_is_found_and_a_far_row_is_counted() -> None:
    x = (correlated() * UNITS).float()
    data = parts(x)
    flow = diffeo.RealNVP(5, couplings=2, width=8)
    flow.initialize(data.train.x)  # standardises: no correlations yet
    found = evaluate(flow, data)
    assert found["worse_than"] == ["gaussian"]
    assert found["log_likelihood"]["far"] == 0
    test = data.test.x.clone()
    test[0] *= 1e7
    far = evaluate(flow, Dataset("made", data.train, data.validation, Part(test)))
    assert far["log_likelihood"]["far"] == 1
    assert far["log_likelihood"]["mean"] < -1e6 < far["log_likelihood"]["median"]
    assert far["log_likelihood"]["median"] == pytest.approx(found["log_likelihood"]["median"], abs=0.1)
