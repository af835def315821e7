"""bfloat16 in conditioners, while gradients are made, and nowhere else."""

import pytest
import torch

import diffeo
from diffeo import Glow, RealNVP
from diffeo.training import fit
from diffeo.training.precision import computing_in, conditioners, resolve


def glow() -> Glow:
    torch.manual_seed(0)
    flow = Glow((1, 8, 8), values=17, levels=2, steps=2, width=16)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return flow


def test_only_conditioners_change_and_only_in_the_view() -> None:
    flow = glow().eval()
    x = diffeo.data.load("digits").test.x[:5]
    noise = torch.full(x.shape, 0.5)
    exact = flow.log_prob(x, noise=noise)
    seen: list[tuple[torch.dtype, torch.dtype]] = []
    networks = conditioners(flow)
    hooks = [
        layer.register_forward_hook(lambda module, args, out: seen.append((args[0].dtype, out.dtype)))
        for layer in flow.modules()
        if isinstance(layer, (torch.nn.Conv2d, diffeo.ActNorm, diffeo.InvertibleConv1x1))
    ]
    with torch.no_grad():
        rough = computing_in(flow, "bf16").log_prob(x, noise=noise)
    assert {out for _, out in seen} == {torch.bfloat16}  # convolutions; bijections are not called through hooks
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    assert torch.allclose(rough, exact, rtol=0.02)
    for hook in hooks:
        hook.remove()
    assert torch.equal(flow.log_prob(x, noise=noise), exact)
    assert all("forward" not in network.__dict__ for network in networks)
    assert len(networks) == 2 * 2 + 1  # of the couplings, and the split's prior


def test_training_in_bf16_evaluates_in_float32(monkeypatch) -> None:
    data = diffeo.data.load("digits")
    flow = glow()
    found: dict[bool, set[torch.dtype]] = {True: set(), False: set()}
    for layer in flow.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda module, args, out: found[module.training].add(out.dtype))
    result = fit(flow, data, epochs=1, batch_size=256, progress=False, precision="bf16")
    assert result.precision == "bf16"
    assert found == {True: {torch.bfloat16}, False: {torch.float32}}
    assert all(parameter.dtype == torch.float32 for parameter in flow.parameters())


def test_names_are_resolved_and_refused(monkeypatch) -> None:
    assert resolve("auto", RealNVP(2)) == "float32"
    monkeypatch.setattr("diffeo.training.precision._native", lambda device: True)
    assert resolve("auto", glow()) == "bf16"
    assert resolve("auto", glow().double()) == "float32"
    monkeypatch.setattr("diffeo.training.precision._native", lambda device: False)
    assert resolve("auto", glow()) == "float32"
    assert resolve("bf16", glow()) == "bf16"
    with pytest.raises(ValueError, match="float64"):
        resolve("bf16", glow().double())
    with pytest.raises(ValueError, match="auto, float32 or bf16, got 'half'"):
        resolve("half", glow())
