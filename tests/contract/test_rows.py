"""Point 6: input is never changed, and rows do not depend on one another, in either direction."""

import math

import pytest
import torch
from torch import Tensor

from contract.drawn import both_ways, rows_of
from contract.registry import ROWS, Case

pytestmark = [pytest.mark.filterwarnings("ignore:RealNVP of one feature"), pytest.mark.point(6)]

OTHERS = torch.arange(ROWS) != 2
SOME = ([2], [0, 2], [3, 4, 2])  # row 2 alone, in half a batch, elsewhere in another
CLOSE = {torch.float32: 1e-3, torch.float64: 1e-10}  # relative: networks may round otherwise in another batch


def spoiled(tensor: Tensor) -> Tensor:
    """The same with NaN in row 2."""
    broken = tensor.clone()
    broken[2] = math.nan
    return broken


def some_of(rows: list[int], *tensors: Tensor | None) -> list[Tensor | None]:
    return [None if tensor is None else tensor[rows] for tensor in tensors]


def assert_close(found: Tensor, expected: Tensor) -> None:
    largest = float(expected.detach().abs().max().clamp(min=1.0))
    assert torch.allclose(found, expected, rtol=0, atol=CLOSE[found.dtype] * largest)


def test_input_is_never_changed(case: Case, make, dtype: torch.dtype) -> None:
    for run, point, condition in both_ways(case, make(case, dtype), dtype):
        kept, kept_condition = point.clone(), None if condition is None else condition.clone()
        run(point, condition)
        assert torch.equal(point, kept)
        assert condition is None or torch.equal(condition, kept_condition)


def test_a_nan_row_stays_one_row(case: Case, make) -> None:
    for run, point, condition in both_ways(case, make(case), torch.float32):
        expected, expected_log_det = run(point, condition)
        inputs = [(spoiled(point), condition)]
        if condition is not None:
            inputs.append((point, spoiled(condition)))
        for broken in inputs:
            out, log_det = run(*broken)
            assert torch.equal(out[OTHERS], expected[OTHERS])
            assert torch.equal(log_det[OTHERS], expected_log_det[OTHERS])
            assert out[2].isnan().any()


def test_a_row_is_the_same_alone_in_half_a_batch_and_in_another(case: Case, make, dtype: torch.dtype) -> None:
    """A permutation of the batch would not do: batch statistics are the same after it."""
    for run, point, condition in both_ways(case, make(case, dtype), dtype):
        whole, log_det = run(point, condition)
        for rows in SOME:
            found, found_log_det = run(*some_of(rows, point, condition))
            assert_close(found, whole[rows])
            assert_close(found_log_det, log_det[rows])


def test_a_row_has_the_same_density_and_sample_in_any_batch(flow_case: Case, make) -> None:
    flow = make(flow_case, torch.float64)
    x, condition, noise = rows_of(flow_case, flow, torch.float64)
    z = torch.randn(ROWS, *flow.base.shape, dtype=torch.float64)
    log_prob, samples = flow.log_prob(x, condition, noise), flow.sample(ROWS, condition, noise=z).double()
    for rows in SOME:
        some_x, some_condition, some_noise, some_z = some_of(rows, x, condition, noise, z)
        assert_close(flow.log_prob(some_x, some_condition, some_noise), log_prob[rows])
        assert_close(flow.sample(len(rows), some_condition, noise=some_z).double(), samples[rows])
    for size in (1, 2, 4):
        assert_close(flow.log_prob(x, condition, noise, batch_size=size), log_prob)
        assert_close(flow.sample(ROWS, condition, noise=z, batch_size=size).double(), samples)


def test_nan_in_one_row_leaves_the_densities_and_samples_of_the_others(flow_case: Case, make) -> None:
    flow = make(flow_case)
    x, condition, noise = rows_of(flow_case, flow)
    expected = flow.log_prob(x, condition, noise)
    broken = flow.log_prob(*((spoiled(x), condition) if noise is None else (x, condition, spoiled(noise))))
    assert torch.equal(broken[OTHERS], expected[OTHERS])
    assert broken[2].isnan()
    z = flow.base.draw(ROWS)
    samples = flow.sample(ROWS, condition, noise=z)
    if flow.door is None:
        with pytest.warns(UserWarning, match="1 of 5 samples are not finite"):
            found = flow.sample(ROWS, condition, noise=spoiled(z))
    else:
        found = flow.sample(ROWS, condition, noise=spoiled(z))  # an integer is never NaN
    assert torch.equal(found[OTHERS], samples[OTHERS])
