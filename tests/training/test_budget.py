"""A time budget, by a clock that only moves when it is told to, where time matters."""

import csv
import sys
import time
from pathlib import Path

import pytest
import torch

from diffeo import RealNVP
from diffeo.training import checkpoint, fit
from diffeo.training.options import CHECKPOINTS, STEPS_FILE
from diffeo.training.steps import Steps

BUDGET = 100.0


def rows(n: int = 300) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(1))


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


def losses(run: Path) -> list[float]:
    with (run / STEPS_FILE).open() as file:
        return [float(line["loss"]) for line in csv.DictReader(file)]


class Killed(BaseException):
    pass


class Clock:
    """A second for every step, and what is given for the end of an epoch and for a checkpoint."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, epoch: float, checkpoint_takes: float = 0.0):
        self.now, self.epoch, self.die_after = 0.0, epoch, 0
        gradients, write = Steps.gradients, checkpoint.write

        def slow_gradients(steps, step, attempt):
            self.now += 1.0
            return gradients(steps, step, attempt)

        def slow_write(kept, folder):
            self.now += checkpoint_takes
            return write(kept, folder)

        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(Steps, "gradients", slow_gradients)
        monkeypatch.setattr(checkpoint, "write", slow_write)

    def on_epoch(self, record, better) -> None:
        self.now += self.epoch
        if record["epoch"] == self.die_after:
            raise Killed

    def fit(self, **options):
        return fit(small(), rows(), batch_size=50, progress=False, time_budget=BUDGET, patience=None,
                   on_epoch=self.on_epoch, **options)  # fmt: skip


def test_a_time_budget_fixes_the_number_of_steps_and_leaves_no_trace_of_measuring(tmp_path: Path) -> None:
    plain, timed = small(), small()
    for flow in (plain, timed):  # beforehand, as a budget takes fewer rows for it where they are slow
        flow.initialize(rows())
    fit(plain, rows(), epochs=40, batch_size=50, progress=False, folder=tmp_path / "plain", warmup=10)
    result = fit(timed, rows(), batch_size=50, progress=False, folder=tmp_path / "timed", warmup=10, time_budget=3.0,
                 epochs=40, patience=None)  # fmt: skip
    kept = checkpoint.newest(tmp_path / "timed" / CHECKPOINTS)
    assert kept is not None
    assert kept.position.steps == result.steps <= 200
    assert result.steps >= 5
    assert losses(tmp_path / "timed")[:5] == losses(tmp_path / "plain")[:5]  # while the rates are those of the warm-up
    with pytest.raises(ValueError, match="too short"):
        fit(small(), rows(), batch_size=50, progress=False, time_budget=1e-6)


def test_a_budget_may_end_within_an_epoch(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["diffeo.training.start"], "affordable_steps", lambda *arguments: 7)
    result = fit(small(), rows(), batch_size=50, progress=False, time_budget=1.0)
    assert [record["epoch"] for record in result.history] == [1, 1.4]
    assert result.stopped == "the time budget is used"


def test_a_budget_counts_what_is_done_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, epoch=10.0)  # in which 17 epochs of 5 steps would fit without it
    result = clock.fit()
    assert BUDGET - 15 <= clock.now <= BUDGET + clock.epoch  # its last epoch may be a short one
    assert result.seconds == clock.now
    assert result.history[-1]["step"] == result.steps
    assert result.stopped == "the time budget is used"


def test_a_budget_counts_checkpoints_and_plans_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, epoch=0.0, checkpoint_takes=5.0)
    result = clock.fit(folder=tmp_path, warmup=0)
    assert BUDGET - 15 <= clock.now <= BUDGET + 5  # the first one, before the first step
    assert result.seconds == clock.now
    kept = checkpoint.newest(tmp_path / CHECKPOINTS)
    assert kept is not None
    assert kept.position.steps == result.steps


def test_a_resumed_training_has_used_what_it_had_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, epoch=10.0)
    clock.die_after = 4
    with pytest.raises(Killed):
        clock.fit(folder=tmp_path)
    kept = checkpoint.newest(tmp_path / CHECKPOINTS)
    assert kept is not None
    used = kept.position.seconds
    assert used == 10 + 3 * 15  # measuring, and three epochs
    clock.now, clock.die_after = 10_000.0, 0
    result = clock.fit(folder=tmp_path, resume=True)
    assert BUDGET - 15 <= result.seconds <= BUDGET + clock.epoch
    assert result.seconds == used + clock.now - 10_000


def test_without_delays_the_number_of_steps_is_the_planned_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, epoch=0.0)
    result = clock.fit()
    assert result.steps == 87  # 97 of the hundred seconds, without those of the 10 steps that were measured
    assert result.seconds == clock.now == 10 + 87


def test_epochs_that_fit_into_the_budget_are_done_and_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Clock(monkeypatch, epoch=0.0).fit(epochs=3)
    assert (result.steps, result.stopped) == (15, "all epochs done")
