"""The contract of what flows are put together from: elementwise maps, bases, doors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.registry import ELEMENTWISE


def inputs(elementwise, dtype: torch.dtype, size: float = 1.0):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 3, 2, dtype=torch.float64, generator=generator)
    parameters = torch.randn(5, 3 * elementwise.parameters_per_dimension, 2, dtype=torch.float64, generator=generator)
    return (size * x).to(dtype), (parameters + parameters.sign()).to(dtype)  # no parameter is near zero


@pytest.mark.point(1)
def test_an_elementwise_map_comes_back(elementwise, dtype: torch.dtype) -> None:
    x, parameters = inputs(elementwise, dtype)
    z, log_det = elementwise.encode(x, parameters)
    back, back_log_det = elementwise.decode(z, parameters)
    growth = float((-log_det).exp().max().clamp(min=1))
    assert float((back - x).abs().max()) <= 8 * torch.finfo(dtype).eps * growth * float(z.abs().max().clamp(min=1))
    assert torch.allclose(back_log_det, -log_det)
    assert z.dtype == log_det.dtype == back.dtype == dtype


@pytest.mark.point(2)
def test_an_elementwise_log_det_is_its_derivative(elementwise) -> None:
    x, parameters = inputs(elementwise, torch.float64)
    for direction in (elementwise.encode, elementwise.decode):
        point = x.clone().requires_grad_()
        z, log_det = direction(point, parameters)
        slope = torch.autograd.grad(z.sum(), point)[0]
        assert log_det.shape == x.shape
        assert torch.allclose(slope.log(), log_det, atol=1e-12)  # so the slope is positive, too


@pytest.mark.point(8)
def test_zero_parameters_are_the_identity(elementwise, dtype: torch.dtype) -> None:
    x, parameters = inputs(elementwise, dtype)
    for direction in (elementwise.encode, elementwise.decode):
        z, log_det = direction(x, torch.zeros_like(parameters))
        assert torch.equal(z, x)
        assert torch.equal(log_det, torch.zeros_like(x))


@pytest.mark.point(8)
def test_an_elementwise_map_of_huge_inputs_is_finite_with_linear_tails(elementwise, dtype: torch.dtype) -> None:
    x, parameters = inputs(elementwise, dtype, 1e6)
    for direction in (elementwise.encode, elementwise.decode):
        z, log_det = direction(x, 1e3 * parameters)
        assert z.isfinite().all()
        assert log_det.isfinite().all()
        assert torch.allclose(log_det, direction(3 * x, 1e3 * parameters)[1])


@pytest.mark.point(6)
def test_entries_do_not_depend_on_one_another_and_input_is_kept(elementwise) -> None:
    x, parameters = inputs(elementwise, torch.float32)
    kept, kept_parameters = x.clone(), parameters.clone()
    elementwise.decode(elementwise.encode(x, parameters)[0], parameters)
    assert torch.equal(x, kept)
    assert torch.equal(parameters, kept_parameters)
    broken = x.clone()
    broken[2, 1, 0] = math.nan
    for direction in (elementwise.encode, elementwise.decode):
        out, log_det = direction(x, parameters)
        spoiled = direction(broken, parameters)[0].isnan()
        assert int(spoiled.sum()) == 1
        assert spoiled[2, 1, 0]
        some, some_log_det = direction(x[:2], parameters[:2])
        assert torch.equal(some, out[:2])
        assert torch.equal(some_log_det, log_det[:2])


@pytest.mark.point("gradients")
@pytest.mark.parametrize("name", list(ELEMENTWISE))
@settings(max_examples=25, deadline=None)
@given(size=st.floats(1e-6, 1e6), raw=st.floats(1e-3, 1e6), seed=st.integers(0, 2**20))
def test_gradients_of_any_size_are_finite(name: str, size: float, raw: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    elementwise = ELEMENTWISE[name]
    x = (size * torch.randn(3, 2, dtype=torch.float64, generator=generator)).requires_grad_()
    n = 2 * elementwise.parameters_per_dimension
    parameters = (raw * torch.randn(3, n, dtype=torch.float64, generator=generator)).requires_grad_()
    for direction in (elementwise.encode, elementwise.decode):
        z, log_det = direction(x, parameters)
        grads = torch.autograd.grad((z.sum() + log_det.sum()), (x, parameters))
        assert all(gradient.isfinite().all() for gradient in grads)


@pytest.mark.point(10)
def test_an_elementwise_map_compiles_in_one_graph(elementwise) -> None:
    x, parameters = inputs(elementwise, torch.float32)
    for way in ("encode", "decode"):
        torch._dynamo.reset()
        run = torch.compile(lambda x, p, way=way: getattr(elementwise, way)(x, p), fullgraph=True, backend="eager")
        for there, here in zip(run(x, parameters), getattr(elementwise, way)(x, parameters), strict=True):
            assert torch.equal(there, here)


@pytest.mark.point(2)
def test_a_base_is_a_density_that_its_samples_follow(base) -> None:
    """The mean of log p over samples is minus the entropy, which the covariance of the samples gives."""
    base = base.double()
    z = base.sample(200_000, generator=torch.Generator().manual_seed(0))
    log_prob = base.log_prob(z)
    assert log_prob.shape == (200_000,)
    entropy = 0.5 * float(torch.linalg.slogdet(z.T.cov())[1]) + base.features / 2 * (1 + math.log(2 * math.pi))
    assert float(-log_prob.mean()) == pytest.approx(entropy, abs=0.01)
    axis = torch.linspace(-8, 8, 101, dtype=torch.float64)
    grid = torch.cartesian_prod(*[axis] * base.features)
    assert float(base.log_prob(grid).exp().sum() * (axis[1] - axis[0]) ** base.features) == pytest.approx(1, abs=1e-6)


@pytest.mark.point(11)
def test_a_base_samples_by_generator_temperature_and_noise(base, dtype: torch.dtype) -> None:
    base = base.to(dtype)
    draws = [
        base.sample(7, temperature=t, generator=torch.Generator().manual_seed(s)) for t, s in ((1, 1), (2, 1), (1, 2))
    ]
    assert torch.equal(2 * draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    noise = base.draw(7, torch.Generator().manual_seed(1))
    assert torch.equal(base.sample(7, noise=noise), draws[0])
    assert draws[0].dtype == base.log_prob(draws[0]).dtype == dtype
    assert base.sample(0).shape == (0, *base.shape)
    assert base.log_prob(base.sample(0)).shape == (0,)


@pytest.mark.point(4)
def test_a_base_lives_in_its_state_dict(base) -> None:
    with torch.device("meta"):
        empty = type(base)(base.features)
    loaded = empty.to_empty(device="cpu")
    loaded.load_state_dict(base.state_dict())
    z = base.sample(4)
    assert torch.equal(loaded.log_prob(z), base.log_prob(z))


@pytest.mark.point(6)
def test_rows_of_a_base_are_independent(base) -> None:
    z = base.sample(5)
    broken = z.clone()
    broken[3] = math.nan
    expected = base.log_prob(z)
    assert torch.equal(base.log_prob(broken)[[0, 1, 2, 4]], expected[[0, 1, 2, 4]])
    assert torch.equal(base.log_prob(z[1:2]), expected[1:2])


@pytest.mark.point(1)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**20), values=st.integers(2, 2**16), wide=st.booleans())
def test_every_integer_comes_back_through_its_door(seed: int, values: int, wide: bool) -> None:
    import diffeo

    generator = torch.Generator().manual_seed(seed)
    door = diffeo.Quantizer(values)
    x = torch.randint(0, values, (50,), generator=generator)
    noise = torch.rand(50, dtype=torch.float64 if wide else torch.float32, generator=generator)
    y = door.encode(x, noise)
    assert torch.equal(door.decode(y).long(), x)
    assert y.dtype == noise.dtype
    assert ((y - x) > 0).all()
    assert ((y - x) < 1).all()


@pytest.mark.point(6)
def test_a_door_keeps_its_input_and_its_rows_apart(door) -> None:
    x = torch.arange(12).view(3, 4).to(torch.uint8)
    noise = torch.full((3, 4), 0.25)
    kept, y = x.clone(), door.encode(x, noise)
    assert torch.equal(x, kept)
    assert torch.equal(noise, torch.full((3, 4), 0.25))
    assert torch.equal(door.encode(x[1:2], noise[1:2]), y[1:2])
    assert door.decode(door.encode(x[:0], noise[:0])).shape == (0, 4)
