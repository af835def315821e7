"""The contract of every bijection, on the continuous side of the door."""

import copy
import math

import pytest
import torch
from torch import Tensor

import diffeo
from contract.drawn import both_ways, inside
from contract.registry import BIJECTIONS, ROWS, Case, bijection_of, embedded, small_terms

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")


LOG_DET_ERROR = {"exact": 1e-9}  # in float64, by what is declared


def jacobian(encode, x: Tensor) -> Tensor:
    """The Jacobian of a map of one row, ``(D, D)``."""
    return torch.func.jacrev(lambda row: encode(row[None])[0].flatten())(x).flatten(1)


@pytest.mark.point(2)
def test_log_det_is_autograds_in_both_directions(case: Case, make) -> None:
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    z, log_det = bijection.encode(x, condition)
    _, back_log_det = bijection.decode(z, condition)
    assert log_det.shape == (ROWS,)
    assert log_det.dtype == torch.float64
    for i in range(ROWS):
        c = None if condition is None else condition[i : i + 1]
        there = torch.linalg.slogdet(jacobian(lambda row, c=c: bijection.encode(row, c), x[i]))[1]
        back = torch.linalg.slogdet(jacobian(lambda row, c=c: bijection.decode(row, c), z[i]))[1]
        assert abs(there - log_det[i]) < LOG_DET_ERROR[case.declares.log_det]
        assert abs(back - back_log_det[i]) < LOG_DET_ERROR[case.declares.log_det]


@pytest.mark.point(2)
def test_every_log_det_term_is_far_from_zero(case: Case, make) -> None:
    """Otherwise the test above could not see a wrong sign."""
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    if case.volume_preserving:
        assert (bijection.encode(x, condition)[1] == 0).all()
        return
    assert small_terms(item, x, condition) == []


@pytest.mark.point(2)
def test_steps_add_up_to_encode(case: Case, make) -> None:
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    steps = list(bijection.steps(x, condition))
    z, log_det = bijection.encode(x, condition)
    if steps:
        assert torch.allclose(steps[-1].z, z)
        assert torch.allclose(sum(step.log_det for step in steps), log_det)
    assert len({step.name for step in steps}) == len(steps)


@pytest.mark.point(1)
def test_the_round_trip_holds_to_rounding_times_conditioning(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    bijection = bijection_of(item)
    with torch.no_grad():
        x, condition = case.x(dtype), embedded(item, case.condition(item, dtype))
    with torch.no_grad():
        z, log_det = bijection.encode(x, condition)
        back, back_log_det = bijection.decode(z, condition)
        largest = max([float(x.abs().max()), float(z.abs().max()), 1.0])
        largest = max([largest, *(float(step.z.abs().max()) for step in bijection.steps(x, condition))])
        exact = copy.deepcopy(bijection).double()
    wide = None if condition is None else condition.double()
    conditioning = max(
        float(
            torch.linalg.cond(
                jacobian(lambda r, i=i: exact.encode(r, None if wide is None else wide[i : i + 1]), row)
            ).detach()
        )
        for i, row in enumerate(x.double())
    )
    layers = max(1, len(list(exact.modules())))
    allowed = case.declares.tolerance * layers * torch.finfo(dtype).eps * largest * conditioning
    assert float((back - x).abs().max()) <= allowed
    assert torch.allclose(log_det, -back_log_det, rtol=1e-3 if dtype == torch.float32 else 1e-9, atol=allowed)
    assert back.dtype == z.dtype == dtype


@pytest.mark.point(5)
def test_declared_shapes_are_the_real_ones(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    z, _ = bijection.encode(case.x(torch.float32), embedded(item, case.condition(item, torch.float32)))
    assert bijection.output_shape(case.shape) == z.shape[1:]
    assert bijection.input_shape(tuple(z.shape[1:])) == case.shape
    levels = bijection.level_shapes(case.shape)
    assert sum(math.prod(shape) for shape in levels) == math.prod(case.shape)
    places = [math.prod(shape[1:]) for shape in levels]
    assert places == sorted(places)  # the coarsest first


def assert_same(case: Case, item, other, dtype: torch.dtype) -> None:
    """Both give the same bits, in both directions."""
    for (run, point, condition), (again, _, _) in zip(
        both_ways(case, item, dtype), both_ways(case, other, dtype), strict=True
    ):
        for here, there in zip(run(point, condition), again(point, condition), strict=True):
            assert torch.equal(here, there)


@pytest.mark.point(4)
def test_a_model_built_on_meta_scores_the_same_after_loading(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    with torch.device("meta"):
        empty = case.make().eval().to(dtype)
    loaded = empty.to_empty(device="cpu")
    loaded.load_state_dict(item.state_dict())
    assert_same(case, item, loaded, dtype)


@pytest.mark.point("gradients")
def test_every_parameter_receives_a_gradient(case: Case, make) -> None:
    """Through encode, as training needs it, and through decode, as rsample promises."""
    item = make(case)
    if not list(item.parameters()):
        return
    for run, point, _ in both_ways(case, item, torch.float32):
        item.zero_grad()
        out, log_det = run(point, embedded(item, case.condition(item, torch.float32)))
        weights = torch.linspace(0.5, 1.5, out[0].numel()).view(out.shape[1:])
        (out.square() * weights + out * weights.flip(0)).sum().add(log_det.sum()).backward()
        gradients = {name: parameter.grad for name, parameter in item.named_parameters() if parameter.numel()}
        assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients.values())
        assert [name for name, gradient in gradients.items() if not gradient.any()] == list(case.idle)


@pytest.mark.point("gradients")
@pytest.mark.parametrize("name", list(BIJECTIONS))
def test_gradients_of_the_parameters_are_finite_differences(name: str, make) -> None:
    """Of z and of log_det: a scale that is detached in one of them still gets a gradient from the other."""
    case = BIJECTIONS[name]
    item = make(case, torch.float64)
    parameters = [parameter for parameter in item.parameters() if parameter.numel()]
    if not parameters:
        return
    generator = torch.Generator().manual_seed(8)
    directions = [torch.randn(p.shape, dtype=torch.float64, generator=generator) for p in parameters]
    for run, point, _ in both_ways(case, item, torch.float64):

        def value(run=run, point=point) -> Tensor:
            out, log_det = run(point, embedded(item, case.condition(item, torch.float64)))
            weights = torch.linspace(0.5, 1.5, out.numel(), dtype=torch.float64).view_as(out)
            return (out * weights).sum() + log_det.square().sum()

        gradients = torch.autograd.grad(value(), parameters)
        expected = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
        size = sum(float((g * d).abs().sum()) for g, d in zip(gradients, directions, strict=True))
        moved = []
        with torch.no_grad():
            for step in (1e-7, -2e-7):  # to one side, then to the other
                for parameter, direction in zip(parameters, directions, strict=True):
                    parameter.add_(step * direction)
                moved.append(float(value()))
            for parameter, direction in zip(parameters, directions, strict=True):
                parameter.add_(1e-7 * direction)
        assert abs((moved[0] - moved[1]) / 2e-7 - expected) <= 1e-4 * max(1.0, size)


@pytest.mark.point("gradients")
def test_gradients_of_the_input_are_the_jacobians(case: Case, make) -> None:
    """decode's is the inverse of encode's: guidance and adversarial searches go through either."""
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = inside(case, item, torch.float64)
    c = None if condition is None else condition[:1]
    there = jacobian(lambda row: bijection.encode(row, c), x[0])
    back = jacobian(lambda row: bijection.decode(row, c), bijection.encode(x[:1], c)[0][0])
    assert torch.allclose(back @ there, torch.eye(len(there), dtype=torch.float64), atol=1e-7)


@pytest.mark.point(10)
def test_the_declared_directions_trace(case: Case, make) -> None:
    for run, point, condition in both_ways(case, make(case), torch.float32):
        if run.__name__ not in case.declares.traces:
            continue
        torch._dynamo.reset()
        traced = torch.compile(lambda p, c, run=run: run(p, c), fullgraph=True, backend="eager")
        for found, expected in zip(traced(point, condition), run(point, condition), strict=True):
            assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.point(12)
def test_options_and_tensors_say_it_all(case: Case, make, tmp_path, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    diffeo.saving.io.save(item, tmp_path / "saved")
    loaded = diffeo.load(tmp_path / "saved")
    assert type(loaded) is type(item)
    assert_same(case, item, loaded, dtype)


@pytest.mark.point(12)
def test_a_tensor_too_few_too_many_or_of_another_shape_is_refused(case: Case, make, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    diffeo.saving.io.save(make(case), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    wrong: dict[str, dict[str, Tensor]] = {"extra": {**tensors, "other": torch.zeros(1)}}
    if tensors:
        name = next(iter(tensors))
        wrong["missing"] = {key: tensor for key, tensor in tensors.items() if key != name}
        wrong["shape"] = {**tensors, name: tensors[name].new_zeros(7, 7)}
    for fault, changed in wrong.items():
        save_file(changed, tmp_path / "model.safetensors")
        with pytest.raises(ValueError, match=fault):
            diffeo.load(tmp_path)
