"""What a training is to do, checked before anything is changed."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from diffeo.data import Part
from diffeo.flow import Flow
from diffeo.training import checkpoint
from diffeo.training.beginning import check_free
from diffeo.training.given import check_flow
from diffeo.training.options import CHECKPOINTS, LEFT_OPEN, Options
from diffeo.training.parts import architecture, fingerprint, layout, parts
from diffeo.training.precision import resolve
from diffeo.training.processes import accelerator_for, check_batch
from diffeo.training.progress import Progress
from diffeo.training.stopwatch import Stopwatch
from diffeo.training_defaults import decide


@dataclass(frozen=True)
class Task:
    """A flow, its rows, and how it is trained.

    Attributes:
        flow: the flow.
        train: the rows that it learns from.
        held_out: those that choose the best weights.
        options: as they were given.
        batch_size: what the options say, or what :mod:`diffeo.training_defaults` does; at most all rows.
        lr, epochs: likewise.
        precision: of the conditioners, by the device where that was left open.
        setting: what must not differ on resuming.
        unit: of the losses.
        scale: from nats a row to that unit.
        accelerator: accelerate's view of the processes.
        bar: what the terminal shows.
        watch: where the time goes, since the beginning.
    """

    flow: Flow
    train: Part
    held_out: Part
    options: Options
    batch_size: int
    lr: float
    epochs: int | None
    precision: str
    setting: dict[str, Any]
    unit: str
    scale: float
    accelerator: Any
    bar: Progress
    watch: Stopwatch

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch; what is left over of the rows is not used in it."""
        return len(self.train) // self.batch_size


def checked(flow: Flow, data: Any, condition: Any, validation: Any, options: Options) -> Task:
    """The task, if it can be begun.

    Raises:
        ValueError, TypeError: if flow, rows or options do not fit.
        FileExistsError: if the folder holds another training.
    """
    watch = Stopwatch()
    if options.folder is not None and not options.resume:
        check_free(options.folder)
    check_flow(flow)
    options = _as_it_was(options)
    precision = resolve(options.precision, flow)
    train, held_out = parts(flow, data, condition, validation, options.seed)
    batch_size, lr, epochs = decide(
        flow.shape, len(train), batch_size=options.batch_size, lr=options.lr, epochs=options.epochs,
        time_budget=options.time_budget,
    )  # fmt: skip
    batch_size = min(batch_size, len(train))
    accelerator = accelerator_for(flow.device, options.tracker, options.folder)
    check_batch(batch_size, options.accumulate, accelerator.num_processes)
    setting = options.setting() | {
        "batch_size": batch_size, "lr": lr, "epochs": epochs, "precision": precision,
        "training rows": fingerprint(train), "validation rows": fingerprint(held_out),
        checkpoint.LAYOUT: layout(flow), checkpoint.FLOW: architecture(flow), "torch": torch.__version__,
        "threads": options.threads, "processes": accelerator.num_processes,
    }  # fmt: skip
    unit, scale = ("nats", 1.0) if flow.door is None else ("bits/dim", 1 / (math.prod(flow.shape) * math.log(2)))
    quiet = not (options.progress and accelerator.is_main_process)
    bar = Progress(rows_a_step=batch_size, unit=unit, quiet=quiet)
    return Task(
        flow, train, held_out, options, batch_size, lr, epochs, precision, setting, unit, scale, accelerator, bar, watch
    )  # fmt: skip


def _as_it_was(options: Options) -> Options:
    """With what is left open as it was in the training that goes on: defaults and machines may have been others."""
    unsaid = [name for name in LEFT_OPEN if getattr(options, name) in (None, "auto")]
    if not options.resume or options.folder is None or not unsaid:
        return options
    state = checkpoint.newest_state(options.folder / CHECKPOINTS) or {"setting": {}}
    return replace(options, **{name: state["setting"][name] for name in unsaid if name in state["setting"]})
