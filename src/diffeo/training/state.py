"""Where a training is, between two steps: what is kept for a way back, and what was wrong with a step."""

import time

import torch
from torch import Tensor

from diffeo.system.warning import warn
from diffeo.system.writing import DiskFull
from diffeo.training import checkpoint, recorder
from diffeo.training.checkpoint import Position
from diffeo.training.options import CHECKPOINTS, FLIGHT, STEPS_FILE
from diffeo.training.recorder import Incident
from diffeo.training.schedule import learning_rate
from diffeo.training.steplog import StepLog
from diffeo.training.steps import Steps
from diffeo.training.task import Task


class State:
    """Everything of a training that changes.

    Args:
        task: what the training is to do.
        steps: what a step is; its flow, optimiser and average are a part of the state.

    Attributes:
        at: the position.
        losses: of the epoch so far: their sum, and how many.
        best: the averaged weights of the best validation loss.
        incidents: what the flight recorder found.
        interrupted: the signal that ended the training early.
        log: the file of losses.
        good: the last checkpoint.
        preserved: when it was made, by the monotonic clock.
    """

    log: StepLog
    good: checkpoint.Checkpoint

    def __init__(self, task: Task, steps: Steps):
        self.task, self.steps = task, steps
        self.at = Position(steps=(task.epochs or 0) * task.per_epoch)
        self.losses = steps.x.new_zeros(2, dtype=task.flow.dtype)
        self.best: dict[str, Tensor] = {}
        self.incidents: list[Incident] = []
        self.interrupted: int | None = None
        self.preserved = time.monotonic()
        self._unread: Tensor | None = None  # was the last step finite?

    def begin(self) -> None:
        """Open the file of losses, and make the first checkpoint."""
        at, task = self.at, self.task
        at.lost += task.watch.elapsed()  # preparation, so far
        task.watch.go_on(at.seconds, at.timings)
        task.watch.lap("preparation")
        keeps = task.options.folder is not None and task.accelerator.is_main_process
        file = task.options.folder / STEPS_FILE if task.options.folder is not None and keeps else None
        self.log = StepLog(file, at.step, task.accelerator.log, written=at.log)
        self.preserve()

    @property
    def done(self) -> bool:
        """Whether there is no step left to take."""
        return self.at.step >= self.at.steps or bool(self.at.stopped)

    @property
    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self.preserved > self.task.options.checkpoint_every

    def rate(self, step: int) -> float:
        """The learning rate of a step: half for every time that the training went back."""
        warmup = self.task.options.warmup
        ramp = min(500, self.at.steps // 20) if warmup is None else warmup
        return learning_rate(step, self.at.steps, self.task.lr * 0.5**self.at.attempt, ramp)

    def count(self, loss: Tensor, norm: Tensor, finite: Tensor) -> None:
        """Take in a step that was taken; none of its numbers is read."""
        step, self._unread = self.at.step, finite
        self.losses += torch.stack([torch.where(finite, loss, 0.0), finite.to(loss)])
        self.log.add(step, loss, norm, self.rate(step))
        self.task.bar.step(step, self.losses)
        self.at.step, self.at.seconds = step + 1, self.task.watch.elapsed()

    def preserve(self) -> None:
        """Make a checkpoint: kept in memory for a rollback, and on the disk if there is a folder."""
        steps, task, watch = self.steps, self.task, self.task.watch
        self.at.timings = dict(watch.seconds)
        problem: OSError | None = None
        try:
            self.log.flush()
        except OSError as error:
            problem = error
        self.at.log = self.log.written
        extra = {"losses": self.losses} | {f"best.{name}": tensor for name, tensor in self.best.items()}
        self.good = checkpoint.capture(self.at, steps.flow, steps.optimizer, steps.average, extra, task.setting)
        if task.options.folder is not None and task.accelerator.is_main_process:
            try:
                if problem is None:  # else the one before has all of its losses
                    checkpoint.write(self.good, task.options.folder / CHECKPOINTS)
            except OSError as error:
                problem = error
        if problem is not None:
            reason = problem.said if isinstance(problem, DiskFull) else problem
            warn(f"no checkpoint could be written; training goes on without it: {reason}")
        self.preserved = time.monotonic()
        watch.lap("checkpoints")

    def restore(self, to: checkpoint.Checkpoint) -> None:
        """Go to a checkpoint."""
        steps, self._unread = self.steps, None
        self.at, extra = checkpoint.restore(to, steps.flow, steps.optimizer, steps.average)
        self.losses.copy_(extra.pop("losses"))
        self.best = {name.removeprefix("best."): tensor for name, tensor in extra.items()}

    def judge(self) -> None:
        """Look whether the last step was left out: count it, and examine it if the one before was good."""
        unread, self._unread = self._unread, None
        if unread is None:  # there was none, or it was looked at
            return
        if bool(unread):
            self.at.in_a_row = 0
            return
        self.at.in_a_row, self.at.skipped = self.at.in_a_row + 1, self.at.skipped + 1
        if self.at.in_a_row == 1 and len(self.incidents) < recorder.MOST_KEPT:
            self._examine(self.at.step - 1)

    def _examine(self, step: int) -> None:
        """What was wrong with a step that was left out; the weights are still those that it had."""
        steps, options, attempt = self.steps, self.task.options, self.at.attempt
        x, labels, noise, rows = steps.batch(step, attempt)
        with steps.randomness(step, attempt, steps.shares[0]):
            found = recorder.examine(
                steps.computing, x, labels, noise, rows, step=step, attempt=attempt, lr=self.rate(step),
                precision=self.task.precision,
            )  # fmt: skip
        self.incidents.append(found)
        if options.folder is not None and self.task.accelerator.is_main_process:
            recorder.keep(found, steps.flow, x, labels, noise, rows, options.folder / FLIGHT)
        self.task.watch.lap("flight recorder")

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the flow with its best weights, or with the averages if no epoch was completed."""
        flow = self.task.flow
        if self.best:
            flow.load_state_dict(self.best)
        else:
            for parameter, mean in zip(flow.parameters(), self.steps.average.averages, strict=True):
                parameter.copy_(mean)
        flow.eval()
