"""Copies are independent, and whatever changes the weights is seen by the next encode and decode."""

import copy

import pytest
import torch

from contract.drawn import both_ways, inside
from contract.registry import Case, bijection_of, embedded
from diffeo.training.ema import EMA

pytestmark = [pytest.mark.filterwarnings("ignore:RealNVP of one feature"), pytest.mark.point("copies")]


def outputs(case: Case, item, points: list[torch.Tensor], dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """What encode and decode make of two points, with their log-dets."""
    with torch.no_grad():
        condition = embedded(item, case.condition(item, dtype))
        runs = bijection_of(item).encode, bijection_of(item).decode
        return [tensor for run, point in zip(runs, points, strict=True) for tensor in run(point.to(dtype), condition)]


def points_of(case: Case, item) -> list[torch.Tensor]:
    return [point for _, point, _ in both_ways(case, item, torch.float32)]


def assert_equal(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_a_copy_is_independent(case: Case, make) -> None:
    item = make(case)
    points = points_of(case, item)
    before = outputs(case, item, points)
    twin = copy.deepcopy(item)
    assert_equal(outputs(case, twin, points), before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert_equal(outputs(case, item, points), before)


def test_a_state_dict_says_all_that_training_changed(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype)
    torch.manual_seed(9)
    other = case.make().eval().to(dtype)
    other.load_state_dict(item.state_dict())
    points = points_of(case, make(case))
    assert_equal(outputs(case, other, points, dtype), outputs(case, item, points, dtype))


def test_a_fused_step_is_seen_by_the_next_decode(case: Case, make) -> None:
    """The weights after the step give what a fresh object gives that loads them: nothing of before is kept."""
    item = make(case)
    parameters = list(item.parameters())
    if not parameters:
        return
    points = points_of(case, item)
    before = outputs(case, item, points)
    x, _ = inside(case, item, torch.float32)
    optimizer = torch.optim.AdamW(parameters, lr=0.01, fused=True)
    z, log_det = bijection_of(item).encode(x, embedded(item, case.condition(item, torch.float32)))
    (z.square().sum() - log_det.sum()).backward()
    optimizer.step()
    fresh = case.make().eval()
    fresh.load_state_dict(item.state_dict())
    found = outputs(case, item, points)
    assert_equal(found, outputs(case, fresh, points))
    assert not torch.equal(found[2], before[2])


def test_swapped_weights_and_a_change_of_dtype_are_seen_by_the_next_decode(case: Case, make) -> None:
    """Averaged weights are swapped in and out, and the type changes: after the way back, the first bits come again."""
    item, other = make(case), make(case)
    points = points_of(case, item)
    first = outputs(case, item, points)
    averages = EMA(item, 0.9)
    with torch.no_grad():
        for average, parameter in zip(averages.averages, other.parameters(), strict=True):
            average.copy_(parameter.mul_(0.5))
    with averages.swapped():
        assert_equal(outputs(case, item, points), outputs(case, other, points))
    assert_equal(outputs(case, item, points), first)
    doubled = outputs(case, item.double(), points, torch.float64)
    assert_equal(doubled, outputs(case, make(case).double(), points, torch.float64))
    assert {tensor.dtype for tensor in doubled} == {torch.float64}
    assert_equal(outputs(case, item.float(), points), first)
