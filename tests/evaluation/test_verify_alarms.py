"""The verifier raises no false alarm where rounding, the edge of a range or chance explain what it sees."""

import math

import pytest
import torch
import torch.nn.functional as F

from diffeo import Bijection, Gaussianize, Inverse, RealNVP, verify


class Tanh(Bijection):
    """Ends in an interval, so near its edges that float64 can hardly tell."""

    def encode(self, x, condition=None):
        return x.tanh(), 2 * (math.log(2) - x - F.softplus(-2 * x)).sum(1)

    def decode(self, z, condition=None):
        return z.atanh(), -(1 - z.square()).log().sum(1)


@pytest.mark.parametrize("seed", range(3))
def test_a_right_layer_near_the_edge_of_its_range_is_no_fault(seed: int) -> None:
    x = torch.randn(100, 3, generator=torch.Generator().manual_seed(seed)) * torch.tensor([4.0, 0.3, 0.3])
    report = verify(Tanh(), x, rows=64)
    assert not report.faults, str(report)


def test_far_rows_of_gaussianize_are_no_fault() -> None:
    torch.manual_seed(0)
    layer = Gaussianize((4,), 256)
    layer.initialize((256 * torch.rand(200, 4).square()).floor() + 0.5)
    with torch.no_grad():
        layer.raw.add_(0.5 * torch.randn_like(layer.raw))
    for seed in range(4):
        z = torch.randn(200, 4, generator=torch.Generator().manual_seed(seed))
        report = verify(Inverse(layer), z, rows=32)
        assert not report.faults, str(report)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("seed", [2, 6])
def test_a_right_flow_of_extreme_weights_has_no_fault(seed: int, dtype: torch.dtype) -> None:
    """What lies between data and noise is so large that its rounding shows in log_prob, though not in x."""
    generator = torch.Generator().manual_seed(seed)
    flow = RealNVP(2, couplings=4, width=16).to(dtype)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.copy_(2 * torch.randn(parameter.shape, generator=generator))
    report = verify(flow, 30 * torch.randn(200, 2, generator=generator).to(dtype), rows=64)
    assert not report.faults, str(report)
