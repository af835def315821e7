"""Generated code, not only captured graphs: one small model a family through inductor."""

import shutil

import pytest
import torch

from diffeo import NICE, Glow, RealNVP

FAMILIES = {
    "NICE": lambda: NICE(3, couplings=2, width=4, depth=1),
    "RealNVP": lambda: RealNVP(3, couplings=2, width=4, depth=1),
    "Glow": lambda: Glow((1, 4, 4), levels=1, steps=1, width=4),
}


@pytest.mark.point(10)
@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler, and there is no g++")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_generated_code_computes_the_same_in_both_directions(name: str) -> None:
    flow = FAMILIES[name]().requires_grad_(False)
    for parameter in flow.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(5, *flow.shape)
    z, log_det = flow.bijection.encode(x)
    torch._dynamo.reset()
    found, found_log_det = torch.compile(flow.bijection.encode, fullgraph=True)(x)
    assert torch.allclose(found, z, atol=1e-5)
    assert torch.allclose(found_log_det, log_det, atol=1e-5)
    back, _ = torch.compile(flow.bijection.decode, fullgraph=True)(z)
    assert torch.allclose(back, x, atol=1e-4)
