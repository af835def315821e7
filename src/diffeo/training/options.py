"""What may be asked of a training, checked before anything is done."""

import math
from numbers import Integral, Real
from pathlib import Path

from diffeo.training.processes import check_tracker

STEPS_FILE, CHECKPOINTS, FLIGHT, SAMPLES = "steps.csv", "checkpoints", "flight", "samples"  # of a training's folder
MAYBE = ("epochs", "warmup", "patience", "time_budget")  # options that may be None


def check_options(
    *, epochs: int | None, batch_size: int, accumulate: int, lr: float, weight_decay: float, warmup: int | None,
    clip: float, ema: float, patience: int | None, threads: int | None, time_budget: float | None,
    checkpoint_every: float, tracker: str | None, folder: Path | None, resume: bool,
) -> None:  # fmt: skip
    """Refuse what cannot be.

    Raises:
        TypeError, ValueError: naming the option.
        NotADirectoryError: if the folder is none.
    """
    whole = {
        "epochs": epochs,
        "batch_size": batch_size,
        "accumulate": accumulate,
        "warmup": warmup,
        "patience": patience,
    }
    numbers = {
        "lr": lr, "weight_decay": weight_decay, "clip": clip, "ema": ema, "time_budget": time_budget,
        "checkpoint_every": checkpoint_every,
    }  # fmt: skip
    for name, value in {**whole, **numbers}.items():
        if value is None and name in MAYBE:
            continue
        kind, what = (Integral, "a whole number") if name in whole else (Real, "a number")
        if isinstance(value, bool) or not isinstance(value, kind):
            raise TypeError(f"fit: {name} must be {what}{', or None' * (name in MAYBE)}, got {value!r}")
    wrong = {
        f"epochs must be at least 1, got {epochs}": epochs is not None and epochs < 1,
        f"batch_size must be at least 1, got {batch_size}": batch_size < 1,
        f"accumulate must be at least 1, got {accumulate}": accumulate < 1,
        f"lr must be positive, got {lr}": not 0 < lr < math.inf,
        f"weight_decay must not be negative, got {weight_decay}": not 0 <= weight_decay < math.inf,
        f"warmup must not be negative, got {warmup}": warmup is not None and warmup < 0,
        f"clip must be positive, got {clip}": not clip > 0,
        f"ema must be in [0, 1), got {ema}": not 0 <= ema < 1,
        f"patience must be at least 1, or None, got {patience}": patience is not None and patience < 1,
        f"threads must be a whole number of at least 1, or None, got {threads!r}": threads is not None
        and not (isinstance(threads, int) and threads >= 1),
        f"time_budget must be a positive number of seconds, got {time_budget}": time_budget is not None
        and not 0 < time_budget < math.inf,
        f"checkpoint_every must be a positive number of seconds, got {checkpoint_every}": not checkpoint_every > 0,
        "resume needs the folder that holds the checkpoints": resume and folder is None,
    }
    for problem, present in wrong.items():
        if present:
            raise ValueError(f"fit: {problem}")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"fit: {folder} is not a folder")
    check_tracker(tracker, folder)
