"""Everything that is measured on a whole part."""

import math

import pytest
import torch

import diffeo
from diffeo.data import Dataset, Part
from diffeo.evaluation import evaluate, likelihood
from diffeo.evaluation.curves import curves_picture, thinned


def table(scale: tuple[float, ...] | None = None) -> Dataset:
    x = torch.randn(300, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 0.1])
    return Dataset(
        "table:made.csv", Part(x[:200]), Part(x[200:250]), Part(x[250:]), columns=("a", "b", "c"), scale=scale
    )


def test_more_draws_tighten_the_bound() -> None:
    data = diffeo.data.load("digits")
    flow = diffeo.RealNVP(data.shape, values=17, width=4, blocks=1, preprocessing="logit")
    flow.initialize(data.train.x)
    one, many = (evaluate(flow, data, samples=k, seed=3) for k in (1, 8))
    assert many["bits_per_dim"]["mean"] < one["bits_per_dim"]["mean"] - 0.01
    assert one["bits_per_dim"]["mean"] == likelihood(flow, data.test, seed=3).mean
    assert one["wrong_values"] == 0
    assert many["rows"] == 360


def test_both_units_are_given_and_the_baselines_follow_the_tables_own() -> None:
    flow = diffeo.RealNVP(3, couplings=2, width=8)
    plain, divided = evaluate(flow, table()), evaluate(flow, table(scale=(2.0, 2.0, 2.0)))
    shift = 3 * math.log(2)
    assert divided["log_likelihood"]["mean"] == pytest.approx(plain["log_likelihood"]["mean"] - shift)
    assert divided["baselines"]["gaussian"]["mean"] == pytest.approx(plain["baselines"]["gaussian"]["mean"] - shift)
    deviations = float(table().train.x.double().std(0, correction=0).log().sum())
    for found in (plain, divided):
        assert found["log_likelihood_standardised"]["mean"] == pytest.approx(
            plain["log_likelihood"]["mean"] + deviations
        )
    assert plain["samples"] is None


def test_a_part_is_measured_whole_and_what_does_not_fit_is_named() -> None:
    data = table()
    flow = diffeo.RealNVP(3, couplings=2, width=8)
    found = evaluate(flow, data, part="train")
    assert (found["rows"], found["part"]) == (200, "train")
    with pytest.raises(ValueError, match=r"shape \(3,\), but moons has rows of shape \(2,\)"):
        evaluate(flow, diffeo.data.load("moons"))
    whole = Part(torch.zeros(4, 3, dtype=torch.uint8))
    with pytest.raises(ValueError, match="continuous numbers, but made holds integers with 2 values"):
        evaluate(flow, Dataset("made", whole, whole, whole, values=2))
    with pytest.raises(ValueError, match="samples must be at least 1"):
        evaluate(flow, data, samples=0)


def test_steps_are_thinned_to_means_and_what_is_not_finite_is_left_out() -> None:
    means, width = thinned([1.0, math.inf, 3.0, math.nan, math.nan], 3)
    assert width == 2
    assert means[:2].tolist() == [1.0, 3.0]
    assert math.isnan(means[2])
    history = [{"epoch": 1.0, "step": 10, "train": 5.0, "validation": None}, {"epoch": 1.5, "step": 15, "train": 2.0}]
    axes = curves_picture(history, "nats", {"far": -90.0}, steps=[3.0] * 15).axes[0]
    assert axes.get_ylim()[0] > 1.0  # a baseline far below is not worth the room
    assert max(axes.lines[0].get_xdata()) == pytest.approx(1.45)
