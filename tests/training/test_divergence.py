"""When numbers run away: steps left out, the flight recorder, going back, the end."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import diffeo
from diffeo import RealNVP
from diffeo.training import TrainingDiverged, checkpoint, fit
from diffeo.training.checkpoint import Position
from diffeo.training.options import CHECKPOINTS, FLIGHT, STEPS_FILE
from diffeo.training.order import batch_rows
from diffeo.training.recorder import MOST_KEPT
from diffeo.training.steps import Steps

LIMIT = 5.0  # what Bad below calls large


def rows(n: int = 300) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(1))


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


class Bad(diffeo.Bijection):
    """The identity; of rows that begin with a large number something is not finite."""

    def __init__(self, what: str):
        super().__init__()
        self.what = what
        self.weight = torch.nn.Parameter(torch.ones(()))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        bad = x[:, :1] > LIMIT
        log_det = x.new_zeros(len(x))
        if self.what == "output":
            return torch.where(bad, math.nan, x), log_det
        if self.what == "log-determinant":
            return x, log_det.masked_fill(bad[:, 0], math.inf)
        if self.what == "gradient":  # 0 times the square root's derivative at 0
            return x + 0 * torch.where(bad, 0 * x, 1.0).sqrt(), log_det
        return x + 0 * (self.weight * torch.where(bad, 0.0, 1.0)).sqrt(), log_det


@pytest.mark.parametrize(
    ("what", "layer", "quantity"),
    [
        ("output", "1.Bad", "output"),
        ("log-determinant", "1.Bad", "log-determinant"),
        ("gradient", "0.ActNorm", "gradient of the output"),
        ("weight", None, "gradient of bijection.layers.1.weight"),
    ],
)
def test_the_layer_the_quantity_and_the_rows_are_named_and_the_batch_is_kept(
    tmp_path: Path, what: str, layer: str | None, quantity: str
) -> None:
    x = rows()
    x[17, 0] = 9.0
    flow = diffeo.Flow(diffeo.Chain([diffeo.ActNorm(2), Bad(what), diffeo.ActNorm(2)]), diffeo.StandardNormal(2))
    flow.initialize(rows())
    with pytest.warns(UserWarning, match="1 of 3 steps had no finite gradients") as caught:
        result = fit(flow, x, validation=rows(20), epochs=1, batch_size=100, progress=False, folder=tmp_path)
    (incident,) = result.incidents
    assert (incident.layer, incident.quantity) == (layer, quantity)
    assert "smaller lr" in incident.advice
    assert incident.quantity in str(caught[0].message)
    if layer is not None:
        assert incident.rows == [17]
        assert incident.largest > LIMIT
    assert 17 in incident.rows

    (folder,) = (tmp_path / FLIGHT).iterdir()
    kept = load_file(folder / "batch.safetensors")
    assert torch.equal(kept["x"], x[kept["rows"]])
    assert 17 in kept["rows"]
    assert json.loads((folder / "report.json").read_text())["quantity"] == quantity
    assert "training rows" in (folder / "report.txt").read_text()
    flow.load_state_dict({name.removeprefix("model."): t for name, t in kept.items() if name.startswith("model.")})
    flow.log_prob(kept["x"]).mean().backward()  # the kept batch shows it again
    gradients = [p.grad for p in flow.parameters() if p.grad is not None]
    assert not all(g.isfinite().all() for g in gradients) or what == "log-determinant"


class Diverging:
    """Makes the gradients of chosen steps NaN: `when` says of (step, attempt) whether."""

    def __init__(self, monkeypatch, when) -> None:
        plain = Steps.gradients
        self.seen: list[tuple[int, int]] = []

        def gradients(steps: Steps, step: int, attempt: int) -> tuple[Tensor, Tensor]:
            self.seen.append((step, attempt))
            assert len(self.seen) < 500, "this training does not end"
            loss, norm = plain(steps, step, attempt)
            return (loss, norm * math.nan) if when(step, attempt) else (loss, norm)

        monkeypatch.setattr(Steps, "gradients", gradients)


def test_a_step_without_finite_gradients_changes_nothing(monkeypatch) -> None:
    flow, x = small(), rows()
    seen: dict[int, list[Tensor]] = {}
    plain = Steps.gradients

    def gradients(steps: Steps, step: int, attempt: int) -> tuple[Tensor, Tensor]:
        seen[step] = [parameter.detach().clone() for parameter in steps.parameters]
        loss, norm = plain(steps, step, attempt)
        return loss, norm * (math.nan if step in (2, 4) else 1.0)

    monkeypatch.setattr(Steps, "gradients", gradients)
    with pytest.warns(UserWarning, match="2 of 5 steps had no finite gradients"):
        result = fit(flow, x, epochs=1, batch_size=50, progress=False)
    assert result.skipped == 2
    assert math.isfinite(result.history[0]["train"])
    assert all(torch.equal(a, b) for a, b in zip(seen[2], seen[3], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(seen[3], seen[4], strict=True))


def test_a_rollback_has_another_order_and_half_the_learning_rate_and_is_remembered(tmp_path: Path, monkeypatch) -> None:
    diverging = Diverging(monkeypatch, lambda step, attempt: attempt == 0 and step >= 12)
    with pytest.warns(UserWarning, match="went back to a checkpoint 1 time"):
        result = fit(small(), rows(), epochs=8, batch_size=50, progress=False, folder=tmp_path, warmup=0)
    assert result.rollbacks == 1
    assert len(result.history) == 8
    assert [record["attempt"] for record in result.history] == [0, 0, 1, 1, 1, 1, 1, 1]
    assert [s for s, a in diverging.seen if a == 1] == list(range(10, 40))  # from the end of the second epoch on
    assert not torch.equal(batch_rows(10, 270, 50, 0, attempt=0), batch_rows(10, 270, 50, 0, attempt=1))
    with (tmp_path / STEPS_FILE).open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["step"]) for line in lines] == list(range(40))
    before, after = float(lines[9]["lr"]), float(lines[10]["lr"])
    assert after == pytest.approx(before / 2, rel=0.1)
    kept = checkpoint.newest(tmp_path / CHECKPOINTS)
    assert kept is not None
    assert kept.position.attempt == 1


def test_after_three_times_back_it_ends_with_a_diagnosis_and_the_last_good_model(tmp_path: Path, monkeypatch) -> None:
    diverging = Diverging(monkeypatch, lambda step, attempt: step >= 12)
    flow = small()
    with pytest.raises(TrainingDiverged, match=r"4 times.*step 12: the"):
        fit(flow, rows(), epochs=8, batch_size=50, progress=False, folder=tmp_path)
    assert {attempt for _, attempt in diverging.seen} == {0, 1, 2, 3}
    assert all(parameter.isfinite().all() for parameter in flow.parameters())
    assert len(list((tmp_path / FLIGHT).iterdir())) <= MOST_KEPT
    assert not flow.training


def test_it_ends_even_if_going_back_forgot_that_it_went_back(monkeypatch) -> None:
    def forgets(position: Position, name: str, value: object) -> None:
        object.__setattr__(position, name, 0 if name == "attempt" else value)

    monkeypatch.setattr(Position, "__setattr__", forgets)
    diverging = Diverging(monkeypatch, lambda step, attempt: step >= 12)
    with pytest.raises(TrainingDiverged, match="4 times"):
        fit(small(), rows(), epochs=8, batch_size=50, progress=False)
    assert {attempt for _, attempt in diverging.seen} == {0}


def test_without_any_good_validation_it_says_so() -> None:
    x = rows()
    far = diffeo.Flow(diffeo.Chain([diffeo.ActNorm(2), Bad("output")]), diffeo.StandardNormal(2))
    held = rows(20)
    held[3] = 1e6
    with pytest.raises(TrainingDiverged, match="finite validation loss"):
        fit(far, x, validation=held, epochs=1, batch_size=100, progress=False)


def test_what_does_not_happen_again_is_called_so() -> None:
    flow, calls = small(), {"n": 0}

    def once(module, arguments, output):
        calls["n"] += flow.training
        return output * math.nan if flow.training and calls["n"] == 3 else output

    flow.bijection.layers[2].conditioner.register_forward_hook(once)
    with pytest.warns(UserWarning, match="step 2: the gradient was not finite, but is when the step is run again"):
        fit(flow, rows(), epochs=1, batch_size=50, progress=False)
