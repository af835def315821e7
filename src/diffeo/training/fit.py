"""The training loop, from the first batch to the best weights."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from torch import Tensor
from torch.utils.data import TensorDataset

from diffeo.data import Dataset
from diffeo.flow import Flow
from diffeo.saving.options import check_seed
from diffeo.training.budget import Budget
from diffeo.training.epoch import Epochs
from diffeo.training.options import Options
from diffeo.training.processes import agreed
from diffeo.training.result import Fit, concluded
from diffeo.training.rollback import Rollback
from diffeo.training.start import started
from diffeo.training.task import checked

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = Union[Tensor, TensorDataset, "NDArray[Any]"]


def fit(
    flow: Flow,
    data: Dataset | Rows,
    condition: "Tensor | NDArray[Any] | None" = None,
    *,
    validation: Rows | tuple[Rows, Rows] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    lr: float | None = None,
    weight_decay: float = 1e-5,
    warmup: int | None = None,
    clip: float = 1.0,
    ema: float = 0.999,
    patience: int | None = 20,
    seed: int = 0,
    precision: str = "auto",
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
        epochs: passes over the training rows; if neither this nor a time budget is given, enough for 1,500 steps, and
            at least 10.
        batch_size: rows a step, of all processes together; if not given, 64 of images, and of other rows 64 to 1,024,
            about a five-hundredth of them.
        accumulate: parts that a process computes its share of a batch in, one after the other: saves memory.
        lr: largest learning rate; if not given 0.001, for batches above 64 of rows that are no images times the root
            of batch size / 64.
        weight_decay: on the weights of linear and convolutional layers; on nothing else.
        warmup: steps up to `lr`; a twentieth of all, at most 500, if not given.
        clip: largest norm of the gradient of the loss, in the unit that is shown.
        ema: decay of the average.
        patience: epochs without a better validation loss before it ends; None to never end early.
        seed: of order and noise: a whole number from 0 to 2^64 - 1.
        precision: ``"float32"``; ``"bf16"`` for conditioners in bfloat16 while training, and only then;
            ``"auto"`` for bf16 where the flow is of images and the device computes in it: there losses are others than
            in float32, in their third digit.
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
        resume: go on from the newest checkpoint in `folder`. Epochs, batch size, learning rate and precision that are
            not given are those of the training then.
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
    options = Options(
        epochs=epochs, batch_size=batch_size, accumulate=accumulate, lr=lr, weight_decay=weight_decay, warmup=warmup,
        clip=clip, ema=ema, patience=patience, seed=check_seed(seed, "fit"), precision=precision, threads=threads,
        time_budget=time_budget, folder=None if folder is None else Path(folder), resume=resume,
        checkpoint_every=checkpoint_every, tracker=tracker, progress=progress,
    )  # fmt: skip
    task = checked(flow, data, condition, validation, options)
    with started(task, on_start) as (steps, state, wish):
        epoch, budget, rollback = Epochs(state, on_epoch), Budget(state), Rollback(state)
        while not state.done:
            # a step: batch, noise and learning rate follow from its number alone
            at, step = state.at, state.at.step
            loss, norm = steps.gradients(step, at.attempt)
            state.judge()  # of the step before, so that the device never waits for a number of its own step
            if rollback.due:
                rollback.go_back()
                continue
            finite = loss.isfinite() & norm.isfinite()
            steps.update(step, state.rate(step), finite)
            state.count(loss, norm, finite)

            # the end of an epoch
            if ended := epoch.ended:
                state.judge()
                epoch.end(norm)

            # where it could go on from, and where it ends
            stop, due = agreed(wish.signal, state.due, step, task.accelerator)
            if stop or due or ended:
                state.judge()
                budget.look()
                if not at.in_a_row:  # else the one before is the better place to return to
                    state.preserve()
            if stop and at.step < at.steps:
                state.interrupted = stop
                break
    return concluded(state)
