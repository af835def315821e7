"""What may be asked of a training, checked before anything is done."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, get_args

from diffeo.training.processes import check_tracker

STEPS_FILE, CHECKPOINTS, FLIGHT, SAMPLES = "steps.csv", "checkpoints", "flight", "samples"  # of a training's folder
LEFT_OPEN = ("epochs", "batch_size", "lr", "precision")  # where the flow and the rows may decide
CHANGES_NO_LOSS = ("folder", "resume", "checkpoint_every", "tracker", "progress")  # of the options below
LOOKED_AT_ELSEWHERE = ("seed", "threads")  # by rules of their own
MACHINE = ("threads",)  # of those, what changes the last digit only


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of :func:`diffeo.fit`, which says what each of them is; what cannot be is refused.

    Raises:
        TypeError, ValueError: naming the option.
        NotADirectoryError: if the folder is none.
    """

    epochs: int | None
    batch_size: int | None
    accumulate: int
    lr: float | None
    weight_decay: float
    warmup: int | None
    clip: float
    ema: float
    patience: int | None
    seed: int
    precision: str
    time_budget: float | None
    threads: int | None
    folder: Path | None
    resume: bool
    checkpoint_every: float
    tracker: str | None
    progress: bool

    def __post_init__(self) -> None:
        check_numbers(asdict(self))
        for problem, present in self._wrong().items():
            if present:
                raise ValueError(f"fit: {problem}")
        if self.folder is not None and self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"fit: {self.folder} is not a folder")
        check_tracker(self.tracker, self.folder)

    def setting(self) -> dict[str, Any]:
        """What decides the losses, and must not differ on resuming."""
        return {name: value for name, value in asdict(self).items() if name not in CHANGES_NO_LOSS + MACHINE}

    def _wrong(self) -> dict[str, bool]:
        def below(least: int, number: int | None) -> bool:
            return number is not None and number < least

        return {
            f"epochs must be at least 1, got {self.epochs}": below(1, self.epochs),
            f"batch_size must be at least 1, got {self.batch_size}": below(1, self.batch_size),
            f"accumulate must be at least 1, got {self.accumulate}": below(1, self.accumulate),
            f"lr must be positive, got {self.lr}": self.lr is not None and not 0 < self.lr < math.inf,
            f"weight_decay must not be negative, got {self.weight_decay}": not 0 <= self.weight_decay < math.inf,
            f"warmup must not be negative, got {self.warmup}": below(0, self.warmup),
            f"clip must be positive, got {self.clip}": not self.clip > 0,
            f"ema must be in [0, 1), got {self.ema}": not 0 <= self.ema < 1,
            f"patience must be at least 1, or None, got {self.patience}": below(1, self.patience),
            f"threads must be a whole number of at least 1, or None, got {self.threads!r}": self.threads is not None
            and not (isinstance(self.threads, int) and self.threads >= 1),
            f"time_budget must be a positive number of seconds, got {self.time_budget}": self.time_budget is not None
            and not 0 < self.time_budget < math.inf,
            f"checkpoint_every must be a positive number of seconds, got {self.checkpoint_every}":
            not self.checkpoint_every > 0,
            "resume needs the folder that holds the checkpoints": self.resume and self.folder is None,
        }  # fmt: skip


def check_numbers(given: Mapping[str, Any]) -> None:
    """Refuse what is no number where an option is one, or None where it may not be.

    Raises:
        TypeError: naming the option.
    """
    for field in fields(Options):
        kinds = get_args(field.type) or (field.type,)
        maybe, value = type(None) in kinds, given.get(field.name)
        if field.name not in given or field.name in LOOKED_AT_ELSEWHERE or not {int, float} & set(kinds):
            continue
        kind, what = (Integral, "a whole number") if int in kinds else (Real, "a number")
        if not (value is None and maybe) and (isinstance(value, bool) or not isinstance(value, kind)):
            raise TypeError(f"fit: {field.name} must be {what}{', or None' * maybe}, got {value!r}")
