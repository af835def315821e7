"""The training loop: what it promises, and what it refuses before it starts."""

import copy
import math

import pytest
import torch

import diffeo
from diffeo import Glow, RealNVP, fit
from diffeo.training import Fit
from diffeo.training.order import batch_noise, batch_rows
from diffeo.training.schedule import learning_rate


def small(**options) -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=4, width=16, **options)


def rows(n: int = 400) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 2, generator=generator)
    x[:, 1] = x[:, 0] ** 2 + 0.2 * x[:, 1]
    return x


def test_a_fitted_flow_beats_the_gaussian_and_is_in_evaluation_mode() -> None:
    flow, x = small(), rows(1000)
    result = fit(flow, x, epochs=30, batch_size=100, lr=5e-3, progress=False)
    gaussian = torch.distributions.MultivariateNormal(x.mean(0), x.T.cov()).log_prob(x).mean()
    assert float(flow.log_prob(x).mean().detach()) > float(gaussian) + 0.3
    assert not flow.training
    assert result.unit == "nats"
    assert result.steps == 270
    assert result.best["validation"] == min(record["validation"] for record in result.history)


def test_integers_are_fitted_in_bits_per_dim() -> None:
    data = diffeo.data.load("digits")
    torch.manual_seed(0)
    flow = Glow((1, 8, 8), values=17, steps=1, width=8, classes=10)
    result = fit(flow, data, epochs=2, batch_size=64, lr=3e-3, progress=False)
    assert result.unit == "bits/dim"
    assert result.history[1]["validation"] < result.history[0]["validation"] < math.log2(17)


def test_two_fits_with_one_seed_are_equal_and_ignore_the_global_one() -> None:
    one, other = small(dropout=0.2), small(dropout=0.2)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = fit(one, rows(), epochs=2, batch_size=50, seed=3, progress=False)
    assert torch.equal(torch.rand(3), expected)
    second = fit(other, rows(), epochs=2, batch_size=50, seed=3, progress=False)
    third = fit(small(), rows(), epochs=2, batch_size=50, seed=4, progress=False)
    losses = [[record["train"] for record in result.history] for result in (first, second, third)]
    assert losses[0] == losses[1] != losses[2]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_result_is_printed_in_a_few_lines() -> None:
    result = fit(small(), rows(), epochs=30, batch_size=50, progress=False)
    first, best = repr(result).splitlines()
    assert first == f"Fit: 30 epochs, 210 steps, {result.seconds:.1f} s; all epochs done"
    assert best.startswith(
        f"  best: epoch {result.best['epoch']:.0f}, validation {result.best['validation']:.4f} nats ("
    )
    assert str(Fit("nats")) == "Fit: 0 epochs, 0 steps, 0.0 s; all epochs done"
    bad = Fit("nats", history=[result.best], best=result.best, steps=1, skipped=3, rollbacks=2)
    assert str(bad).splitlines()[2] == "  3 steps left out, 2 times back to a checkpoint"
    assert len(str(bad).splitlines()) == 3


def test_order_and_noise_are_functions_of_the_step() -> None:
    epoch = torch.cat([batch_rows(step, 100, 10, seed=0) for step in range(10)])
    assert sorted(epoch.tolist()) == list(range(100))
    assert not torch.equal(epoch, torch.cat([batch_rows(step, 100, 10, seed=0) for step in range(10, 20)]))
    assert torch.equal(batch_rows(57, 100, 10, seed=0), batch_rows(57, 100, 10, seed=0))
    assert not torch.equal(batch_rows(57, 100, 10, seed=0), batch_rows(57, 100, 10, seed=0, attempt=1))
    x = torch.zeros(4, 3, dtype=torch.uint8)
    assert torch.equal(batch_noise(5, x, torch.float32, seed=0), batch_noise(5, x, torch.float32, seed=0))
    assert not torch.equal(batch_noise(5, x, torch.float32, seed=0), batch_noise(6, x, torch.float32, seed=0))


def test_the_flow_ends_with_the_weights_of_the_best_validation_loss() -> None:
    kept = {}

    def keep(record, better) -> None:
        if better:
            kept.update(copy.deepcopy(flow.state_dict()))

    flow, x = small(), rows(60)
    result = fit(flow, x, epochs=60, batch_size=54, lr=0.05, ema=0.5, patience=5, progress=False, on_epoch=keep)
    assert result.stopped == "no better validation loss in 5 epochs"
    assert len(result.history) < 60
    assert all(torch.equal(tensor, kept[name]) for name, tensor in flow.state_dict().items())


def test_weights_decay_only_where_they_multiply_activations() -> None:
    from diffeo.training.steps import parameter_groups

    flow = Glow((1, 4, 4), steps=1, width=4, classes=3)
    decayed, kept = parameter_groups(flow, 0.1)
    names = {id(parameter): name for name, parameter in flow.named_parameters()}
    assert decayed["weight_decay"] == 0.1
    assert all(names[id(p)].endswith("weight") and p.dim() > 1 for p in decayed["params"])
    rest = [names[id(p)] for p in kept["params"]]
    assert any("raw_triangles" in name for name in rest)
    assert any("raw_log_scale" in name for name in rest)
    assert any("embedding" in name for name in rest)
    assert kept["weight_decay"] == 0.0


def test_warm_up_rises_and_the_cosine_falls() -> None:
    rates = [learning_rate(step, 100, 1.0, 10) for step in range(100)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) == 1.0
    assert 0 < rates[-1] < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"lr": -1.0}, "lr must be"),
        ({"lr": math.nan}, "lr must be"),
        ({"ema": 1.0}, "ema must be"),
        ({"patience": 0}, "patience must be"),
        ({"condition": torch.zeros(400)}, "takes none"),
        ({"condition": torch.zeros(3)}, "400 rows of data, but 3"),
        ({"validation": torch.zeros(5, 3)}, "expected shape"),
        ({"validation": torch.zeros(0, 2)}, "no rows"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_changes(arguments: dict, message: str) -> None:
    flow = small()
    before = [tensor.clone() for tensor in flow.state_dict().values()]
    with pytest.raises(ValueError, match=message):
        fit(flow, rows(), **{"epochs": 1, "progress": False, **arguments})
    assert all(torch.equal(a, b) for a, b in zip(before, flow.state_dict().values(), strict=True))


def test_rows_with_nan_are_named() -> None:
    x = rows()
    x[[3, 77]] = math.nan
    with pytest.raises(ValueError, match="rows hold NaN"):
        fit(small(), x, progress=False)
    with pytest.raises(ValueError, match=r"rows 3, 77"):
        fit(small(), x, validation=rows(10), progress=False)


def test_conditions_with_nan_are_named() -> None:
    torch.manual_seed(0)
    flow = RealNVP(2, couplings=1, width=8, condition_shape=1)
    condition = torch.zeros(400, 1)
    condition[5] = math.nan
    with pytest.raises(ValueError, match="conditions hold NaN"):
        fit(flow, rows(), condition, progress=False)


def test_labels_out_of_range_and_floats_for_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 2"):
        fit(small(classes=3), rows(), torch.full((400,), 3), progress=False)
    with pytest.raises(ValueError, match="expected integers"):
        fit(RealNVP(2, values=4, couplings=1), rows(), progress=False)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["NICE", "RealNVP", "Glow"])
def test_fifty_steps_from_any_seed_stay_finite_and_help(name: str, seed: int) -> None:
    data = diffeo.data.load("digits")
    torch.manual_seed(seed)
    options = {"NICE": {"width": 32}, "RealNVP": {"width": 8}, "Glow": {"steps": 2, "width": 16}}[name]
    flow = getattr(diffeo, name)(data.shape, values=17, **options)
    result = fit(
        flow, data.train.x[:640], validation=data.validation.x, epochs=5, batch_size=64, seed=seed, progress=False
    )
    assert result.skipped == 0
    assert result.history[-1]["train"] < result.history[0]["train"]
