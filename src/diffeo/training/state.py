"""Where a training is, between two steps: what is kept for a way back, and what was wrong with a step."""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffeo.training import checkpoint, recorder
from diffeo.training.checkpoint import Position
from diffeo.training.options import CHECKPOINTS, FLIGHT
from diffeo.training.recorder import Incident
from diffeo.training.schedule import learning_rate
from diffeo.training.steplog import StepLog
from diffeo.training.steps import Steps
from diffeo.warning import warn
from diffeo.writing import DiskFull


class State:
    """Everything of a training that changes.

    Args:
        steps: what a step is; its flow, optimiser and average are a part of the state.
        at: the position.
        lr: largest learning rate.
        warmup: steps up to it; None for a twentieth of all, at most 500.
        setting: what must not differ on resuming.
        folder: where to keep checkpoints and the flight recorder's finds; None for nowhere.

    Attributes:
        losses: of the epoch so far: their sum, and how many.
        best: the averaged weights of the best validation loss.
        incidents: what the flight recorder found.
        log: the file of losses.
        good: the last checkpoint.
        preserved: when it was made, by the monotonic clock.
    """

    log: StepLog
    good: checkpoint.Checkpoint

    def __init__(
        self, steps: Steps, at: Position, *, lr: float, warmup: int | None, setting: dict[str, Any],
        folder: Path | None,
    ):  # fmt: skip
        self.steps, self.at, self.lr, self.warmup, self.setting, self.folder = steps, at, lr, warmup, setting, folder
        self.losses = steps.x.new_zeros(2, dtype=steps.flow.dtype)
        self.best: dict[str, Tensor] = {}
        self.incidents: list[Incident] = []
        self.preserved = time.monotonic()

    def rate(self, step: int) -> float:
        """The learning rate of a step: half for every time that the training went back."""
        ramp = min(500, self.at.steps // 20) if self.warmup is None else self.warmup
        return learning_rate(step, self.at.steps, self.lr * 0.5**self.at.attempt, ramp)

    def preserve(self) -> None:
        """Make a checkpoint: kept in memory for a rollback, and on the disk if there is a folder."""
        steps, watch = self.steps, self.steps.watch
        self.at.timings = dict(watch.seconds)
        problem: OSError | None = None
        try:
            self.log.flush()
        except OSError as error:
            problem = error
        self.at.log = self.log.written
        extra = {"losses": self.losses} | {f"best.{name}": tensor for name, tensor in self.best.items()}
        self.good = checkpoint.capture(self.at, steps.flow, steps.optimizer, steps.average, extra, self.setting)
        if self.folder is not None and steps.accelerator.is_main_process:
            try:
                if problem is None:  # else the one before has all of its losses
                    checkpoint.write(self.good, self.folder / CHECKPOINTS)
            except OSError as error:
                problem = error
        if problem is not None:
            reason = problem.said if isinstance(problem, DiskFull) else problem
            warn(f"no checkpoint could be written; training goes on without it: {reason}")
        self.preserved = time.monotonic()
        watch.lap("checkpoints")

    def restore(self, to: checkpoint.Checkpoint) -> None:
        """Go to a checkpoint."""
        steps = self.steps
        self.at, extra = checkpoint.restore(to, steps.flow, steps.optimizer, steps.average)
        self.losses.copy_(extra.pop("losses"))
        self.best = {name.removeprefix("best."): tensor for name, tensor in extra.items()}

    def judge(self, step: int, finite: Tensor) -> None:
        """Count a step that was left out, and examine it if the one before was good."""
        if bool(finite):
            self.at.in_a_row = 0
            return
        self.at.in_a_row, self.at.skipped = self.at.in_a_row + 1, self.at.skipped + 1
        if self.at.in_a_row == 1 and len(self.incidents) < recorder.MOST_KEPT:
            self._examine(step)

    def _examine(self, step: int) -> None:
        """What was wrong with a step that was left out; the weights are still those that it had."""
        steps, attempt = self.steps, self.at.attempt
        x, labels, noise, rows = steps.batch(step, attempt)
        with steps.randomness(step, attempt, steps.shares[0]):
            found = recorder.examine(
                steps.computing, x, labels, noise, rows, step=step, attempt=attempt, lr=self.rate(step),
                precision=steps.precision,
            )  # fmt: skip
        self.incidents.append(found)
        if self.folder is not None and steps.accelerator.is_main_process:
            recorder.keep(found, steps.flow, x, labels, noise, rows, self.folder / FLIGHT)
        steps.watch.lap("flight recorder")

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the flow with its best weights, or with the averages if no epoch was completed."""
        flow = self.steps.flow
        if self.best:
            flow.load_state_dict(self.best)
        else:
            for parameter, mean in zip(flow.parameters(), self.steps.average.averages, strict=True):
                parameter.copy_(mean)
        flow.eval()
