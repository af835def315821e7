"""Huge inputs, huge parameters, and any shape, seed and magnitude."""

import copy
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contract.registry import BIJECTIONS, ROWS, Case, bijection_of, embedded, redraw
from diffeo import (
    MLP,
    ActNorm,
    Chain,
    ConvNet,
    Coupling,
    Flatten,
    Flip,
    Flow,
    InvertibleConv1x1,
    Permutation,
    ResidualConvNet,
    Split,
    Squeeze,
    Standardize,
    ZeroConv,
)

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")


@pytest.mark.point(8)
def test_huge_inputs_and_huge_noise_stay_finite(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    bijection = bijection_of(item)
    with torch.no_grad():
        condition = embedded(item, case.condition(item, dtype))
        noise = torch.randn(ROWS, *bijection.output_shape(case.shape), dtype=dtype)
        for size in (1e3, 1e6):
            back, log_det = bijection.decode(size * noise, condition)
            assert back.isfinite().all()
            assert log_det.isfinite().all()
            if case.uniform is None:
                z, log_det = bijection.encode(size * case.x(dtype), condition)
                assert z.isfinite().all()
                assert log_det.isfinite().all()


@pytest.mark.point(8)
def test_huge_parameters_keep_both_directions_finite(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    bijection = bijection_of(item)
    factor = 10 if isinstance(item, Flow) else 1e4  # shifts are not bounded, and in a flow they multiply
    with torch.no_grad():
        for parameter in item.parameters():
            parameter.mul_(factor)
        x, condition = case.x(dtype), embedded(item, case.condition(item, dtype))
        z, log_det = bijection.encode(x, condition)
        noise = torch.randn(z.shape, dtype=dtype)
        back, back_log_det = bijection.decode(noise, condition)
    for tensor in (z, log_det, back, back_log_det):
        assert tensor.isfinite().all()


@pytest.mark.point(8)
@pytest.mark.parametrize("name", [name for name in BIJECTIONS if name.startswith(("Coupling", "Split", "ActNorm"))])
def test_layers_start_as_the_identity(name: str) -> None:
    """Where the conditioner ends in zeros, as diffeo's own do, and torch's layers do not."""
    case = BIJECTIONS[name]
    if "torch's" in name:
        return
    torch.manual_seed(0)
    item = case.make()
    x = case.x(torch.float32)
    z, log_det = item.encode(x, case.condition(item, torch.float32))
    if not isinstance(item, Split):
        assert torch.equal(z, x)
    assert sorted(z.flatten().tolist()) == sorted(x.flatten().tolist())
    assert torch.equal(log_det, torch.zeros(ROWS))


@pytest.mark.point(8)
@pytest.mark.parametrize("name", [name for name in BIJECTIONS if name.startswith("InvertibleConv1x1")])
def test_mixing_starts_as_a_rotation(name: str) -> None:
    torch.manual_seed(0)
    weight = BIJECTIONS[name].make().weight()
    assert torch.allclose(weight @ weight.T, torch.eye(len(weight)), atol=1e-2)


@pytest.mark.point(3)
def test_float32_is_float64_to_rounding(case: Case, make) -> None:
    """No step of a float64 path is in float32, and float32 loses no more than rounding takes."""
    narrow = make(case, torch.float32)
    wide = copy.deepcopy(narrow).double()
    with torch.no_grad():
        x, condition = case.x(torch.float32), case.condition(narrow, torch.float32)
        wide_condition = condition.double() if condition is not None and condition.is_floating_point() else condition
        z, log_det = bijection_of(narrow).encode(x, embedded(narrow, condition))
        exact, exact_log_det = bijection_of(wide).encode(x.double(), embedded(wide, wide_condition))
    assert exact.dtype == exact_log_det.dtype == torch.float64
    assert torch.allclose(z.double(), exact, rtol=1e-3, atol=1e-3 * float(exact.abs().max()))
    assert torch.allclose(log_det.double(), exact_log_det, rtol=1e-4, atol=1e-3)


CHANNELS, SIDES = st.integers(1, 6), st.integers(1, 4)


@st.composite
def layers(draw: st.DrawFn):
    """A layer of any class and shape, with the shape of its rows."""
    channels, height, width = draw(CHANNELS), draw(SIDES), draw(SIDES)
    image = draw(st.booleans())
    swap = draw(st.booleans()) and channels > 1
    shape = (channels, height, width) if image else (channels,)
    even = (2 * channels, 2 * height, 2 * width)
    kept = channels - channels // 2 if swap else channels // 2

    def coupling() -> Coupling:
        if image:
            assume(kept > 0)
            return Coupling(channels, ConvNet(kept, 2 * (channels - kept), width=4), swap=swap)
        return Coupling(channels, MLP(kept, 2 * (channels - kept), width=4), swap=swap)

    made = draw(
        st.sampled_from(
            [
                lambda: (ActNorm(channels), shape),
                lambda: (Standardize(shape), shape),
                lambda: (InvertibleConv1x1(channels), shape),
                lambda: (Permutation.random(channels, seed=1), shape),
                lambda: (Flip(), shape),
                lambda: (Flatten(shape), shape),
                lambda: (coupling(), shape),
                lambda: (
                    Coupling(
                        channels,
                        ResidualConvNet(channels, 2 * channels, width=4),
                        partition="checkerboard",
                        swap=swap,
                    ),
                    (channels, height, width),
                ),
                lambda: (Squeeze(draw(st.sampled_from(["plain", "checkerboard"]))), even),
                lambda: (
                    Split(even, Flatten((channels, *even[1:])), ZeroConv(channels, 2 * channels)),
                    even,
                ),
            ]
        )
    )
    torch.manual_seed(draw(st.integers(0, 2**20)))
    return made()


@pytest.mark.point(1)
@settings(max_examples=60, deadline=None)
@given(st.lists(layers(), min_size=1, max_size=1), st.integers(0, 2**20), st.floats(0.01, 1e3), st.integers(1, 4))
def test_any_shape_seed_and_magnitude_comes_back_with_autograds_log_det(
    some, seed: int, size: float, rows: int
) -> None:
    layer, shape = some[0]
    layer = layer.double()
    redraw(layer, seed)
    x = size * torch.randn(rows, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        z, log_det = layer.encode(x)
        back, back_log_det = layer.decode(z)
    jacobian = torch.func.jacrev(lambda row: layer.encode(row[None])[0].flatten())(x[0]).flatten(1).detach()
    sign, exact = torch.linalg.slogdet(jacobian)
    condition = float(torch.linalg.cond(jacobian))
    largest = max(1.0, float(x.abs().max()), float(z.abs().max()))
    allowed = 64 * layer.tolerance * torch.finfo(torch.float64).eps * largest * condition * max(1.0, size)
    assert sign != 0
    assert log_det.shape == (rows,)
    assert abs(float(exact - log_det[0])) <= max(1e-9, allowed)
    assert torch.allclose(log_det, -back_log_det, atol=max(1e-9, allowed))
    assert float((back - x).abs().max()) <= max(1e-12 * largest, allowed * 10)
    with torch.no_grad():
        last, last_log_det = layer.encode(x[-1:])  # alone
    assert torch.allclose(last, z[-1:], rtol=0, atol=1e-9 * largest)
    assert torch.allclose(last_log_det, log_det[-1:], rtol=0, atol=1e-9 * max(1.0, float(log_det.abs().max())))


@pytest.mark.point(1)
@settings(max_examples=25, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**20), min_size=1, max_size=6), features=st.integers(1, 7))
def test_any_chain_of_layers_comes_back(seeds: list[int], features: int) -> None:
    kinds = [
        lambda seed: ActNorm(features),
        lambda seed: InvertibleConv1x1(features),
        lambda seed: Permutation.random(features, seed=seed),
        lambda seed: Coupling(features, MLP(features // 2, 2 * (features - features // 2), width=4)),
    ]
    torch.manual_seed(seeds[0])
    chain = Chain([kinds[seed % 4](seed) for seed in seeds]).double()
    redraw(chain, seeds[0])
    x = torch.randn(4, features, dtype=torch.float64, generator=torch.Generator().manual_seed(seeds[0]))
    with torch.no_grad():
        z, log_det = chain.encode(x)
        back, back_log_det = chain.decode(z)
    for row in range(4):
        jacobian = torch.func.jacrev(lambda r: chain.encode(r[None])[0].flatten())(x[row]).detach()
        allowed = 1e-13 * float(torch.linalg.cond(jacobian)) * max(1.0, float(z.abs().max()))
        assert abs(float(torch.linalg.slogdet(jacobian)[1] - log_det[row])) <= 1e-9 + allowed
        assert float((back[row] - x[row]).abs().max()) <= 1e-10 + 100 * allowed
    assert torch.allclose(log_det, -back_log_det, atol=1e-8)
    assert math.isfinite(float(log_det.sum()))


@pytest.mark.point(3)
def test_a_float64_path_tells_apart_what_float32_cannot(case: Case, make) -> None:
    """Moving the input by 1e-9 moves the output as the Jacobian says: nothing inside is rounded to float32."""
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    z = bijection.encode(x, condition)[0].detach()
    for point, run in ((x, bijection.encode), (z, bijection.decode)):
        direction = torch.randn(point.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
        with torch.no_grad():
            after, before = (run(point + step * direction, condition)[0] for step in (1e-9, -1e-9))
        point = point.clone().requires_grad_()
        for row in range(ROWS):
            out = run(point, condition)[0][row].flatten()
            for entry in range(min(4, len(out))):
                slope = torch.autograd.grad(out[entry], point, retain_graph=True)[0]
                moved = float((after - before)[row].flatten()[entry] / 2e-9)
                size = float((slope * direction).abs().sum())
                assert abs(moved - float((slope * direction).sum())) <= 1e-3 * max(1.0, size)


@pytest.mark.point(8)
@pytest.mark.parametrize("channels", [1, 2, 3, 8, 12, 48, 64])
@pytest.mark.parametrize("raw", [1e4, -1e4, 1e6, -1e6, "signs"])
def test_no_parameters_take_the_determinant_of_a_mixing_matrix_out_of_its_bounds(channels: int, raw) -> None:
    """Of every entry, also those beside the diagonals: one left unbounded is enough for a singular matrix."""
    torch.manual_seed(0)
    layer = InvertibleConv1x1(channels).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(1e6 * torch.randn_like(parameter).sign() if raw == "signs" else raw + 0 * parameter)
        lower, upper, log_diagonal = layer.factors()
    assert lower.abs().max() <= 2
    assert upper.triu(1).abs().max() <= 2 * channels**0.5 + 1e-4
    assert log_diagonal.abs().max() <= 4
    if channels <= 3:
        assert torch.linalg.cond(layer.weight()) < {1: 1.0001, 2: 2e5, 3: 1e9}[channels]
        x = torch.randn(5, channels, dtype=torch.float64)
        with torch.no_grad():
            assert float((layer.decode(layer.encode(x)[0])[0] - x).abs().max()) < 1e-6


@pytest.mark.point(8)
@pytest.mark.parametrize("raw", [1e6, -1e6, "signs"])
@pytest.mark.parametrize(
    "name", [name for name in BIJECTIONS if name.startswith(("ActNorm", "Gaussianize", "InvertibleConv1x1"))]
)
def test_extreme_parameters_keep_a_layer_finite_in_both_directions(name: str, raw, dtype: torch.dtype) -> None:
    case = BIJECTIONS[name]
    torch.manual_seed(0)
    layer = case.make().to(dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(1e6 * torch.randn_like(parameter).sign() if raw == "signs" else raw + 0 * parameter)
        z, log_det = layer.encode(case.x(dtype))
        back, back_log_det = layer.decode(torch.randn(z.shape, dtype=dtype))
    for tensor in (z, log_det, back, back_log_det):
        assert tensor.isfinite().all()


@pytest.mark.point(8)
@pytest.mark.parametrize("name", [name for name, case in BIJECTIONS.items() if case.uniform is not None])
def test_what_is_decoded_stays_inside_the_domain_and_comes_back(name: str, dtype: torch.dtype) -> None:
    """Where rounding would reach the end of the domain, the density there would be zero."""
    case = BIJECTIONS[name]
    layer = case.make().to(dtype)
    low, high = -case.margin, case.uniform + case.margin
    rows = torch.cat(
        [torch.linspace(-12, 12, 97), torch.tensor([17.0, -17, 50, -50, 1e3, -1e3, 1e6, -1e6, 1e30, -1e30])]
    )
    z = rows.to(dtype).view(-1, *[1] * len(case.shape)).expand(-1, *case.shape)
    with torch.no_grad():
        x, _ = layer.decode(z)
        again, log_det = layer.encode(x)
    assert (x.double() > low).all()
    assert (x.double() < high).all()
    assert again.isfinite().all()
    assert log_det.isfinite().all()
    near = z.abs() <= 3
    assert torch.allclose(again[near], z[near], atol=1e-3 if dtype == torch.float32 else 1e-9)
    assert torch.allclose(again[z <= 0][:40], z[z <= 0][:40], rtol=1e-3, atol=0.3)  # towards 0 floats are dense
