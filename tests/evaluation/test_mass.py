"""The integral of a density: right where it converges, and no verdict where it does not."""

import math

import pytest
import torch

from diffeo import Bijection, Chain, Flow, StandardNormal, verify


class Exponential(Bijection):
    """z = log(x) / 3: its samples are lognormal, with tails that no grid and no sum of kernels holds."""

    def encode(self, x, condition=None):
        return x.log() / 3, -(x.log() + math.log(3)).sum(1)

    def decode(self, z, condition=None):
        return (3 * z).exp(), (3 * z + math.log(3)).sum(1)


class Correlated(Bijection):
    """Samples lie within a thousandth of the diagonal: z = (x, 1000 (y - x))."""

    def encode(self, x, condition=None):
        return torch.stack([x[:, 0], 1e3 * (x[:, 1] - x[:, 0])], 1), x.new_full((len(x),), math.log(1e3))

    def decode(self, z, condition=None):
        return torch.stack([z[:, 0], z[:, 0] + 1e-3 * z[:, 1]], 1), z.new_full((len(z),), -math.log(1e3))


def test_the_integral_of_a_correlated_density_is_right() -> None:
    report = verify(Flow(Chain([Correlated()]), StandardNormal(2)).double(), rows=16)
    assert report.ok, str(report)
    assert report.mass == pytest.approx(1, abs=0.01)
    assert not any("not conclusive" in note for note in report.notes)


@pytest.mark.parametrize("features", [1, 2, 3, 5])
def test_an_integral_that_has_not_converged_is_a_note_and_no_fault(features: int) -> None:
    flow = Flow(Chain([Exponential()]), StandardNormal(features)).double()
    report = verify(flow, rows=16)
    assert not report.faults, str(report)
    assert any("integral of the density is not conclusive" in note for note in report.notes)
