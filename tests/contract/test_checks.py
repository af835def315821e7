"""Points 3, 5 and 9: shapes, types and conditions are checked in both directions, and values are not."""

import math

import pytest
import torch

from contract.drawn import both_ways, inside, rows_of
from contract.registry import ROWS, Case, bijection_of
from diffeo import Flow

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")


@pytest.mark.point(3)
def test_another_dtype_is_refused_and_the_error_says_what_to_do(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    if not any(tensor.is_floating_point() for tensor in bijection_of(item).state_dict().values()):
        return
    for run, point, condition in both_ways(case, item, dtype):
        for other in {torch.float16, torch.float32, torch.float64} - {dtype}:
            with pytest.raises(TypeError, match=r"\.to\("):
                run(point.to(other), condition)


@pytest.mark.point(3)
def test_log_det_is_as_wide_as_the_input_and_never_narrower_than_float32(case: Case, make, dtype: torch.dtype) -> None:
    for run, point, condition in both_ways(case, make(case, dtype), dtype):
        out, log_det = run(point, condition)
        assert out.dtype == log_det.dtype == dtype
        with torch.autocast("cpu", torch.bfloat16):
            assert run(point, condition)[1].dtype in (torch.float32, torch.float64)


@pytest.mark.point(3)
@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16], ids=["float16", "bfloat16"])
def test_a_flow_in_half_precision_is_refused(flow_case: Case, make, half: torch.dtype) -> None:
    flow = make(flow_case).to(half)
    x, condition, noise = rows_of(flow_case, flow, half)
    for run in (
        lambda: flow.log_prob(x, condition, noise),
        lambda: flow.encode(x, condition, noise),
        lambda: flow.decode(torch.zeros(ROWS, *flow.base.shape, dtype=half), condition),
        lambda: flow.sample(ROWS, condition),
        lambda: flow.rsample(ROWS, condition),
        lambda: flow.sample_and_log_prob(ROWS, condition),
    ):
        with pytest.raises(TypeError, match=r"flow\.float\(\)"):
            run()


@pytest.mark.point(5)
def test_no_row_and_one_row_are_right(case: Case, make, dtype: torch.dtype) -> None:
    close = {"atol": 1e-9} if dtype == torch.float64 else {"atol": 1e-3, "rtol": 1e-3}
    for run, point, condition in both_ways(case, make(case, dtype), dtype):
        out, log_det = run(point, condition)
        for rows in (0, 1):
            few, few_log_det = run(point[:rows], None if condition is None else condition[:rows])
            assert few.shape == out[:rows].shape
            assert few_log_det.shape == (rows,)
            assert few.dtype == few_log_det.dtype == dtype
            assert torch.allclose(few, out[:rows], **close)
            assert torch.allclose(few_log_det, log_det[:rows], **close)


@pytest.mark.point(5)
def test_flows_take_no_row_and_one_row(flow_case: Case, make, dtype: torch.dtype) -> None:
    flow = make(flow_case, dtype)
    x, condition, noise = rows_of(flow_case, flow, dtype)
    expected = flow.log_prob(x, condition, noise)
    for rows in (0, 1):
        some = [None if value is None else value[:rows] for value in (x, condition, noise)]
        assert torch.allclose(flow.log_prob(*some), expected[:rows], atol=1e-3, rtol=1e-4)
        assert flow.encode(*some)[0].shape == (rows, *flow.base.shape)
        assert flow.sample(rows, some[1]).shape == (rows, *flow.shape)
        assert flow.sample_and_log_prob(rows, some[1])[1].shape == (rows,)


@pytest.mark.point(5)
def test_a_wrong_shape_is_refused_and_named(case: Case, make) -> None:
    if case.any_shape:
        return
    for run, point, condition in both_ways(case, make(case), torch.float32):
        larger = point.new_zeros(ROWS, *(size + 1 for size in point.shape[1:]))
        for wrong in (larger, point[:, None, None, None], point.flatten(1)[:, :, None, None, None]):
            with pytest.raises(ValueError, match=rf"\b{wrong.shape[-1]}\b|x{wrong.shape[-1]}\b"):
                run(wrong, condition)


@pytest.mark.point(9)
def test_a_missing_or_misshapen_condition_is_refused(case: Case, make) -> None:
    item = make(case)
    if bijection_of(item).condition_shape is None:
        return
    for run, point, _ in both_ways(case, item, torch.float32):
        with pytest.raises(ValueError, match="condition"):
            run(point)
        with pytest.raises(ValueError, match="condition"):
            run(point, torch.zeros(ROWS, 99))


@pytest.mark.point(9)
def test_values_are_not_looked_at(case: Case, make) -> None:
    """Infinities and NaN pass through both directions: whoever wants them refused looks before."""
    for run, point, condition in both_ways(case, make(case), torch.float32):
        for value in (math.inf, -math.inf, math.nan):
            out, log_det = run(torch.full_like(point, value), condition)
            assert out.shape[0] == ROWS
            assert log_det.shape == (ROWS,)


@pytest.mark.point(9)
def test_outside_its_domain_a_density_is_zero_with_finite_gradients(case: Case, make, dtype: torch.dtype) -> None:
    if case.uniform is None:
        return
    item = make(case, dtype)
    x, condition = inside(case, item, dtype)
    for beyond in (-0.5 * case.uniform, 1.5 * case.uniform):
        point = x.clone()
        point[1].view(-1)[0] = beyond
        point.requires_grad_()
        z, log_det = bijection_of(item).encode(point, condition)
        assert log_det[1] == -math.inf
        assert log_det[[0, 2, 3, 4]].isfinite().all()
        assert z.isfinite().all()
        log_det = torch.where(log_det.isfinite(), log_det, 0.0)
        gradients = torch.autograd.grad(
            log_det.sum() - z.square().sum(), [point, *item.parameters()], allow_unused=True
        )
        assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)


@pytest.mark.point(9)
def test_an_impossible_row_has_no_density(flow_case: Case, make) -> None:
    """Densities in the data's units: where a support ends, log p is -inf, whatever the base says of z."""
    flow: Flow = make(flow_case)
    if flow_case.uniform is None:
        return
    x, condition = inside(flow_case, flow, torch.float32)
    x[3].view(-1)[0] = flow_case.uniform + 1
    z, log_det = flow.bijection.encode(x, condition)
    log_prob = flow.base.log_prob(z) + log_det
    assert log_prob[3] == -math.inf
    assert log_prob[:3].isfinite().all()
