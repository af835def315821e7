"""A density's figure in the table's units, in standardised units, and in those of the flow."""

import math

import pytest
import torch

from diffeo.data import Dataset, Part
from diffeo.evaluation import units

NORMAL = -0.5 * math.log(2 * math.pi)


def test_all_three_units_give_the_density_of_a_known_normal() -> None:
    """y ~ N(0, diag(3^2, 0.5^2)) is stored as x = y / (6, 0.25), so that log p(y) at 0 is known in every unit."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(200_000, 2, generator=generator, dtype=torch.float64) * torch.tensor([3.0, 0.5])
    scale = (6.0, 0.25)
    part = Part(y / torch.tensor(scale))
    found = units(Dataset("made", part, part, part, scale=scale))
    in_x = 2 * NORMAL - math.log(3 / 6) - math.log(0.5 / 0.25)
    assert in_x + found.own == pytest.approx(2 * NORMAL - math.log(3) - math.log(0.5))
    assert in_x + found.standardised == pytest.approx(2 * NORMAL, abs=0.01)


def test_integers_have_one_unit_and_a_constant_column_none() -> None:
    integers = Part(torch.randint(0, 3, (10, 2), dtype=torch.uint8))
    assert units(Dataset("made", integers, integers, integers, values=3)).standardised is None
    constant = Part(torch.tensor([[1.0, 0.0], [1.0, 2.0]]))
    assert units(Dataset("made", constant, constant, constant)).standardised == 0.0
