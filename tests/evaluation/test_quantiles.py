"""A row's place among held-out rows, and what a threshold costs."""

import pytest
import torch

from diffeo.evaluation import false_alarms, quantiles


def test_a_quantile_is_the_share_that_is_as_unlikely_or_more_so() -> None:
    held_out = torch.tensor([4.0, 1.0, 2.0, 2.0])
    found = quantiles(torch.tensor([0.0, 1.0, 2.0, 3.0, 9.0, float("nan"), -torch.inf]), held_out)
    assert found.tolist() == [0.0, 0.25, 0.75, 0.75, 1.0, 0.0, 0.0]


def test_held_out_rows_have_uniform_quantiles_so_a_threshold_is_its_false_alarm_rate() -> None:
    draw = torch.randn(3, 20_000, generator=torch.Generator().manual_seed(0))
    found = false_alarms(draw[0], draw[1], 0.05)
    assert found.rate == pytest.approx(0.05, abs=0.006)
    assert found.low < 0.05 < found.high
    assert (found.calibration_rows, found.measured_rows) == (20_000, 20_000)
    assert float((quantiles(draw[2], draw[0]) < 0.05).double().mean()) == pytest.approx(0.05, abs=0.006)


def test_the_rate_is_measured_on_other_rows_than_those_that_set_the_cut() -> None:
    validation, test = torch.arange(100.0), torch.arange(100.0) - 10
    found = false_alarms(validation, test, 0.05)
    assert found.rate == 0.14  # below 4, the fifth of a hundred: -10 .. 3
    with pytest.raises(ValueError, match="between 0 and 1"):
        false_alarms(validation, test, 1.0)
