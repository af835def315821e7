"""The contract of every bijection, on the continuous side of the door."""

import copy
import math
import warnings

import pytest
import torch
from torch import Tensor

import diffeo
from contract.registry import (
    BASES,
    BIJECTIONS,
    DOORS,
    ELEMENTWISE,
    FLOWS,
    ROWS,
    Case,
    bijection_of,
    embedded,
    public_classes,
    small_terms,
)
from diffeo import Bijection

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")


def jacobian(encode, x: Tensor) -> Tensor:
    """The Jacobian of a map of one row, ``(D, D)``."""
    return torch.func.jacrev(lambda row: encode(row[None])[0].flatten())(x).flatten(1)


def test_every_public_class_has_a_case_of_its_own() -> None:
    """Being a part of another case is not enough: what is tested there is the whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        covered = {type(case.make()) for case in (*BIJECTIONS.values(), *FLOWS.values())}
    covered |= {type(item) for item in ELEMENTWISE.values()}
    covered |= {type(make()) for table in (BASES, DOORS) for make in table.values()}
    assert public_classes() - covered == {Bijection}


@pytest.mark.parametrize("part", [diffeo.Affine, diffeo.Additive, diffeo.StandardNormal, diffeo.Quantizer])
def test_parts_are_known_by_their_methods(part: type) -> None:
    assert part in public_classes()
    assert diffeo.MLP not in public_classes()


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
        assert abs(there - log_det[i]) < 1e-9
        assert abs(back - back_log_det[i]) < 1e-9


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
    allowed = bijection.tolerance * layers * torch.finfo(dtype).eps * largest * conditioning
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
    assert sum(math.prod(shape) for shape in bijection.level_shapes(case.shape)) == math.prod(case.shape)


@pytest.mark.point(3)
def test_another_dtype_is_refused_and_the_error_says_what_to_do(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    floating = [t for t in bijection.state_dict().values() if t.is_floating_point()]
    if not floating:
        return
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float32))
    with pytest.raises((TypeError, RuntimeError), match=r"\.to\("):
        bijection.encode(x, condition)


@pytest.mark.point(4)
def test_a_model_built_on_meta_scores_the_same_after_loading(case: Case, make) -> None:
    item = make(case)
    with torch.device("meta"):
        empty = case.make().eval()
    loaded = empty.to_empty(device="cpu")
    loaded.load_state_dict(item.state_dict())
    x, condition = case.x(torch.float32), case.condition(item, torch.float32)
    for there, here in zip(
        bijection_of(item).encode(x, embedded(item, condition)),
        bijection_of(loaded).encode(x, embedded(loaded, condition)),
        strict=True,
    ):
        assert torch.equal(there, here)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.point(5)
def test_no_row_and_one_row_are_right(case: Case, make, rows: int) -> None:
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    few = None if condition is None else condition[:rows]
    z, log_det = bijection.encode(x, condition)
    some_z, some_log_det = bijection.encode(x[:rows], few)
    back, back_log_det = bijection.decode(some_z, few)
    assert some_z.shape == z[:rows].shape
    assert some_log_det.shape == back_log_det.shape == (rows,)
    assert back.shape == x[:rows].shape
    assert torch.allclose(some_z, z[:rows], atol=1e-9)
    assert torch.allclose(some_log_det, log_det[:rows], atol=1e-9)


@pytest.mark.point(6)
def test_input_is_never_changed(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
    kept, kept_condition = x.clone(), None if condition is None else condition.clone()
    z, _ = bijection.encode(x, condition)
    kept_z = z.clone()
    bijection.decode(z, condition)
    assert torch.equal(x, kept)
    assert torch.equal(z, kept_z)
    assert condition is None or torch.equal(condition, kept_condition)


@pytest.mark.point(6)
def test_a_nan_row_stays_one_row(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
    z, log_det = bijection.encode(x, condition)
    broken = x.clone()
    broken[2] = math.nan
    broken_z, broken_log_det = bijection.encode(broken, condition)
    others = torch.arange(ROWS) != 2
    assert torch.equal(broken_z[others], z[others])
    assert torch.equal(broken_log_det[others], log_det[others])
    assert broken_z[2].isnan().any()


@pytest.mark.point(6)
def test_rows_do_not_depend_on_one_another(case: Case, make) -> None:
    item = make(case, torch.float64)
    bijection = bijection_of(item)
    x, condition = case.x(torch.float64), embedded(item, case.condition(item, torch.float64))
    z, log_det = bijection.encode(x, condition)
    order = torch.tensor([3, 0, 4, 1, 2])
    mixed_z, mixed_log_det = bijection.encode(x[order], None if condition is None else condition[order])
    assert torch.allclose(mixed_z, z[order], atol=1e-12)
    assert torch.allclose(mixed_log_det, log_det[order], atol=1e-12)


@pytest.mark.point(7)
def test_evaluation_changes_no_state(case: Case, make) -> None:
    item = make(case)
    before = {name: tensor.clone() for name, tensor in item.state_dict().items()}
    bijection = bijection_of(item.train())
    x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
    bijection.decode(bijection.encode(x, condition)[0], condition)
    assert all(torch.equal(tensor, before[name]) for name, tensor in item.state_dict().items())


@pytest.mark.point("gradients")
def test_every_parameter_receives_a_gradient(case: Case, make) -> None:
    item = make(case)
    x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
    z, log_det = bijection_of(item).encode(x, condition)
    loss = (z.square() * torch.linspace(0.5, 1.5, z[0].numel()).view(z.shape[1:])).sum() + log_det.sum()
    if not loss.requires_grad:
        assert not list(item.parameters())
        return
    loss.backward()
    missing = [n for n, p in item.named_parameters() if p.numel() and (p.grad is None or not p.grad.isfinite().all())]
    assert missing == []


@pytest.mark.point("copies")
def test_a_copy_is_independent(case: Case, make) -> None:
    item = make(case)
    twin = copy.deepcopy(item)
    x, condition = case.x(torch.float32), case.condition(item, torch.float32)
    before = bijection_of(item).encode(x, embedded(item, condition))[0]
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(bijection_of(item).encode(x, embedded(item, condition))[0], before)


@pytest.mark.point("copies")
def test_changed_weights_are_seen_by_the_next_decode(case: Case, make) -> None:
    """No cache outlives a step of a fused optimizer, a swap of weights or a change of dtype."""
    item = make(case)
    parameters = list(item.parameters())
    if not parameters:
        return
    bijection = bijection_of(item)
    x, condition = case.x(torch.float32), case.condition(item, torch.float32)
    bijection.decode(bijection.encode(x, embedded(item, condition))[0], embedded(item, condition))
    optimizer = torch.optim.AdamW(parameters, lr=0.01, fused=True)
    z, log_det = bijection.encode(x, embedded(item, condition))
    (z.square().sum() - log_det.sum()).backward()
    optimizer.step()
    with torch.no_grad():
        c = embedded(item, condition)
        back = bijection.decode(bijection.encode(x, c)[0], c)[0]
    assert torch.allclose(back, x, atol=2e-2 * float(x.abs().max()), rtol=0)


@pytest.mark.point("copies")
def test_swapped_weights_and_a_change_of_dtype_are_seen_by_the_next_decode(case: Case, make) -> None:
    """As an average of weights is swapped in and out: after the way back, decode gives the first bits again."""
    item, fresh = make(case), case.make().eval()
    bijection = bijection_of(item)
    with torch.no_grad():
        x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
        z, _ = bijection.encode(x, condition)
        first, _ = bijection.decode(z, condition)
        own = {name: tensor.clone() for name, tensor in item.state_dict().items()}
        item.load_state_dict(fresh.state_dict())
        other = bijection_of(fresh).encode(x, condition)[0]
        assert torch.equal(bijection.encode(x, condition)[0], other)
        assert torch.equal(bijection.decode(z, condition)[0], bijection_of(fresh).decode(z, condition)[0])
        item.load_state_dict(own)
        assert torch.equal(bijection.decode(z, condition)[0], first)
        item.double()
        wide = None if condition is None else condition.double()
        doubled, _ = bijection.decode(z.double(), wide)
        again = bijection_of(make(case).double()).decode(z.double(), wide)[0]
        assert torch.equal(doubled, again)
        assert doubled.dtype == torch.float64
        item.float()
        assert torch.equal(bijection.decode(z, condition)[0], first)


@pytest.mark.point(9)
def test_a_missing_or_misshapen_condition_is_refused(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    if bijection.condition_shape is None:
        return
    x = case.x(torch.float32)
    with pytest.raises(ValueError, match="condition"):
        bijection.encode(x)
    with pytest.raises(ValueError, match="condition"):
        bijection.encode(x, torch.zeros(ROWS, 99))


@pytest.mark.point(10)
def test_both_directions_trace(case: Case, make) -> None:
    item = make(case)
    bijection = bijection_of(item)
    with torch.no_grad():
        x, condition = case.x(torch.float32), embedded(item, case.condition(item, torch.float32))
    z, log_det = (tensor.detach() for tensor in bijection.encode(x, condition))
    torch._dynamo.reset()
    encode = torch.compile(lambda x, c: bijection.encode(x, c), fullgraph=True, backend="eager")
    decode = torch.compile(lambda z, c: bijection.decode(z, c), fullgraph=True, backend="eager")
    assert torch.allclose(encode(x, condition)[0], z, atol=1e-6)
    assert torch.allclose(encode(x, condition)[1], log_det, atol=1e-5)
    assert torch.allclose(decode(z, condition)[0], bijection.decode(z, condition)[0], atol=1e-6)


@pytest.mark.point(12)
def test_options_and_tensors_say_it_all(case: Case, make, tmp_path) -> None:
    item = make(case)
    diffeo.io.save(item, tmp_path / "saved")
    loaded = diffeo.load(tmp_path / "saved")
    assert type(loaded) is type(item)
    x, condition = case.x(torch.float32), case.condition(item, torch.float32)
    there = bijection_of(item).encode(x, embedded(item, condition))
    here = bijection_of(loaded).encode(x, embedded(loaded, condition))
    assert torch.equal(there[0], here[0])
    assert torch.equal(there[1], here[1])
