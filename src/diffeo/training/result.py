"""What a training came to."""

import signal
from dataclasses import dataclass, field

from diffeo.system.warning import warn
from diffeo.training.recorder import Incident
from diffeo.training.state import State


class TrainingDiverged(RuntimeError):
    """Training came to nothing; the flow holds the best weights so far, if an epoch was completed."""


@dataclass(repr=False)
class Fit:
    """What a training did; printed it is a few lines.

    Attributes:
        history: one record an epoch: step, epoch, attempt, train and validation loss, lr, gradient norm, seconds.
        unit: of the losses: ``"bits/dim"`` for integers, ``"nats"`` (negative log-likelihood) otherwise.
        best: the record whose averaged weights the flow has now.
        steps: how many were taken.
        skipped: how many of them were left out, since their gradients were not finite.
        incidents: what the flight recorder found of the first of these.
        rollbacks: how often it went back to a checkpoint, with half the learning rate.
        seconds: how long it took, without the time between a stop and a resumption.
        timings: seconds by what they were spent on, since the start or the resumption.
        precision: of the conditioners in training.
        threads: how many it computed with.
        stopped: why it ended.
        interrupted: the signal that ended it early; None otherwise.

    Example:
        >>> record = {"step": 80, "epoch": 10, "attempt": 0, "train": 1.25, "validation": 1.5, "lr": 0.0,
        ...           "gradient_norm": 0.1, "seconds": 2.0}
        >>> Fit("nats", history=10 * [record], best=record, steps=80, seconds=2.25)
        Fit: 10 epochs, 80 steps, 2.2 s; all epochs done
          best: epoch 10, validation 1.5000 nats (train 1.2500)
    """

    unit: str
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    skipped: int = 0
    incidents: list[Incident] = field(default_factory=list)
    rollbacks: int = 0
    seconds: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    precision: str = "float32"
    threads: int = 1
    stopped: str = "all epochs done"
    interrupted: int | None = None

    def __repr__(self) -> str:
        epochs = f"{len(self.history):,} epoch{'s' * (len(self.history) != 1)}"
        lines = [f"Fit: {epochs}, {self.steps:,} steps, {self.seconds:,.1f} s; {self.stopped}"]
        if self.best:
            lines.append(
                f"  best: epoch {self.best['epoch']:.4g}, validation {self.best['validation']:.4f} {self.unit} "
                f"(train {self.best['train']:.4f})"
            )
        if self.skipped or self.rollbacks:
            lines.append(f"  {self.skipped:,} steps left out, {self.rollbacks} times back to a checkpoint")
        lines += [f"  {incident}" for incident in self.incidents[:1]]
        return "\n".join(lines)


def concluded(state: State) -> Fit:
    """Leave the flow with its best weights, and say what the training came to.

    Raises:
        TrainingDiverged: if there are none.
    """
    task, at = state.task, state.at
    if task.options.tracker is not None:
        task.accelerator.end_training()
    task.watch.lap("other")
    result = Fit(
        task.unit, at.history, at.best, at.step, at.skipped, state.incidents, at.attempt, task.watch.elapsed(),
        task.watch.seconds, task.precision, task.setting["threads"], interrupted=state.interrupted,
    )  # fmt: skip
    state.settle()
    if state.interrupted is not None:
        result.stopped = f"stopped by {signal.Signals(state.interrupted).name} after step {at.step} of {at.steps}"
    elif not state.best:
        raise TrainingDiverged(
            "no epoch ended with a finite validation loss. Try a smaller lr, or look for outliers in the data"
        )
    else:
        done = task.epochs is not None and at.steps == task.epochs * task.per_epoch
        result.stopped = at.stopped or ("all epochs done" if done else "the time budget is used")
    if result.skipped or result.rollbacks:
        back = f", and it went back to a checkpoint {result.rollbacks} time(s)" if result.rollbacks else ""
        found = f". {result.incidents[0]}" if result.incidents else ""
        warn(f"{result.skipped} of {result.steps} steps had no finite gradients and were left out{back}{found}")
    return result
