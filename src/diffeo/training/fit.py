"""The training loop, from the first batch to the best weights."""

import math
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from diffeo.data import Dataset, Part
from diffeo.flow import Flow
from diffeo.training.ema import EMA
from diffeo.training.order import batch_noise, batch_rows, generator, position_seed
from diffeo.training.progress import Progress
from diffeo.training.schedule import learning_rate

SKIPS_ALLOWED = 10  # steps without finite gradients, one after the other


class TrainingDiverged(RuntimeError):
    """Training came to nothing; the flow holds the best weights so far, if an epoch was completed."""


@dataclass
class Fit:
    """What a training did.

    Attributes:
        history: one record an epoch: step, epoch, train and validation loss, learning rate, gradient norm, seconds.
        unit: of the losses: ``"bits/dim"`` for integers, ``"nats"`` (negative log-likelihood) otherwise.
        best: the record whose averaged weights the flow has now.
        steps: how many were taken.
        skipped: how many of them were left out, since their gradients were not finite.
        seconds: how long it took.
        stopped: why it ended.
    """

    unit: str
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)
    steps: int = 0
    skipped: int = 0
    seconds: float = 0.0
    stopped: str = "all epochs done"


def fit(
    flow: Flow,
    data: Tensor | Dataset,
    condition: Tensor | None = None,
    *,
    validation: tuple[Tensor, Tensor | None] | Tensor | None = None,
    epochs: int = 50,
    batch_size: int = 128,
    lr: float = 1e-3,
    weight_decay: float = 1e-5,
    warmup: int | None = None,
    clip: float = 1.0,
    ema: float = 0.999,
    patience: int | None = 20,
    seed: int = 0,
    progress: bool = True,
    on_epoch: Callable[[dict[str, float], bool], None] | None = None,
) -> Fit:
    r"""Maximise the likelihood of `data`, and leave the flow with its best weights, in evaluation mode.

    The loss is :math:`-\frac1B \sum_i \log p(x_i)`, in bits a dimension for integers and in nats otherwise.
    AdamW with warm-up and a cosine, gradients clipped by their norm, an average of the weights (EMA) that
    is evaluated on the validation part after every epoch; the best average is what the flow ends with.
    Batch order, noise and dropout are functions of (seed, step); the global generator is left alone. A step
    whose gradients are not finite is left out.

    Args:
        flow: the flow; initialized from the training rows if it is not yet.
        data: ``(N, *shape)``, or a data set of :func:`diffeo.data.load`, whose parts are used.
        condition: for a tensor: ``(N, ..)``; a data set's labels are used where the flow takes classes.
        validation: for a tensor: rows to choose the best weights by (with a condition: a pair); a tenth of
            `data`, by seed, if not given.
        epochs: passes over the training rows.
        batch_size: rows a step.
        lr: largest learning rate.
        weight_decay: on the weights of linear and convolutional layers; on nothing else.
        warmup: steps up to `lr`; a twentieth of all, at most 500, if not given.
        clip: largest norm of the gradient of the loss, in the unit that is shown.
        ema: decay of the average.
        patience: epochs without a better validation loss before it ends; None to never end early.
        seed: of order and noise.
        progress: show a line with loss and speed.
        on_epoch: called with each record, and whether it is the best so far, while the flow has the
            averaged weights.

    Raises:
        ValueError: if an option or the data does not fit; nothing has been changed then.
        TrainingDiverged: if ten steps in a row have no finite gradients.

    Example:
        >>> import diffeo
        >>> _ = torch.manual_seed(0)
        >>> flow = diffeo.RealNVP(2, couplings=4, width=16)
        >>> result = fit(flow, diffeo.data.load("moons"), epochs=2, progress=False)
        >>> result.history[1]["validation"] < result.history[0]["validation"]
        True
    """
    train, held_out = _parts(flow, data, condition, validation, seed)
    _check_options(epochs, batch_size, lr, weight_decay, clip, ema, patience)
    flow.check(train.x, train.labels)
    flow.check(held_out.x, held_out.labels)
    if not len(held_out):
        raise ValueError("fit: the validation part has no rows")
    for part, name in ((train, "training"), (held_out, "validation")):
        _check_finite(part.x, f"{name} rows")
        if part.labels is not None:
            _check_finite(part.labels, f"{name} conditions")
    rows = len(train)
    batch_size = min(batch_size, rows)
    per_epoch = max(1, rows // batch_size)
    steps = epochs * per_epoch
    warmup = min(500, steps // 20) if warmup is None else warmup
    scale = 1.0 if flow.door is None else 1 / (math.prod(flow.shape) * math.log(2))  # nats a row to the unit shown

    x, labels = train.x.to(flow.device), _to(train.labels, flow)
    if not flow.initialized:
        mixed = torch.randperm(rows, generator=generator("initialize", seed)).to(x.device)
        flow.initialize(x[mixed], None if labels is None else labels[mixed], generator=generator("initial noise", seed))
    optimizer = torch.optim.AdamW(_groups(flow, weight_decay), lr=lr, fused=_can_fuse(flow))
    average = EMA(flow, ema)
    parameters = [parameter for parameter in flow.parameters() if parameter.requires_grad]
    result = Fit("nats" if flow.door is None else "bits/dim")
    best_state: dict[str, Tensor] | None = None
    since_best, skips_in_a_row = 0, 0
    finite_before: Tensor | None = None  # of the step before: read one step late, so the device never waits
    started = time.perf_counter()

    shown = Progress(steps, rows_a_step=batch_size, unit=result.unit) if progress else nullcontext()
    with torch.random.fork_rng([flow.device] if flow.device.type == "cuda" else []), shown as bar:
        for step in range(steps):
            if step % per_epoch == 0:
                flow.train()
                total, counted = x.new_zeros((), dtype=flow.dtype), x.new_zeros((), dtype=flow.dtype)
            chosen = batch_rows(step, rows, batch_size, seed).to(x.device)
            batch = x[chosen]
            noise = None if flow.door is None else batch_noise(step, batch, flow.dtype, seed)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, lr, warmup)

            torch.manual_seed(position_seed("dropout", seed, step))
            loss = -flow(batch, None if labels is None else labels[chosen], noise).mean() * scale
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters, clip)
            finite = norm.isfinite() & loss.detach().isfinite()
            optimizer.found_inf = (~finite).to(torch.float32)  # type: ignore[attr-defined]
            optimizer.step()
            average.update(step)

            total += torch.where(finite, loss.detach(), 0.0)
            counted += finite
            if finite_before is not None:
                skips_in_a_row = 0 if bool(finite_before) else skips_in_a_row + 1
                result.skipped += not bool(finite_before)
            finite_before = finite
            if skips_in_a_row >= SKIPS_ALLOWED:
                _restore(flow, best_state)
                raise TrainingDiverged(
                    f"no finite gradients for {SKIPS_ALLOWED} steps up to step {step}, at learning rate "
                    f"{learning_rate(step, steps, lr, warmup):.2g}. Try a smaller lr, a smaller clip or a longer warmup"
                )
            if bar is not None:
                bar.step(step, total, counted)

            if (step + 1) % per_epoch == 0:
                with average.swapped():
                    loss_now = validation_loss(flow, held_out, scale, seed)
                    record = {
                        "step": step + 1,
                        "epoch": (step + 1) // per_epoch,
                        "train": float(total / counted),
                        "validation": loss_now,
                        "lr": learning_rate(step, steps, lr, warmup),
                        "gradient_norm": float(norm),
                        "seconds": time.perf_counter() - started,
                    }
                    result.history.append(record)
                    better = math.isfinite(loss_now) and loss_now < result.best.get("validation", math.inf)
                    if better:
                        result.best, since_best = record, 0
                        best_state = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
                    else:
                        since_best += 1
                    if on_epoch is not None:
                        on_epoch(record, better)
                if bar is not None:
                    bar.epoch(record, better)
                if patience is not None and since_best >= patience:
                    result.stopped = f"no better validation loss in {patience} epochs"
                    break

    result.skipped += not bool(finite)  # of the last step
    result.steps, result.seconds = step + 1, time.perf_counter() - started
    if best_state is None:
        raise TrainingDiverged(
            "no epoch ended with a finite validation loss. Try a smaller lr, or look for outliers in the data"
        )
    _restore(flow, best_state)
    if result.skipped:
        warnings.warn(
            f"{result.skipped} of {result.steps} steps had no finite gradients and were left out",
            stacklevel=2,
        )
    return result


@torch.no_grad()
def validation_loss(flow: Flow, part: Part, scale: float, seed: int) -> float:
    """The mean loss of a part, always with the same noise."""
    flow.eval()
    log_prob = flow.log_prob(
        part.x.to(flow.device),
        _to(part.labels, flow),
        generator=generator("validation", seed) if flow.door is not None else None,
        batch_size=max(1, 2**19 // math.prod(flow.shape)),
    )
    return -float(log_prob.double().mean()) * scale


def _parts(
    flow: Flow,
    data: Tensor | Dataset,
    condition: Tensor | None,
    validation: tuple[Tensor, Tensor | None] | Tensor | None,
    seed: int,
) -> tuple[Part, Part]:
    if isinstance(data, Dataset):
        if condition is not None or validation is not None:
            raise ValueError("fit: a data set brings its own labels and validation part; give tensors to choose them")
        labelled = flow.conditional
        return tuple(Part(p.x, p.labels if labelled else None) for p in (data.train, data.validation))  # type: ignore[return-value]
    if not isinstance(data, Tensor):
        raise TypeError(f"fit: expected a torch.Tensor or a data set, got {type(data).__name__}. Use torch.as_tensor")
    if len(data) < 2:
        raise ValueError(f"fit: at least two rows are needed, got {len(data)}")
    if condition is not None and len(condition) != len(data):
        raise ValueError(f"fit: {len(data)} rows of data, but {len(condition)} of conditions")
    if validation is not None:
        x, c = validation if isinstance(validation, tuple) else (validation, None)
        return Part(data, condition), Part(x, c)
    order = torch.randperm(len(data), generator=generator("validation split", seed)).to(data.device)
    held, kept = order[: max(1, len(data) // 10)], order[max(1, len(data) // 10) :]
    return (
        Part(data[kept], None if condition is None else condition[kept]),
        Part(data[held], None if condition is None else condition[held]),
    )


def _check_options(
    epochs: int, batch_size: int, lr: float, decay: float, clip: float, ema: float, patience: int | None
) -> None:
    wrong = {
        "epochs must be at least 1": epochs < 1,
        "batch_size must be at least 1": batch_size < 1,
        "lr must be positive": not 0 < lr < math.inf,
        "weight_decay must not be negative": not 0 <= decay < math.inf,
        "clip must be positive": not clip > 0,
        "ema must be in [0, 1)": not 0 <= ema < 1,
        "patience must be at least 1, or None": patience is not None and patience < 1,
    }
    for problem, present in wrong.items():
        if present:
            raise ValueError(f"fit: {problem}")


def _check_finite(x: Tensor, part: str) -> None:
    if x.is_floating_point():
        bad = (~x.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
        if bad:
            some = ", ".join(map(str, bad[:5])) + (", .." if len(bad) > 5 else "")
            raise ValueError(
                f"fit: {len(bad)} of {len(x)} {part} hold NaN or infinity (rows {some}). "
                f"Drop them: x[x.isfinite().flatten(1).all(1)]"
            )


def _groups(flow: Flow, decay: float) -> list[dict[str, Any]]:
    weights = {id(module.weight) for module in flow.modules() if isinstance(module, (nn.Linear, nn.Conv2d))}
    trained = [parameter for parameter in flow.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError("fit: the flow has no parameters to train")
    return [
        {"params": [p for p in trained if id(p) in weights], "weight_decay": decay},
        {"params": [p for p in trained if id(p) not in weights], "weight_decay": 0.0},
    ]


def _can_fuse(flow: Flow) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps", "xpu") for p in flow.parameters())


def _to(labels: Tensor | None, flow: Flow) -> Tensor | None:
    return None if labels is None else labels.to(flow.device)


def _restore(flow: Flow, state: dict[str, Tensor] | None) -> None:
    if state is not None:
        flow.load_state_dict(state)
    flow.eval()
