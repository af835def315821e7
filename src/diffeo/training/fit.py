"""The training loop, from the first batch to the best weights."""

import math
import signal
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffeo.data import Dataset, Part
from diffeo.flow import Flow
from diffeo.training import checkpoint, recorder
from diffeo.training.budget import affordable_steps
from diffeo.training.checkpoint import Position
from diffeo.training.interrupt import signals_as_wishes
from diffeo.training.options import CHECKPOINTS, FLIGHT, STEPS_FILE, check_options
from diffeo.training.order import generator, position_seed
from diffeo.training.parts import fingerprint, layout, parts
from diffeo.training.precision import conditioners_in, resolve
from diffeo.training.processes import accelerator_for
from diffeo.training.progress import Progress
from diffeo.training.recorder import Incident
from diffeo.training.schedule import learning_rate
from diffeo.training.steplog import StepLog
from diffeo.training.steps import Steps
from diffeo.training.stopwatch import Stopwatch
from diffeo.training.validation import validation_loss

SKIPS_ALLOWED = 10  # steps without finite gradients, one after the other
ATTEMPTS = 4  # the first and three more, each from the last good checkpoint with half the learning rate
ASK_EVERY = 10  # steps, whether another process was told to stop


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


def fit(
    flow: Flow,
    data: Tensor | Dataset,
    condition: Tensor | None = None,
    *,
    validation: tuple[Tensor, Tensor | None] | Tensor | None = None,
    epochs: int | None = None,
    batch_size: int = 128,
    accumulate: int = 1,
    lr: float = 1e-3,
    weight_decay: float = 1e-5,
    warmup: int | None = None,
    clip: float = 1.0,
    ema: float = 0.999,
    patience: int | None = 20,
    seed: int = 0,
    precision: str = "float32",
    time_budget: float | None = None,
    folder: Path | str | None = None,
    resume: bool = False,
    checkpoint_every: float = 120.0,
    tracker: str | None = None,
    progress: bool = True,
    on_start: Callable[[], None] | None = None,
    on_epoch: Callable[[dict[str, float], bool], None] | None = None,
) -> Fit:
    r"""Maximise the likelihood of `data`, and leave the flow with its best weights, in evaluation mode.

    The loss is :math:`-\frac1B \sum_i \log p(x_i)`, in bits a dimension for integers and in nats otherwise.
    AdamW with warm-up and a cosine, gradients clipped by their norm, an average of the weights (EMA) that
    is evaluated on the validation part after every epoch; the best average is what the flow ends with.
    Batch order, noise and dropout are functions of (seed, attempt, step); the global generator is left alone.

    A step whose gradients are not finite is left out and examined: which rows, layer and quantity. After ten in
    a row the training goes back to its last checkpoint, with half the learning rate and another order and noise;
    after three times it ends. Ctrl-C and SIGTERM end it after the step it is in.

    With a `folder`, checkpoints are written every two minutes and at the end of every epoch, and a training
    that was stopped, even by SIGKILL, goes on from there with ``resume=True``: with the same losses to the last
    digit, on the same machine with the same number of threads and version of torch.

    Under torchrun every process takes its share of each batch; the steps are those of one process, up to
    rounding (dropout excepted).

    Args:
        flow: the flow; initialized from the training rows if it is not yet.
        data: ``(N, *shape)``, or a data set of :func:`diffeo.data.load`, whose parts are used.
        condition: for a tensor: ``(N, ..)``; a data set brings its own.
        validation: for a tensor: rows to choose the best weights by (with a condition: a pair); a tenth of
            `data`, by seed, if not given.
        epochs: passes over the training rows; 50 if neither this nor a time budget is given.
        batch_size: rows a step, of all processes together.
        accumulate: parts that a process computes its share of a batch in, one after the other: saves memory.
        lr: largest learning rate.
        weight_decay: on the weights of linear and convolutional layers; on nothing else.
        warmup: steps up to `lr`; a twentieth of all, at most 500, if not given.
        clip: largest norm of the gradient of the loss, in the unit that is shown.
        ema: decay of the average.
        patience: epochs without a better validation loss before it ends; None to never end early.
        seed: of order and noise.
        precision: ``"float32"``; ``"bf16"`` for conditioners in bfloat16 while training, and only then;
            ``"auto"`` for bf16 where the flow is of images and the device computes in it.
        time_budget: seconds. A few steps are measured and undone, and the number of steps is fixed by it; at
            most `epochs`, if given.
        folder: where to keep checkpoints, ``steps.csv`` with the loss of every step, and the flight recorder's
            finds.
        resume: go on from the newest checkpoint in `folder`.
        checkpoint_every: seconds between checkpoints.
        tracker: ``"tensorboard"`` or ``"wandb"``, by accelerate; needs a folder.
        progress: show a line with loss and speed.
        on_start: called when everything is checked, before the first step.
        on_epoch: called with each record, and whether it is the best so far, while the flow has the
            averaged weights.

    Raises:
        ValueError: if an option or the data does not fit; nothing has been changed then.
        FileNotFoundError: if there is nothing to resume.
        FileExistsError: if the folder holds a training and `resume` is not set.
        TrainingDiverged: if ten steps in a row have no finite gradients, for the fourth time.

    Example:
        >>> import diffeo
        >>> _ = torch.manual_seed(0)
        >>> flow = diffeo.RealNVP(2, couplings=4, width=16)
        >>> result = fit(flow, diffeo.data.load("moons"), epochs=2, progress=False)
        >>> result.history[1]["validation"] < result.history[0]["validation"]
        True
    """
    # ---- what is given, checked before anything is changed
    folder = None if folder is None else Path(folder)
    check_options(
        epochs=epochs, batch_size=batch_size, accumulate=accumulate, lr=lr, weight_decay=weight_decay, warmup=warmup,
        clip=clip, ema=ema, patience=patience, time_budget=time_budget, checkpoint_every=checkpoint_every,
        tracker=tracker, folder=folder, resume=resume,
    )  # fmt: skip
    precision = resolve(precision, flow)
    train, held_out = parts(flow, data, condition, validation, seed)
    batch_size = min(batch_size, len(train))
    per_epoch = len(train) // batch_size
    epochs = 50 if epochs is None and time_budget is None else epochs
    accelerator = accelerator_for(flow.device, tracker, folder)
    setting = {
        "epochs": epochs, "batch_size": batch_size, "accumulate": accumulate, "lr": lr, "weight_decay": weight_decay,
        "warmup": warmup, "clip": clip, "ema": ema, "patience": patience, "seed": seed, "precision": precision,
        "time_budget": time_budget, "training rows": fingerprint(train), "validation rows": fingerprint(held_out),
        "tensors of the flow": layout(flow), "torch": torch.__version__,
        "threads": torch.get_num_threads(), "processes": accelerator.num_processes,
    }  # fmt: skip
    saved = checkpoint.matching(folder / CHECKPOINTS, setting) if resume and folder is not None else None

    # ---- the flow, and what a step is
    watch = Stopwatch()
    if saved is None and not flow.initialized:
        mixed = torch.randperm(len(train), generator=generator("initialize", seed))
        first = Part(
            train.x[mixed].to(flow.device), None if train.labels is None else train.labels[mixed].to(flow.device)
        )
        flow.initialize(first.x, first.labels, generator=generator("initial noise", seed))
    scale = 1.0 if flow.door is None else 1 / (math.prod(flow.shape) * math.log(2))  # nats a row to the unit shown
    steps = Steps(
        flow, train, batch_size=batch_size, accumulate=accumulate, weight_decay=weight_decay, clip=clip, ema=ema,
        seed=seed, precision=precision, scale=scale, accelerator=accelerator, watch=watch,
    )  # fmt: skip
    losses = steps.x.new_zeros(2, dtype=flow.dtype)  # of the epoch so far: their sum, and how many
    best: dict[str, Tensor] = {}  # the averaged weights of the best validation loss

    def preserve() -> checkpoint.Checkpoint:
        """A checkpoint: kept in memory for a rollback, and on the disk if there is a folder."""
        at.timings = dict(watch.seconds)
        extra = {"losses": losses} | {f"best.{name}": tensor for name, tensor in best.items()}
        kept = checkpoint.capture(at, flow, steps.optimizer, steps.average, extra, setting)
        if folder is not None and accelerator.is_main_process:
            try:
                log.flush()
                checkpoint.write(kept, folder / CHECKPOINTS)
            except OSError as error:
                warnings.warn(f"no checkpoint could be written; training goes on without it: {error}", stacklevel=3)
        watch.lap("checkpoints")
        return kept

    def go_back(to: checkpoint.Checkpoint) -> Position:
        nonlocal best
        position, extra = checkpoint.restore(to, flow, steps.optimizer, steps.average)
        losses.copy_(extra.pop("losses"))
        best = {name.removeprefix("best."): tensor for name, tensor in extra.items()}
        return position

    def examine(step: int) -> None:
        """What was wrong with a step that was left out; the weights are still those that it had."""
        x, labels, noise, rows = steps.batch(step, at.attempt)
        torch.manual_seed(position_seed("dropout", seed, at.attempt, step, steps.shares[0].start))
        with conditioners_in(flow, precision):
            found = recorder.examine(
                flow, x, labels, noise, rows, step=step, attempt=at.attempt, lr=rate(step), precision=precision
            )
        result.incidents.append(found)
        if folder is not None and accelerator.is_main_process:
            recorder.keep(found, flow, x, labels, noise, rows, folder / FLIGHT)
        watch.lap("flight recorder")

    def rate(step: int) -> float:
        ramp = min(500, at.steps // 20) if warmup is None else warmup
        return learning_rate(step, at.steps, lr * 0.5**at.attempt, ramp)

    def judge(step: int, finite: Tensor) -> None:
        """Count a step that was left out, and examine it if the one before was good."""
        if bool(finite):
            at.in_a_row = 0
            return
        at.in_a_row, at.skipped = at.in_a_row + 1, at.skipped + 1
        if at.in_a_row == 1 and len(result.incidents) < recorder.MOST_KEPT:
            examine(step)

    # ---- where it starts
    result = Fit("nats" if flow.door is None else "bits/dim", precision=precision)
    at = Position(steps=epochs * per_epoch if epochs is not None else 0)
    if saved is not None:
        at = go_back(saved)
    elif time_budget is not None:
        affordable = affordable_steps(steps, flow, held_out, scale, per_epoch, time_budget)
        at.steps = min(affordable, at.steps or affordable)
    if on_start is not None and accelerator.is_main_process:
        on_start()
    watch.seconds = dict(at.timings)
    started = time.perf_counter() - at.seconds
    log = StepLog(folder / STEPS_FILE if folder and accelerator.is_main_process else None, at.step, accelerator.log)
    if tracker is not None:
        accelerator.init_trackers(
            "diffeo", config={k: v for k, v in setting.items() if isinstance(v, (int, float, str))}
        )
    good, preserved = preserve(), time.monotonic()
    bar = Progress(
        at.steps, rows_a_step=batch_size, unit=result.unit, done=at.step,
        quiet=not (progress and accelerator.is_main_process),
    )  # fmt: skip
    flow.train()

    # ---- the loop
    with torch.random.fork_rng([flow.device] if flow.device.type == "cuda" else []), signals_as_wishes() as wish, bar:
        before: Tensor | None = None  # was the step before finite? Read one step late, so the device never waits
        while at.step < at.steps and not at.stopped:
            step = at.step
            loss, norm = steps.gradients(step, at.attempt)
            finite = loss.isfinite() & norm.isfinite()
            if before is not None:
                judge(step - 1, before)
            if at.in_a_row >= SKIPS_ALLOWED:
                attempt, cause = at.attempt + 1, result.incidents[-1] if result.incidents else ""
                at = go_back(good)
                at.attempt, before = attempt, None
                if attempt == ATTEMPTS:
                    _finish(flow, best, steps)
                    raise TrainingDiverged(
                        f"no finite gradients for {SKIPS_ALLOWED} steps in a row, {ATTEMPTS} times, with the learning "
                        f"rate halved each time. The flow has its last good weights. {cause}"
                    )
                bar.say(f"back to step {at.step}, with half the learning rate: {cause}")
                log.truncate(at.step)
                good = preserve()
                continue
            steps.update(step, rate(step), finite)
            before = finite
            losses += torch.stack([torch.where(finite, loss, 0.0), finite.to(loss)])
            log.add(step, loss, norm, rate(step))
            bar.step(step, losses)
            at.step, at.seconds = step + 1, time.perf_counter() - started

            if at.step % per_epoch == 0 or at.step == at.steps:
                judge(step, finite)
                before = None
                watch.lap("other")
                with steps.average.swapped():
                    record = {
                        "step": at.step,
                        "epoch": at.step // per_epoch if at.step % per_epoch == 0 else at.step / per_epoch,
                        "train": float(losses[0] / losses[1]),
                        "validation": validation_loss(flow, held_out, scale, seed, accelerator),
                        "lr": rate(step),
                        "gradient_norm": float(norm),
                        "seconds": at.seconds,
                        "attempt": at.attempt,
                    }
                    watch.lap("validation")
                    better = record["validation"] < at.best.get("validation", math.inf)  # never true of NaN
                    at.history.append(record)
                    at.since_best = 0 if better else at.since_best + 1
                    if better:
                        at.best, best = record, {name: tensor.clone() for name, tensor in flow.state_dict().items()}
                    if on_epoch is not None and accelerator.is_main_process:
                        on_epoch(record, better)
                        watch.lap("pictures")
                accelerator.log({k: v for k, v in record.items() if k != "step"}, step=at.step)
                bar.epoch(record, better)
                flow.train()
                losses.zero_()
                if patience is not None and at.since_best >= patience:
                    at.stopped = f"no better validation loss in {patience} epochs"
            stop, due = _agreed(wish.signal, time.monotonic() - preserved > checkpoint_every, step, accelerator)
            if stop or due or before is None:
                if before is not None:
                    judge(step, finite)
                    before = None
                if not at.in_a_row:  # else the one before is the better place to return to
                    good, preserved = preserve(), time.monotonic()
            if stop and at.step < at.steps:
                result.interrupted = stop
                break

    # ---- what it came to
    log.flush()
    if tracker is not None:
        accelerator.end_training()
    watch.lap("other")
    result.history, result.best, result.steps, result.skipped = at.history, at.best, at.step, at.skipped
    result.seconds, result.timings, result.rollbacks = time.perf_counter() - started, watch.seconds, at.attempt
    _finish(flow, best, steps)
    if result.interrupted is not None:
        result.stopped = f"stopped by {signal.Signals(result.interrupted).name} after step {at.step} of {at.steps}"
    elif not best:
        raise TrainingDiverged(
            "no epoch ended with a finite validation loss. Try a smaller lr, or look for outliers in the data"
        )
    else:
        result.stopped = at.stopped or ("the time budget is used" if epochs is None else "all epochs done")
    if result.skipped or result.rollbacks:
        back = f", and it went back to a checkpoint {result.rollbacks} time(s)" if result.rollbacks else ""
        found = f". {result.incidents[0]}" if result.incidents else ""
        warnings.warn(
            f"{result.skipped} of {result.steps} steps had no finite gradients and were left out{back}{found}",
            stacklevel=2,
        )
    return result


def _agreed(number: int | None, due: bool, step: int, accelerator: Any) -> tuple[int | None, bool]:
    """The signal to stop, and whether a checkpoint is due: of several processes any one's word, asked now and then."""
    if accelerator.num_processes == 1:
        return number, due
    if step % ASK_EVERY:
        return None, False
    words = torch.tensor([number or 0, due], dtype=torch.float64, device=accelerator.device)
    told, due_anywhere = accelerator.reduce(words, "sum").tolist()
    return (number or signal.SIGTERM) if told else None, bool(due_anywhere)


@torch.no_grad()
def _finish(flow: Flow, best: dict[str, Tensor], steps: Steps) -> None:
    """Leave the flow with its best weights, or with the averages if no epoch was completed."""
    if best:
        flow.load_state_dict(best)
    else:
        for parameter, mean in zip(flow.parameters(), steps.average.averages, strict=True):
            parameter.copy_(mean)
    flow.eval()
