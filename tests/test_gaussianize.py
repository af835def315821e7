"""Gaussianize: what initialize learns of every dimension, and what the layer keeps of it near the ends."""

import math

import pytest
import torch

from diffeo import Gaussianize, Glow, RealNVP, StandardNormal
from diffeo.saving import configuration

BLACK, WHITE = 0.0, 255.0


def dequantized(values: torch.Tensor, seed: int = 0) -> torch.Tensor:
    return values + torch.rand(values.shape, generator=torch.Generator().manual_seed(seed))


def test_a_pixel_that_is_always_black_costs_nothing_and_leaves_as_a_standard_normal() -> None:
    layer, rows = Gaussianize((3,), 256), dequantized(torch.full((20_000, 3), BLACK))
    z = layer.initialize(rows).detach()
    log_p = StandardNormal(3).log_prob(z) + layer.encode(rows)[1]
    assert float(-log_p.detach().mean()) / 3 / math.log(2) < 0.01  # bits; after a logit it would be about a half
    assert z.mean().abs() < 0.02
    assert (z.std() - 1).abs() < 0.02
    assert z.double().pow(4).mean() == pytest.approx(3, abs=0.2)  # the shape of a normal, not only its scale


def test_the_density_of_a_dimension_is_its_histogram() -> None:
    generator = torch.Generator().manual_seed(1)
    integers = torch.randint(0, 4, (40_000, 2), generator=generator) ** 2 % 5  # 0, 1, 4, 4
    layer = Gaussianize((2,), 5)
    layer.initialize(dequantized(integers.float()))
    x = torch.tensor([[0.5, 0.5], [1.5, 1.5], [4.5, 4.5]])
    z, log_det = layer.encode(x)
    density = (StandardNormal(2).log_prob(z) + log_det).exp().detach()
    shares = torch.stack([(integers == k).float().mean(0) for k in (0, 1, 4)])
    assert torch.allclose(density, shares.prod(1), rtol=0.01)


@pytest.mark.parametrize("end", [BLACK, WHITE])
def test_noise_at_either_end_comes_back_to_the_digit_that_was_drawn(end: float) -> None:
    layer = Gaussianize((1,), 256)
    layer.initialize(dequantized(torch.full((1000, 1), end)))
    u = (torch.tensor([[0.0], [1.0], [16383.0], [32766.0], [32767.0]]) + 0.5) / 2**15
    back = layer.decode(layer.encode(end + u)[0])[0]
    assert (back - (end + u)).abs().max() <= 2**-15  # what the door's noise is rounded to


def test_a_rare_white_pixel_comes_back_as_exactly_as_a_rare_black_one() -> None:
    layer = Gaussianize((2,), 256)
    layer.initialize(dequantized(torch.tensor([[BLACK, WHITE]] * 4000 + [[WHITE, BLACK]] * 2)))
    u = (torch.arange(0.0, 2**15, 1000).view(-1, 1) + 0.5) / 2**15
    x = torch.cat([WHITE + u, BLACK + u], 1)
    assert (layer.decode(layer.encode(x)[0])[0] - x).abs().max() <= 2**-15


def test_no_interval_can_be_learned_away() -> None:
    layer = Gaussianize((1,), 256)
    with torch.no_grad():
        layer.raw[0, 5:9] = -40.0
    x = torch.arange(0.5, 256).view(-1, 1)
    assert (layer.decode(layer.encode(x)[0])[0] - x).abs().max() < 0.1


def test_a_value_that_was_never_seen_still_comes_back() -> None:
    layer = Gaussianize((4,), 256)
    layer.initialize(dequantized(torch.tensor([[BLACK, WHITE, BLACK, WHITE]] * 30_000 + [[WHITE, BLACK, 1.0, 254.0]])))
    x = torch.arange(0.5, 256).view(-1, 1).repeat(1, 4)
    assert (layer.decode(layer.encode(x)[0])[0] - x).abs().max() < 0.1  # grey levels, in float32


def test_outside_of_the_interval_the_density_is_zero_and_gradients_are_finite() -> None:
    x = torch.tensor([[-1.0, 3.0], [5.0, 3.0], [2.0, 3.0]], requires_grad=True)
    z, log_det = Gaussianize((2,), 5).encode(x)
    assert log_det.detach().isfinite().tolist() == [False, False, True]
    (slope,) = torch.autograd.grad(z.sum() + log_det[2], x)
    assert slope.isfinite().all()


def test_a_second_initialization_is_refused() -> None:
    layer = Gaussianize((1,), 5)
    layer.initialize(torch.ones(3, 1))
    with pytest.raises(RuntimeError, match="initialized already"):
        layer.initialize(torch.ones(3, 1))


@pytest.mark.parametrize("recipe", [Glow, RealNVP])
def test_integers_are_gaussianized_unless_the_papers_logit_is_asked_for(recipe: type[Glow] | type[RealNVP]) -> None:
    assert "Gaussianize" in repr(recipe((1, 4, 4), values=5, levels=1))
    assert "Logit" in repr(recipe((1, 4, 4), values=5, levels=1, preprocessing="logit"))
    assert "Standardize" in repr(recipe((1, 4, 4), levels=1))
    with pytest.raises(ValueError, match="'gaussianize' or 'logit', got 'probit'"):
        recipe((1, 4, 4), values=5, preprocessing="probit")  # type: ignore[arg-type]


def test_a_file_from_before_there_was_a_choice_means_the_logit() -> None:
    described = configuration.config(Glow((1, 4, 4), values=5, levels=1))
    del described["options"]["preprocessing"]  # type: ignore[attr-defined, union-attr]
    assert "Logit" in repr(configuration.build(described))
