"""Bases whose samples are not of their log_prob are found, in any dimension and behind a door."""

import math

import pytest
import torch
from torch import Tensor, nn

import diffeo
from diffeo import ActNorm, Chain, Flow, StandardNormal, verify


class Wider(StandardNormal):
    def sample(self, n, **options):
        return 1.2 * super().sample(n, **options)


class Shifted(StandardNormal):
    def sample(self, n, **options):
        return super().sample(n, **options) + 0.2


class OneDimensionWider(StandardNormal):
    def sample(self, n, **options):
        z = super().sample(n, **options)
        return torch.cat([1.3 * z[:, :1], z[:, 1:]], 1)


class Dependent(StandardNormal):
    """Two dimensions with the right variance, and a correlation of a half."""

    def sample(self, n, **options):
        z = super().sample(n, **options)
        return torch.cat([z[:, :1], 0.5 * z[:, :1] + math.sqrt(0.75) * z[:, 1:2], z[:, 2:]], 1)


class LaplaceSamples(StandardNormal):
    """The right mean and variance, and another shape."""

    def sample(self, n, **options):
        z = super().sample(n, **options)
        u = torch.special.ndtr(z.double()) - 0.5
        return (-u.sign() * torch.log1p(-2 * u.abs()) / math.sqrt(2)).to(z)


class Heavy(StandardNormal):
    """Not normalised."""

    def log_prob(self, z: Tensor) -> Tensor:
        return super().log_prob(z) + 0.5


class Product(nn.Module):
    """A product of one-dimensional densities, as a user would write it: right, and no Gaussian."""

    def __init__(self, features: int, of: torch.distributions.Distribution):
        super().__init__()
        self.features, self.shape, self.of = features, (features,), of
        self.register_buffer("origin", torch.zeros(()))

    def log_prob(self, z: Tensor) -> Tensor:
        return self.of.log_prob(z).sum(1)

    def sample(self, n: int, *, temperature: float = 1.0, noise: Tensor | None = None, generator=None) -> Tensor:
        noise = torch.randn(n, self.features, generator=generator) if noise is None else noise
        return self.of.icdf(torch.special.ndtr(noise.double()).clamp(1e-12, 1 - 1e-12)).to(self.origin)


class Deaf(Product):
    def sample(self, n: int, *, temperature: float = 1.0, noise: Tensor | None = None, generator=None) -> Tensor:
        return super().sample(n, generator=generator)


class HeavyProduct(Product):
    def log_prob(self, z: Tensor) -> Tensor:
        return super().log_prob(z) + 0.5


def behind_a_door(base: nn.Module) -> Flow:
    return Flow(Chain([diffeo.Standardize((base.features,)), ActNorm(base.features)]), base, door=diffeo.Quantizer(256))


@pytest.mark.parametrize("base", [Wider, Shifted, OneDimensionWider, Dependent, LaplaceSamples, Heavy])
@pytest.mark.parametrize(("features", "door"), [(3, False), (40, True), (784, False)])
def test_a_base_that_is_not_what_it_says_is_named(base: type[StandardNormal], features: int, door: bool) -> None:
    flow = behind_a_door(base(features)) if door else Flow(Chain([ActNorm(features)]), base(features))
    report = verify(flow, rows=4, exact_up_to=1, ascent=1)
    assert [(fault.layer, fault.promise) for fault in report.faults] == [("base", "base")], str(report)
    assert report.worst_layer == "base"


@pytest.mark.parametrize("seed", range(3))
def test_a_right_base_passes(seed: int) -> None:
    normal = torch.distributions.Normal(torch.tensor(5.0).double(), torch.tensor(2.0).double())
    laplace = torch.distributions.Laplace(torch.tensor(-3.0).double(), torch.tensor(0.1).double())
    cauchy = torch.distributions.Cauchy(torch.tensor(0.0).double(), torch.tensor(1.0).double())
    for base in (StandardNormal(300), *(Product(20, of) for of in (laplace, normal, cauchy)), Product(2, laplace)):
        report = verify(Flow(Chain([ActNorm(base.features)]), base), rows=4, seed=seed, exact_up_to=1, ascent=1)
        assert not report.faults, str(report)


def test_what_is_not_checked_of_a_base_is_told() -> None:
    uniform = torch.distributions.Uniform(torch.tensor(-1.0).double(), torch.tensor(1.0).double(), validate_args=False)
    laplace = torch.distributions.Laplace(torch.tensor(0.0).double(), torch.tensor(1.0).double())

    class Detached(StandardNormal):
        def log_prob(self, z: Tensor) -> Tensor:
            return super().log_prob(z).detach()

    for base, told in (
        (Product(20, uniform), "its support ends"),
        (Product(20, laplace), "integrates to 1 is not checked"),
        (Detached(20), "cannot be differentiated"),
    ):
        report = verify(Flow(Chain([ActNorm(20)]), base), rows=4)
        assert not report.faults
        assert any(told in note for note in report.notes), report.notes


def test_a_base_that_draws_although_noise_is_given_is_named() -> None:
    laplace = torch.distributions.Laplace(torch.tensor(0.0).double(), torch.tensor(1.0).double())
    (fault,) = verify(behind_a_door(Deaf(2, laplace)), rows=4).faults
    assert (fault.layer, fault.promise) == ("base", "state")
    assert "noise" in fault.found


def test_a_missing_constant_is_found_behind_a_door_too() -> None:
    laplace = torch.distributions.Laplace(torch.tensor(0.0).double(), torch.tensor(1.0).double())
    report = verify(behind_a_door(HeavyProduct(2, laplace)), rows=4)
    assert [(fault.layer, fault.promise) for fault in report.faults] == [("base", "mass")]
    assert not verify(behind_a_door(Product(2, laplace)), rows=4).faults
