"""The training loop, from the first batch to the best weights."""

import math
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from diffeo.data import Dataset
from diffeo.flow import Flow
from diffeo.options import check_seed
from diffeo.threads import computing_with, fastest
from diffeo.training import checkpoint
from diffeo.training.beginning import check_free
from diffeo.training.budget import PREPARING, affordable_steps, rounds, seconds_a_step, steps_left_in_time
from diffeo.training.checkpoint import Position
from diffeo.training.given import check_flow
from diffeo.training.interrupt import signals_as_wishes
from diffeo.training.lock import locked
from diffeo.training.options import CHECKPOINTS, STEPS_FILE, check_options
from diffeo.training.parts import architecture, fingerprint, layout, parts
from diffeo.training.precision import resolve
from diffeo.training.preparation import initialize, numbers_of_threads, probe
from diffeo.training.processes import accelerator_for, agreed
from diffeo.training.progress import Progress
from diffeo.training.result import Fit, TrainingDiverged
from diffeo.training.state import State
from diffeo.training.steplog import StepLog
from diffeo.training.steps import Steps, check_batch
from diffeo.training.stopwatch import Stopwatch
from diffeo.training.validation import validation_loss
from diffeo.warning import warn
from diffeo.writing import advising

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = Union[Tensor, TensorDataset, "NDArray[Any]"]
SKIPS_ALLOWED = 10  # steps without finite gradients, one after the other
ATTEMPTS = 4  # the first and three more, each from the last good checkpoint with half the learning rate


def fit(
    flow: Flow,
    data: Dataset | Rows,
    condition: "Tensor | NDArray[Any] | None" = None,
    *,
    validation: Rows | tuple[Rows, Rows] | None = None,
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
    threads: int | None = None,
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
    Batch order, noise and dropout are functions of (seed, attempt, step), and torch's global generator is left alone,
    so trainings may run in threads. Only where a flow has parts whose class is neither diffeo's nor torch.nn's, or
    torch's own dropout, which may draw from it, it is seeded at every step and put back behind it, for one training at
    a time: :class:`diffeo.Dropout` in the place of torch's needs none of that.

    A step whose gradients are not finite is left out and examined: which rows, layer and quantity. After ten in
    a row the training goes back to its last checkpoint, with half the learning rate and another order and noise;
    after three times it ends. Ctrl-C and SIGTERM end it after the step it is in.

    With a `folder`, checkpoints are written every two minutes and at the end of every epoch, and a training
    that was stopped, even by SIGKILL, goes on from there with ``resume=True``: with the same losses to the last
    digit, on the same machine with the same version of torch.

    Under torchrun every process takes its share of each batch; the steps are those of one process, up to
    rounding (dropout excepted).

    Args:
        flow: the flow; initialized from the training rows if it is not yet.
        data: ``(N, *shape)``, a tensor in the flow's precision or a numpy array, which is brought to it; a
            ``torch.utils.data.TensorDataset`` of these and their conditions; or a data set of
            :func:`diffeo.data.load`, whose parts are used.
        condition: for rows: ``(N, ..)``, for classes ``(N,)`` integers; a data set brings its own.
        validation: for rows: others to choose the best weights by (with a condition: a pair); a tenth of
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
        seed: of order and noise: a whole number from 0 to 2^64 - 1.
        precision: ``"float32"``; ``"bf16"`` for conditioners in bfloat16 while training, and only then;
            ``"auto"`` for bf16 where the flow is of images and the device computes in it.
        threads: how many to compute with on the CPU. If not given, and neither ``OMP_NUM_THREADS``,
            ``MKL_NUM_THREADS`` nor ``torch.set_num_threads`` says, as many as turn out to be fastest in a few steps
            that are measured and undone. A training that is resumed goes on with its own number: it decides the
            last digit.
        time_budget: seconds, of everything since the call: preparation, steps, validation, checkpoints, and what
            `on_epoch` does. A few steps are measured and undone, and the number of steps is fixed by it; at most
            `epochs`, if given. Preparation is to take a tenth: the flow starts from fewer rows where all would take
            too long, and where a single step takes a tenth that one is the measure. Should steps take longer than
            measured, there will be fewer: that is looked at with every checkpoint in the second half. A training
            that is resumed has used what it had used by its last checkpoint.
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
        ValueError: if an option or the data does not fit, or the data carries a graph; nothing has been changed then.
        TypeError: if the data is something else, such as a loader of batches; it says what to pass.
        FileNotFoundError: if there is nothing to resume.
        FileExistsError: if the folder holds more than the beginning of a training and `resume` is not set.
        DiskFull: if there is no room for a file; it names it, and the way on.
        FolderInUse: if another process trains in the folder now.
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
    began, watch, usual = time.perf_counter(), Stopwatch(), torch.get_num_threads()
    folder = None if folder is None else Path(folder)
    check_options(
        epochs=epochs, batch_size=batch_size, accumulate=accumulate, lr=lr, weight_decay=weight_decay, warmup=warmup,
        clip=clip, ema=ema, patience=patience, threads=threads, time_budget=time_budget,
        checkpoint_every=checkpoint_every, tracker=tracker, folder=folder, resume=resume,
    )  # fmt: skip
    seed = check_seed(seed, "fit")
    if folder is not None and not resume:
        check_free(folder)
    check_flow(flow)
    precision = resolve(precision, flow)
    train, held_out = parts(flow, data, condition, validation, seed)
    batch_size = min(batch_size, len(train))
    per_epoch = len(train) // batch_size
    epochs = 50 if epochs is None and time_budget is None else epochs
    accelerator = accelerator_for(flow.device, tracker, folder)
    check_batch(batch_size, accumulate, accelerator.num_processes)
    setting = {
        "epochs": epochs, "batch_size": batch_size, "accumulate": accumulate, "lr": lr, "weight_decay": weight_decay,
        "warmup": warmup, "clip": clip, "ema": ema, "patience": patience, "seed": seed, "precision": precision,
        "time_budget": time_budget, "training rows": fingerprint(train), "validation rows": fingerprint(held_out),
        checkpoint.LAYOUT: layout(flow), checkpoint.FLOW: architecture(flow), "torch": torch.__version__,
        "threads": threads, "processes": accelerator.num_processes,
    }  # fmt: skip
    result = Fit("nats" if flow.door is None else "bits/dim", precision=precision)
    bar = Progress(rows_a_step=batch_size, unit=result.unit, quiet=not (progress and accelerator.is_main_process))
    with ExitStack() as held:
        if folder is not None:
            held.enter_context(advising(lambda: _way_on(folder)))
        held.enter_context(torch.inference_mode(False))  # whatever the mode of the caller
        held.enter_context(torch.enable_grad())
        if folder is not None and folder.is_dir() and resume:
            held.enter_context(locked(folder))
        saved = checkpoint.matching(folder / CHECKPOINTS, setting) if folder is not None and resume else None

        # ---- how many threads may be the fastest, the flow, and what a step is
        numbers, a_row = numbers_of_threads(threads, saved, accelerator), 0.0
        number = numbers[0]
        if saved is None and (len(numbers) > 1 or time_budget is not None):
            number, a_row = probe(flow, train, numbers)
        with computing_with(number):
            if saved is None and not flow.initialized:
                bar.say("preparing: initializing the flow")
                initialize(flow, train, seed, budget=time_budget, a_row=a_row)
        scale = 1.0 if flow.door is None else 1 / (math.prod(flow.shape) * math.log(2))  # nats a row to the unit shown
        steps = Steps(
            flow, train, batch_size=batch_size, accumulate=accumulate, weight_decay=weight_decay, clip=clip, ema=ema,
            seed=seed, precision=precision, scale=scale, accelerator=accelerator, watch=watch,
        )  # fmt: skip

        # ---- where it starts
        start = Position(steps=epochs * per_epoch if epochs is not None else 0)
        state = State(steps, start, lr=lr, warmup=warmup, setting=setting, folder=folder)
        until = None if time_budget is None else began + PREPARING * time_budget
        if saved is None and (len(numbers) > 1 or until is not None):
            bar.say("preparing: measuring what a step takes" + ", and the best number of threads" * (len(numbers) > 1))
            trials = rounds(numbers, start.steps, until, accelerator)
            seconds = seconds_a_step(steps, flow, numbers, trials, first=number)
            number = fastest(seconds)
        setting["threads"] = result.threads = number
        held.enter_context(computing_with(number))
        if saved is not None:
            state.restore(saved)
        elif time_budget is not None:
            affordable = affordable_steps(seconds[number], steps, flow, held_out, scale, per_epoch, time_budget, began)
            start.steps = min(affordable, start.steps or affordable)
            bar.say(f"a step takes {seconds[number]:.2g} s: {start.steps:,} steps in the time budget")
        if len(numbers) > 1 or number != usual:
            bar.say(f"computing with {number} thread{'s' * (number > 1)}" + ", as it began" * (saved is not None))
        at = state.at
        if on_start is not None and accelerator.is_main_process:
            on_start()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder))
            if not resume:
                check_free(folder)  # another process may have been faster
        watch.seconds, watch.last = dict(at.timings), began
        watch.lap("preparation")
        started = began - at.seconds  # as if it had never stopped
        at.lost += time.perf_counter() - began
        steps_file = folder / STEPS_FILE if folder and accelerator.is_main_process else None
        log = StepLog(steps_file, at.step, accelerator.log, written=at.log)
        state.log = log
        if tracker is not None:
            accelerator.init_trackers(
                "diffeo", config={k: v for k, v in setting.items() if isinstance(v, (int, float, str))}
            )
        state.preserve()
        result.incidents = state.incidents
        bar.begin(at.steps, at.step)
        flow.train()

        # ---- the loop
        wish = held.enter_context(signals_as_wishes())
        held.enter_context(bar)
        retries = iter(range(at.attempt + 1, ATTEMPTS))  # beside the position, which going back restores: it runs out
        before: Tensor | None = None  # was the step before finite? Read one step late, so the device never waits
        while at.step < at.steps and not at.stopped:
            step = at.step
            loss, norm = steps.gradients(step, at.attempt)
            finite = loss.isfinite() & norm.isfinite()
            if before is not None:
                state.judge(step - 1, before)
            if at.in_a_row >= SKIPS_ALLOWED:
                attempt, cause = next(retries, None), state.incidents[-1] if state.incidents else ""
                lost = at.lost + time.perf_counter() - started
                state.restore(state.good)
                at, before = state.at, None
                if attempt is None:
                    state.settle()
                    raise TrainingDiverged(
                        f"no finite gradients for {SKIPS_ALLOWED} steps in a row, {ATTEMPTS} times, with the learning "
                        f"rate halved each time. The flow has its last good weights. {cause}"
                    )
                at.attempt, at.lost = attempt, lost - at.seconds
                bar.say(f"back to step {at.step}, with half the learning rate: {cause}")
                log.truncate(at.step, at.log)
                state.preserve()
                continue
            steps.update(step, state.rate(step), finite)
            before = finite
            state.losses += torch.stack([torch.where(finite, loss, 0.0), finite.to(loss)])
            log.add(step, loss, norm, state.rate(step))
            bar.step(step, state.losses)
            at.step, at.seconds = step + 1, time.perf_counter() - started

            if at.step % per_epoch == 0 or at.step == at.steps:
                state.judge(step, finite)
                before = None
                watch.lap("other")
                with steps.average.swapped():
                    record = {
                        "step": at.step,
                        "epoch": at.step // per_epoch if at.step % per_epoch == 0 else at.step / per_epoch,
                        "train": float(state.losses[0] / state.losses[1]),
                        "validation": validation_loss(flow, held_out, scale, seed, accelerator),
                        "lr": state.rate(step),
                        "gradient_norm": float(norm),
                        "seconds": at.seconds,
                        "attempt": at.attempt,
                    }
                    watch.lap("validation")
                    better = record["validation"] < at.best.get("validation", math.inf)  # never true of NaN
                    at.history.append(record)
                    at.since_best = 0 if better else at.since_best + 1
                    if better:
                        at.best = record
                        state.best = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
                    if on_epoch is not None and accelerator.is_main_process:
                        on_epoch(record, better)
                        watch.lap("pictures")
                accelerator.log({k: v for k, v in record.items() if k != "step"}, step=at.step)
                bar.epoch(record, better)
                flow.train()
                state.losses.zero_()
                if patience is not None and at.since_best >= patience:
                    at.stopped = f"no better validation loss in {patience} epochs"
            stop, due = agreed(wish.signal, time.monotonic() - state.preserved > checkpoint_every, step, accelerator)
            if stop or due or before is None:
                if before is not None:
                    state.judge(step, finite)
                    before = None
                at.seconds = time.perf_counter() - started
                if time_budget is not None:
                    left = steps_left_in_time(at, time_budget, accelerator)
                    at.steps = min(at.steps, max(left, at.step + (at.step % per_epoch > 0)))  # not without an end
                    bar.expect(at.steps)
                if not at.in_a_row:  # else the one before is the better place to return to
                    state.preserve()
            if stop and at.step < at.steps:
                result.interrupted = stop
                break
        log.flush()

    # ---- what it came to
    if tracker is not None:
        accelerator.end_training()
    watch.lap("other")
    result.history, result.best, result.steps, result.skipped = at.history, at.best, at.step, at.skipped
    result.seconds, result.timings, result.rollbacks = time.perf_counter() - started, watch.seconds, at.attempt
    state.settle()
    if result.interrupted is not None:
        result.stopped = f"stopped by {signal.Signals(result.interrupted).name} after step {at.step} of {at.steps}"
    elif not state.best:
        raise TrainingDiverged(
            "no epoch ended with a finite validation loss. Try a smaller lr, or look for outliers in the data"
        )
    else:
        done = "all epochs done" if epochs is not None and at.steps == epochs * per_epoch else "the time budget is used"
        result.stopped = at.stopped or done
    if result.skipped or result.rollbacks:
        back = f", and it went back to a checkpoint {result.rollbacks} time(s)" if result.rollbacks else ""
        found = f". {result.incidents[0]}" if result.incidents else ""
        warn(f"{result.skipped} of {result.steps} steps had no finite gradients and were left out{back}{found}")
    return result


def _way_on(folder: Path) -> str:
    begun = any((folder / CHECKPOINTS).glob("step-*"))
    return f"go on with fit(.., folder={str(folder)!r}, resume=True)" if begun else "call fit as before"
