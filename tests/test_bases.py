"""Bases of one's own, and how many samples are asked for."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import diffeo
from diffeo import MLP, NICE, ActNorm, Chain, Coupling, Flow, RealNVP, StandardNormal


@diffeo.register
class TwoSided(nn.Module):
    """Laplace's density, by the protocol and no more."""

    def __init__(self, features: int, scale: float = 1.0):
        super().__init__()
        self.shape = (features,)
        self.register_buffer("scale", torch.tensor(scale))

    def log_prob(self, z: Tensor) -> Tensor:
        return -(z.abs() / self.scale + (2 * self.scale).log()).sum(1)

    def sample(self, n, *, temperature=1.0, noise=None, generator=None):
        if noise is None:
            u = torch.rand(n, *self.shape, dtype=self.scale.dtype, generator=generator) - 0.5
            noise = -self.scale * u.sign() * torch.log1p(-2 * u.abs())
        return noise * temperature


class Bare:
    """No module: it has nothing to move or to learn."""

    shape = (2,)

    def log_prob(self, z: Tensor) -> Tensor:
        return StandardNormal(2).log_prob(z)

    def sample(self, n, *, temperature=1.0, noise=None, generator=None):
        return (torch.randn(n, 2, generator=generator) if noise is None else noise) * temperature


def flow_on(base) -> Flow:
    torch.manual_seed(0)
    return Flow(Chain([ActNorm(2), Coupling(2, MLP(1, 2, width=8))]), base)


def test_a_base_of_ones_own_is_trained_sampled_and_saved(tmp_path) -> None:
    flow = flow_on(TwoSided(2, 0.5))
    x = TwoSided(2).sample(400, generator=torch.Generator().manual_seed(0))
    diffeo.fit(flow, x, epochs=2, batch_size=50, progress=False)
    z, log_det = flow.encode(x)
    expected = torch.distributions.Laplace(0.0, 0.5).log_prob(z).sum(1) + log_det
    assert torch.allclose(flow.log_prob(x), expected, atol=1e-5)
    flow.eval().save_pretrained(tmp_path / "model")
    loaded = diffeo.load(tmp_path / "model")
    assert torch.equal(loaded.log_prob(x), flow.log_prob(x))
    draws = [f.sample(5, generator=torch.Generator().manual_seed(1), batch_size=2) for f in (flow, loaded)]
    assert torch.equal(*draws)
    samples, log_prob = flow.double().sample_and_log_prob(6)
    assert torch.allclose(flow.log_prob(samples), log_prob)
    assert "StandardNormal" not in repr(flow)


def test_a_base_that_is_no_module_will_do() -> None:
    flow, normal = flow_on(Bare()).eval(), flow_on(StandardNormal(2)).eval()
    x = torch.randn(3, 2)
    assert torch.equal(flow.log_prob(x), normal.log_prob(x))
    assert flow.sample(4).shape == (4, 2)


@diffeo.register
class OfAShape(TwoSided):
    def __init__(self, shape, as_given: bool = False):
        super().__init__(shape[0])
        self.shape = shape if as_given else tuple(shape)


def test_a_base_of_a_tuple_is_saved_or_refused_when_the_flow_is_built(tmp_path) -> None:
    flow_on(OfAShape((2,))).save_pretrained(tmp_path / "model")
    assert diffeo.load(tmp_path / "model").base.shape == (2,)
    with pytest.raises(TypeError, match=r"has shape \[2\].*Write self\.shape = tuple\(shape\)"):
        flow_on(OfAShape((2,), as_given=True))


class WithoutSample(nn.Module):
    shape = (2,)

    def log_prob(self, z):
        return z.sum(1)


class OfAList(Bare):
    shape = [2]  # noqa: RUF012


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (lambda: WithoutSample(), r"Flow: the base WithoutSample has no sample\. A base needs shape.*log_prob\(z\)"),
        (lambda: nn.Linear(2, 2), "Linear has no shape and no log_prob and no sample"),
        (lambda: torch.distributions.Normal(0.0, 1.0), "the base Normal has no shape"),
        (lambda: StandardNormal, r"got the class StandardNormal\. Use StandardNormal\(\.\.\)"),
        (lambda: OfAList(), r"the base OfAList has shape \[2\]\. A base needs shape, a tuple"),
        (lambda: 2, "the base int has no shape"),
        (lambda: None, "the base NoneType has no shape"),
    ],
)
def test_what_is_no_base_is_refused_when_the_flow_is_built(base, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        flow_on(base())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Flow([ActNorm(2)], StandardNormal(2)), r"must be a Bijection, got a list\. Use Chain\(\[\.\.\]\)"),
        (lambda: Flow(nn.Linear(2, 2), StandardNormal(2)), "must be a Bijection, got a Linear"),
        (
            lambda: Flow(ActNorm(2), StandardNormal(2), door=256),
            r"door must be a Quantizer.*Use diffeo\.Quantizer\(256\)",
        ),
        (lambda: Flow(ActNorm(2), StandardNormal(2), embedding=lambda c: c), r"embedding must be a torch\.nn\.Module"),
        (lambda: Chain(ActNorm(2)), r"got one ActNorm\. Use Chain\(\[layer\]\)"),
        (lambda: Chain([ActNorm]), "must be a Bijection, got the class ActNorm"),
        (lambda: diffeo.Inverse(nn.Linear(2, 2)), "Inverse: expected a Bijection, got a Linear"),
        (lambda: diffeo.Split((4,), nn.Linear(2, 2)), "Split: rest must be a Bijection, got a Linear"),
    ],
)
def test_what_is_no_part_is_refused_when_it_is_built(build, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build()


def test_a_log_prob_of_every_dimension_is_refused_and_not_added_up_by_chance() -> None:
    class Elementwise(Bare):
        def log_prob(self, z):
            return -z.square()

    with pytest.raises(ValueError, match=r"log_prob has shape \(2, 2\), not \(2,\).*Sum it"):
        flow_on(Elementwise()).log_prob(torch.zeros(2, 2))


def test_samples_of_another_shape_are_refused() -> None:
    class Wide(Bare):
        def sample(self, n, **options):
            return torch.zeros(n, 3)

    with pytest.raises(ValueError, match=r"the base's sample has shape \(4, 3\), not \(4, 2\)"):
        flow_on(Wide()).sample(4)


# ---- how many


@pytest.mark.parametrize(
    ("n", "message"),
    [
        ((32,), r"n must be a whole number, how many samples, got \(32,\)\. Use n=32: the shape"),
        ([4, 8], r"got \[4, 8\]\. Use n=32 and samples\.unflatten\(0, \(4, 8\)\)"),
        (torch.Size([3]), "n must be a whole number.*Use n=3"),
        (2.5, r"got 2\.5\. Use n=2"),
        (3.0, r"got 3\.0\. Use n=3"),
        ("3", "got '3'"),
        (None, "got None"),
        (math.nan, "got nan. Use a whole number"),
        (torch.tensor([3, 4]), "n must be a whole number"),
    ],
)
def test_what_is_no_number_of_samples_is_refused(n, message: str) -> None:
    flow = RealNVP(3, couplings=1, width=8)
    for draw in (flow.sample, flow.rsample, flow.sample_and_log_prob, flow.base.sample, flow.base.draw):
        with pytest.raises(TypeError, match=message):
            draw(n)


def test_whole_numbers_of_any_kind_are_numbers_of_samples() -> None:
    flow = NICE(3, width=8, depth=1, condition_shape=2)
    condition = torch.zeros(1, 2)
    for n in (4, np.int64(4), np.uint8(4), torch.tensor(4), True, 0):
        rows = int(n)
        assert flow.sample(n, condition).shape == (rows, 3)
        assert flow.rsample(n, condition).shape == (rows, 3)
        assert flow.sample_and_log_prob(n, condition)[1].shape == (rows,)
        assert flow.base.sample(n).shape == flow.base.draw(n).shape == (rows, 3)
    for draw in (flow.sample, flow.base.sample, flow.base.draw):
        with pytest.raises(ValueError, match="must not be negative, got -1"):
            draw(-1)


def test_the_advice_for_several_sizes_works() -> None:
    samples = RealNVP(3, couplings=1, width=8).sample(32)
    assert samples.unflatten(0, (4, 8)).shape == (4, 8, 3)


# ---- no rows


@pytest.mark.parametrize("name", diffeo.models.names())
def test_a_model_that_ships_takes_no_rows(name: str) -> None:
    flow = diffeo.load(name)
    condition = None
    if flow.conditional:
        shape = tuple(getattr(flow.embedding, "shape", ()))
        condition = torch.zeros(0, *shape) if shape else torch.zeros(0, dtype=torch.long)
    kind = torch.float32 if flow.door is None else torch.uint8
    x = torch.zeros(0, *flow.shape, dtype=kind)
    assert flow.log_prob(x, condition).shape == (0,)
    z, log_det = flow.encode(x, condition)
    assert z.shape == (0, *flow.base.shape)
    assert log_det.shape == (0,)
    assert flow.decode(z, condition)[0].shape == flow.sample(0, condition).shape == x.shape
    assert flow.sample(0, condition).dtype == kind
    assert flow.rsample(0, condition).shape == x.shape
    assert [level.shape[0] for level in flow.levels(z)] == [0] * len(flow.level_shapes)
    if flow.door is not None:
        assert flow.bits_per_dim(x, condition, samples=2).shape == (0,)
    if hasattr(flow.embedding, "classes"):
        assert flow.sample(0, 1).shape == x.shape
        assert flow.class_posterior(x).shape == (0, flow.embedding.classes)
        assert flow.marginal_log_prob(x).shape == (0,)


@pytest.mark.parametrize("options", [{"classes": 3}, {"condition_shape": 2}, {"condition_shape": (1, 4, 4)}, {}])
def test_realnvp_on_images_takes_no_rows_in_training_mode(options: dict) -> None:
    flow = RealNVP((1, 16, 16), values=4, width=4, dropout=0.2, **options).train()
    shape = () if flow.embedding is None else flow.embedding.shape
    condition = None if not options else torch.zeros(0, *shape) if shape else torch.zeros(0, dtype=torch.long)
    with pytest.warns(UserWarning, match="initialize"):  # which no row could do
        log_prob = flow.log_prob(torch.zeros(0, 1, 16, 16, dtype=torch.uint8), condition)
    log_prob.sum().backward()
    assert log_prob.shape == (0,)
