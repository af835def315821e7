"""Integers in and out, exactly."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import diffeo
from diffeo import Quantizer


@given(values=st.integers(2, 2**16), dtype=st.sampled_from([torch.float32, torch.float64]), data=st.data())
def test_a_noisy_point_stays_in_its_cell(values: int, dtype: torch.dtype, data: st.DataObject) -> None:
    door = Quantizer(values)
    integers = data.draw(st.lists(st.integers(0, values - 1), min_size=1, max_size=8))
    x = torch.tensor([integers])
    for u in (0.0, 1e-9, 0.5, 1 - 2**-24, 1.0):
        assert torch.equal(door.decode(door.encode(x, torch.full(x.shape, u, dtype=dtype))).long(), x)


def test_float32_is_exact_for_every_value_and_every_part_of_its_cell() -> None:
    """x + u and n - (x + u) equal their float64 values, so a logit's two arguments have no rounding."""
    door = Quantizer(256)
    x = torch.arange(256)[:, None].expand(256, 2**15)
    u = ((torch.arange(2**15) + 0.5) / 2**15).expand(256, 2**15)
    narrow, wide = door.encode(x, u), door.encode(x, u.double())
    assert torch.equal(narrow.double(), wide)
    assert torch.equal((256 - narrow).double(), 256 - wide)


def test_what_is_outside_goes_to_the_nearest_end() -> None:
    y = torch.tensor([[-3.0, 300.0, 4.999, float("nan"), float("inf")]])
    assert Quantizer(17).decode(y).tolist() == [[0, 16, 4, 0, 16]]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.rand(2, 3), r"\(x \* 16\)\.round\(\)"),
        (torch.tensor([[17]]), "values=18"),
        (torch.tensor([[-1]]), "from -1"),
        (torch.tensor([[True]]), "torch.bool"),
    ],
)
def test_what_is_no_integer_in_range_is_refused(x: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Quantizer(17).check(x)


@pytest.mark.parametrize("values", [1, 0, 2**16 + 1])
def test_an_impossible_number_of_values_is_refused(values: int) -> None:
    with pytest.raises(ValueError, match="values must be"):
        Quantizer(values)


@pytest.mark.parametrize("values", [17, 256])
def test_the_logit_of_float32_is_right_to_rounding_up_to_white(values: int) -> None:
    """1 - s is computed from n - x, which is exact; from s it would be wrong by up to a hundredth of a nat."""
    door, logit = Quantizer(values), diffeo.Logit(values)
    x = torch.tensor([0, 1, values // 2, values - 2, values - 1])[:, None].expand(5, 2000)
    u = torch.cat([torch.rand(1990), 1 - torch.logspace(-7, -1, 10)]).expand(5, 2000)
    narrow, wide = logit.encode(door.encode(x, u)), logit.encode(door.encode(x, u.double()))
    assert torch.allclose(narrow[0].double(), wide[0], rtol=1e-5, atol=1e-6)
