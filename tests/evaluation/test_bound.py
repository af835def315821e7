"""The bound on bits a dimension against the exact probability of integers, from the integral over their cells."""

import math

import pytest
import torch

import diffeo
from diffeo.data import Dataset, Part
from diffeo.evaluation import evaluate

VALUES = 3


@pytest.fixture(scope="module")
def rows() -> torch.Tensor:
    """Every pair of values there is."""
    return torch.cartesian_prod(torch.arange(VALUES), torch.arange(VALUES)).to(torch.uint8)


@pytest.fixture(scope="module")
def flow(rows: torch.Tensor) -> diffeo.Flow:
    """Of two integers with three values each, whose density varies inside a cell."""
    torch.manual_seed(0)
    flow = diffeo.RealNVP(2, values=VALUES, couplings=2, width=8, preprocessing="logit").double()
    flow.initialize(rows)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.06 * torch.randn_like(parameter))
    return flow.eval()


@pytest.fixture(scope="module")
def exact(flow: diffeo.Flow, rows: torch.Tensor) -> torch.Tensor:
    """-log2 P(x) / 2 of every pair, by the middles of 64 x 64 small squares in its cell."""
    middle = (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    noise = torch.cartesian_prod(middle, middle)
    with torch.no_grad():
        p = torch.stack([flow.log_prob(row.expand(len(noise), 2), noise=noise).exp().mean() for row in rows])
    assert float(p.sum()) == pytest.approx(1, abs=1e-3)  # so that it is the probability
    return -p.log2() / 2


def bounds(flow: diffeo.Flow, rows: torch.Tensor, samples: int, times: int) -> torch.Tensor:
    """The mean bound of every row over many draws."""
    generator = torch.Generator().manual_seed(1)
    many = rows.repeat_interleave(times, 0)
    return flow.bits_per_dim(many, samples=samples, generator=generator).view(len(rows), times).mean(1)


def test_more_draws_bring_every_row_closer_to_its_exact_probability(
    flow: diffeo.Flow, rows: torch.Tensor, exact: torch.Tensor
) -> None:
    excess = {k: bounds(flow, rows, k, 1000) - exact for k in (1, 4, 16)}
    means = {k: float(found.mean()) for k, found in excess.items()}
    assert means[1] > 0.05  # the cells are uneven: one draw is far off
    assert 0 < means[16] < means[4] / 2 < means[1] / 8
    uneven = excess[1] > 0.05
    assert int(uneven.sum()) >= 5
    assert bool((excess[4] < excess[1] / 2)[uneven].all())


def test_with_very_many_draws_it_is_exact(flow: diffeo.Flow, rows: torch.Tensor, exact: torch.Tensor) -> None:
    assert torch.allclose(bounds(flow, rows, 1024, 1), exact, atol=0.03)


def test_evaluate_gives_the_bound_of_every_row_its_error_over_rows_and_one_draw_beside(
    flow: diffeo.Flow, rows: torch.Tensor, exact: torch.Tensor
) -> None:
    rows, exact = rows.repeat(40, 1), exact.repeat(40)
    part = Part(rows)
    data = Dataset("pairs", part, part, part, values=VALUES)
    found, again, one = (evaluate(flow, data, samples=k, seed=5) for k in (64, 64, 1))
    assert found == again
    assert evaluate(flow, data, samples=64, seed=6) != found
    assert found["rows"] == 360
    assert found["bits_per_dim"]["mean"] == pytest.approx(float(exact.mean()), abs=0.005)
    generator = torch.Generator().manual_seed(5)
    bits = flow.bits_per_dim(rows, samples=64, generator=generator)
    assert found["bits_per_dim"]["mean"] == pytest.approx(float(bits.mean()), abs=1e-9)
    assert found["bits_per_dim"]["standard_error"] == pytest.approx(float(bits.std()) / math.sqrt(360), rel=1e-6)
    assert found["bits_per_dim_by_one_draw"] == one["bits_per_dim"] == one["bits_per_dim_by_one_draw"]
    assert found["bits_per_dim_by_one_draw"]["mean"] > found["bits_per_dim"]["mean"]
