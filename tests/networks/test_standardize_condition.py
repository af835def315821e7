"""Conditions are standardised by the training rows, so that their unit does not matter."""

import copy
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import diffeo
from diffeo import MLP, Chain, Coupling, Flow, Glow, ImageEmbedding, RealNVP, StandardizeCondition, StandardNormal

UNITS = {
    "per mille": (1e-3, 0.0),
    "year": (24.0, 2000.0),
    "kelvin": (30.0, 273.15),
    "pascal": (1e3, 1e5),
    "seconds since 1970": (3e7, 1.6e9),
    "below zero": (-7.0, -40.0),
    "tiny": (1e-30, 0.0),
    "huge": (1e30, -1e30),
}


def rows(n: int = 1500) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(n, 1, generator=generator, dtype=torch.float64)
    truth = torch.cat([torch.sin(6.28 * u), torch.cos(6.28 * u)], 1)
    return (truth + 0.1 * torch.randn(n, 2, generator=generator)).float(), u


def given(shape: int | tuple[int, ...] = 1) -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=4, width=24, condition_shape=shape)


def test_training_reaches_the_same_log_p_in_any_unit() -> None:
    x, u = rows()

    def reached(c: torch.Tensor) -> float:
        flow = given()
        diffeo.fit(flow, x, c.float(), epochs=6, lr=5e-3, progress=False)
        return float(flow.log_prob(x, c.float()).mean().detach())

    expected = reached(u)
    assert expected > 0.5  # without the condition it is -1.7
    found = {name: reached(scale * u + shift) for name, (scale, shift) in UNITS.items() if name != "below zero"}
    assert found == pytest.approx(dict.fromkeys(found, expected), abs=0.02)


@pytest.mark.parametrize("unit", list(UNITS))
def test_the_unit_of_a_condition_is_gone_behind_the_embedding(unit: str) -> None:
    x, u = rows()
    scale, shift = UNITS[unit]
    c = (scale * u + shift).float()
    flow = given()
    flow.initialize(x, c)
    expected = (u - u.mean()) / u.std(correction=0) * math.copysign(1, scale)
    found = flow.embedding.standardize(c)
    digits = 1e-6 + 4 * torch.finfo(torch.float32).eps * abs(shift / scale)  # that float32 has left of the unit
    assert torch.allclose(found.double(), expected, rtol=0, atol=digits)


def test_mean_and_scale_are_of_all_rows_and_in_the_precision_of_float64() -> None:
    """Summed in float32, the mean of a million numbers near 1e5 would be off by more than a unit."""
    x = torch.randn(100_000, 2)
    c = 1e5 + torch.rand(100_000, 1)
    c[:1000] -= 50.0
    flow = given()
    flow.initialize(x, c)
    seen = flow.embedding.standardize
    assert float(seen.mean - c.double().mean()) == pytest.approx(0.0, abs=0.005)
    assert float(seen.scale) == pytest.approx(float(c.double().std(correction=0)), rel=1e-6)


def test_images_are_standardised_by_channel() -> None:
    torch.manual_seed(0)
    flow = Glow((1, 4, 4), steps=1, width=4, condition_shape=(2, 2, 2))
    assert isinstance(flow.embedding, ImageEmbedding)
    c = torch.randn(600, 2, 2, 2) * torch.tensor([3.0, 1e-3])[:, None, None] + torch.tensor([0.0, 1e3])[:, None, None]
    flow.initialize(torch.randn(600, 1, 4, 4), c)
    z = flow.embedding.standardize(c).transpose(0, 1).flatten(1).double()
    assert torch.allclose(z.mean(1), torch.zeros(2, dtype=torch.float64), atol=1e-2)
    assert torch.allclose(z.std(1), torch.ones(2, dtype=torch.float64), atol=1e-2)


def test_a_constant_entry_keeps_scale_one_and_is_named() -> None:
    x, u = rows()
    flow = given(3)
    with pytest.warns(UserWarning, match=r"StandardizeCondition: constant in 1 of 3 channels \(1\)"):
        flow.initialize(x, torch.cat([u, torch.full_like(u, 1e5), 9 * u], 1).float())
    assert float(flow.embedding.standardize.scale[1]) == 1.0
    assert flow.embedding.standardize.mean[1] == 1e5


def test_it_is_set_once_counts_and_fails_without_a_trace() -> None:
    x, u = rows()
    coupling = Coupling(2, MLP(1, 2, condition_shape=(1,)))
    flow = Flow(Chain([coupling]), StandardNormal(2), embedding=StandardizeCondition((1,)))
    assert not flow.initialized
    before = copy.deepcopy(flow.state_dict())
    with pytest.raises(ValueError, match="NaN or infinity"):
        flow.initialize(x, torch.full_like(u, math.nan).float())
    coupling.initialize = lambda *_: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        flow.initialize(x, u.float())
    assert all(torch.equal(tensor, before[name]) for name, tensor in flow.state_dict().items())
    del coupling.initialize
    flow.initialize(x, u.float())
    assert flow.initialized
    with pytest.raises(RuntimeError, match="force=True"):
        flow.initialize(x, u.float())
    flow.initialize(x, 10 * u.float(), force=True)
    assert float(flow.embedding.mean) == pytest.approx(10 * float(u.mean()), rel=1e-5)


def test_without_an_embedding_a_condition_is_handed_on_as_it_is() -> None:
    x, u = rows()
    flow = Flow(Chain([Coupling(2, MLP(1, 2, condition_shape=(1,)))]), StandardNormal(2))
    flow.initialize(x, u.float())
    assert torch.equal(flow.embed(u.float(), len(u)), u.float())


def test_it_is_saved_with_the_flow(tmp_path: Path) -> None:
    x, u = rows()
    c = (2000 + 24 * u).float()
    flow = given()
    flow.initialize(x, c)
    flow.save_pretrained(tmp_path)
    loaded = diffeo.load(tmp_path)
    assert torch.equal(loaded.embed(c, len(c)), flow.embed(c, len(c)))
    with pytest.raises(RuntimeError, match="force=True"):
        loaded.initialize(x, c)


def test_a_file_of_before_loads_to_the_flow_that_it_was(tmp_path: Path) -> None:
    x, u = rows()
    flow = given().double()
    flow.initialize(x.double(), u)
    flow.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if ".standardize." not in name}
    assert len(tensors) - len(kept) == 3
    save_file(kept, tmp_path / "model.safetensors")
    loaded = diffeo.load(tmp_path)
    assert torch.equal(loaded.embed(u, len(u)), flow.embedding.layers(u))
    assert loaded.initialized
    loaded.save_pretrained(tmp_path / "again")
    assert torch.equal(diffeo.load(tmp_path / "again").embed(u, len(u)), flow.embedding.layers(u))
    save_file({n: t for n, t in tensors.items() if not n.endswith("standardize.mean")}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"missing embedding\.standardize\.mean"):
        diffeo.load(tmp_path)
