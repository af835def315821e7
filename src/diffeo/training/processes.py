"""One process or several: who takes which rows of a batch, and how sums are made, by accelerate."""

import importlib.util
import os
import signal
from pathlib import Path
from typing import Any

import torch

TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",)}
ASK_EVERY = 10  # steps, whether another process was told to stop


def accelerator_for(device: torch.device, tracker: str | None, folder: Path | None) -> Any:
    """The processes of the processes that torchrun started; with its tracker, if one is wanted."""
    from accelerate import Accelerator

    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return Accelerator(
        cpu=several and device.type == "cpu",
        device_placement=False,
        mixed_precision="no",  # precision.py does it, for conditioners alone
        log_with=tracker,
        project_dir=folder if tracker else None,
    )


def check_tracker(tracker: str | None, folder: Path | None) -> None:
    """Refuse a tracker that is not known, not installed, or has nowhere to write.

    Raises:
        ValueError: saying what to install.
    """
    if tracker is None:
        return
    if tracker not in TRACKERS:
        raise ValueError(f"tracker must be {' or '.join(TRACKERS)}, got {tracker!r}")
    if not any(importlib.util.find_spec(package) for package in TRACKERS[tracker]):
        raise ValueError(f"tracker {tracker} needs a package: pip install {TRACKERS[tracker][0]}")
    if folder is None:
        raise ValueError(f"tracker {tracker} needs a folder to write to: fit(.., folder=..)")


def shares(batch: int, process: int, processes: int, accumulate: int) -> list[slice]:
    """The places in a batch that a process works on, one slice for each of its micro-batches.

    Example:
        >>> shares(8, 1, 2, 2)
        [slice(4, 6, None), slice(6, 8, None)]
    """
    pieces = processes * accumulate
    mine = range(process * accumulate, (process + 1) * accumulate)
    return [slice(i * batch // pieces, (i + 1) * batch // pieces) for i in mine]


def check_batch(batch_size: int, accumulate: int, processes: int) -> None:
    """Raise ValueError if a batch has too few rows for the processes and their parts."""
    if batch_size < processes * accumulate:
        shared = f"shared by {processes} processes with {accumulate} parts each" if processes > 1 else ""
        raise ValueError(
            f"fit: a batch of {batch_size} rows cannot be {shared or f'computed in {accumulate} parts'}. "
            f"Use accumulate={max(1, batch_size // processes)} or less, or larger batches"
        )


def agreed(number: int | None, due: bool, step: int, accelerator: Any) -> tuple[int | None, bool]:
    """The signal to stop, and whether a checkpoint is due: of several processes any one's word, asked now and then."""
    if accelerator.num_processes == 1:
        return number, due
    if step % ASK_EVERY:
        return None, False
    words = torch.tensor([number or 0, due], dtype=torch.float64, device=accelerator.device)
    told, due_anywhere = accelerator.reduce(words, "sum").tolist()
    return (number or signal.SIGTERM) if told else None, bool(due_anywhere)
