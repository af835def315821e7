"""What a training came to."""

from dataclasses import dataclass, field

from diffeo.training.recorder import Incident


class TrainingDiverged(RuntimeError):
    """Training came to nothing; the flow holds the best weights so far, if an epoch was completed."""


@dataclass
class Fit:
    """What a training did.

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
        stopped: why it ended.
        interrupted: the signal that ended it early; None otherwise.
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
    stopped: str = "all epochs done"
    interrupted: int | None = None
