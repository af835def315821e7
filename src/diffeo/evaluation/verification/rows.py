"""Which rows a flow is verified on: data, samples, and inputs that are looked for because they come back badly."""

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Chain
from diffeo.evaluation.verification.adversarial import worst_inputs
from diffeo.evaluation.verification.arguments import condition_rows
from diffeo.evaluation.verification.few_rows import telling
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.subject import Rows, Subject, failed, innermost, raised, recorded
from diffeo.flow import Flow

GRADIENTS = "Let gradients pass through both directions: no detach, no numpy, no numbers by .item()"


def given_rows(
    flow: Flow | Bijection, subject: Subject, x: Tensor | None, condition: Any, rows: int, seed: int
) -> Rows | None:
    """Some of the rows that the user gives, on the continuous side of the door; None if there are none."""
    if x is None:
        if not isinstance(flow, Flow):
            raise ValueError(f"verify: a {type(flow).__name__} by itself needs data to be run on. Pass x=")
        return None
    if not len(x):
        raise ValueError("verify: x has no rows. Leave it out to verify on samples")
    x = x.to(subject.device)
    which = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:rows].sort().values.to(x.device)
    c = condition_rows(flow, condition, subject.device, len(x))
    if isinstance(flow, Flow):
        flow.check(x, c)
    if c is not None:
        c = (c.expand(len(x), *c.shape[1:]) if len(c) == 1 else c)[which]
    y = x[which].to(subject.dtype) + (0.0 if subject.door is None else 0.5)  # the middle of the cell
    broken = (~y.isfinite().flatten(1).all(1)).nonzero().flatten()
    if len(broken):
        raise ValueError(
            f"verify: {len(broken)} of {len(y)} rows hold NaN or infinity (the first: {int(which[broken[0]])})"
        )
    return Rows("data", y, c, which.cpu())


def condition_of_samples(
    flow: Flow | Bijection, subject: Subject, given: Rows | None, condition: Any, rows: int
) -> Tensor | None:
    """What the samples are conditioned on: what the data is, or every class in turn."""
    if given is not None:
        c = given.condition
        return None if c is None else c[torch.arange(rows, device=c.device) % len(c)]
    c = condition_rows(flow, condition, subject.device, None)
    if not isinstance(flow, Flow) or not flow.conditional:
        return None
    if c is not None:
        return c[torch.arange(rows, device=c.device) % len(c)]
    classes = getattr(flow.embedding, "classes", None)
    if classes is None:
        raise ValueError(f"verify: this {subject.name} is conditioned. Pass condition=, one row or one for each of x")
    turns: Tensor = torch.arange(rows, device=subject.device) % classes
    return turns


def inside(subject: Subject, rows: Rows, faults: list[Fault], notes: list[str]) -> list[Rows]:
    """The rows that are finite and inside the support, as one source; none, if there are no such rows."""
    finite = rows.y.isfinite().flatten(1).all(1)
    if not bool(finite.all()):
        told = f"{int((~finite).sum())} of {len(rows)} {rows.name} are not finite"
        if subject.flow:
            advice = (
                "Lower the bound of a scale that is too large, or the learning rate. A layer whose decode takes an "
            )
            advice += "interval only cannot be the last before the base"
            faults.append(Fault("flow", "finite", told + _first_broken(subject, rows.take(~finite)), advice))
        else:
            notes.append(f"{told}, and are left out: they lie outside what encode gives")
        rows = rows.take(finite)
    try:
        inside = torch.cat([subject.log_density(subject.own, part) for part in subject.chunks(rows)]) > -math.inf
    except Exception:  # the layer is found, and named, by the checks of layers
        return [rows]
    may_be_none = rows.name == "samples" and not subject.flow  # then there is data as well
    if inside.shape == (len(rows),) and not bool(inside.all()) and (bool(inside.any()) or may_be_none):
        notes.append(
            f"{rows.name}: {int((~inside).sum())} of {len(rows)} rows lie outside the support and are left out"
        )
        rows = rows.take(inside)
    return [rows] if len(rows) else []


def _first_broken(subject: Subject, rows: Rows) -> str:
    """Whose decode made a row of samples infinite or NaN, in words."""
    bijection, few = subject.bijection(subject.own), rows.take(slice(0, 1))
    if few.latent is None:
        return ""
    with recorded(bijection, "decode") as calls:
        bijection.decode(few.latent, subject.embedded(subject.own, few))
    broken = {
        key for key, results in calls.items()
        for z, x in results if bool(z.isfinite().all()) and not bool(x.isfinite().all())
    }  # fmt: skip
    return f", from {innermost(bijection, broken)} on" if broken else ""


def stretched_rows(subject: Subject, rows: Rows, seed: int) -> Rows:
    """Rows further from the mean than the data, 1.5 and 3 times, of what is inside the support."""
    most = max(8, min(128, 2**15 // max(1, subject.features)))
    some = rows.take(telling(rows.y, rows.condition, most, seed))
    factor = torch.tensor([1.5, 3.0]).to(rows.y)[torch.arange(len(some), device=rows.y.device) % 2]
    mean = rows.y.mean(0)
    y = mean + factor.view(-1, *[1] * mean.dim()) * (some.y - mean)
    low, high = rows.y.amin(0), rows.y.amax(0)
    if subject.door is not None:
        y = y.floor().clamp(0, subject.door.values - 1) + 0.5
    elif _domain(subject) != "real":
        y = torch.minimum(torch.maximum(y, low), high)
    else:  # what has one sign only may be taken the logarithm of
        y = torch.where(low >= 0, torch.maximum(y, low), torch.where(high <= 0, torch.minimum(y, high), y))
    return Rows("stretched", y, some.condition, some.numbers)


def _domain(subject: Subject) -> str:
    """Of the first layer."""
    layer = subject.bijection(subject.wide)
    while isinstance(layer, Chain) and len(layer):
        layer = next(iter(layer))
    return layer.domain


def adversarial_rows(
    subject: Subject, rows: Rows, errors: Tensor, spread: Tensor, *, radius: float, steps: int, seed: int
) -> Rows | Fault:
    """The rows that come back worst, moved to where they come back worse; if a layer raises, the fault instead."""
    few = rows.take(errors.argsort(descending=True)[: max(2, min(16, 2**14 // max(1, subject.features)))])
    bijection, condition = subject.bijection(subject.wide), subject.embedded(subject.wide, few)
    eps = torch.finfo(subject.dtype).eps

    def round_trip(y: Tensor, direction: Tensor) -> Tensor:
        z, log_det = bijection.encode(y, condition)
        moved = z + eps * z.detach().abs().clamp(min=1) * direction.reshape(z.shape)
        back, back_log_det = bijection.decode(moved, condition)
        outside = (log_det.isinf() | back_log_det.isinf()).view(-1, *[1] * (back.dim() - 1))
        return back.masked_fill(outside, math.nan)

    ends = (None, None) if subject.door is None else (0.5, subject.door.values - 0.5)
    try:
        y = worst_inputs(round_trip, few.y.double(), radius=radius * spread.double(), low=ends[0], high=ends[1],
                         steps=steps, seed=seed)  # fmt: skip
    except Exception:  # a user's layer may raise anything
        if fault := _undifferentiable(subject, few):
            return fault
        raise
    y = y if subject.door is None else y.floor() + 0.5
    return Rows("adversarial", y.to(subject.dtype), few.condition, few.numbers)


def _undifferentiable(subject: Subject, rows: Rows) -> Fault | None:
    """The layer, if any, that raises where gradients are asked for."""
    bijection, condition = subject.bijection(subject.wide), subject.embedded(subject.wide, rows)
    given = rows.y.double().requires_grad_()
    for way in ("encode", "decode"):
        with recorded(bijection, way) as calls, torch.enable_grad():
            try:
                given = getattr(bijection, way)(given, condition)[0]
            except Exception as error:  # as above
                fault = raised(failed(bijection, calls), way, error)
                return dataclasses.replace(fault, found=f"asked for gradients, {fault.found}", advice=GRADIENTS)
    return None


def spread_of(y: Tensor) -> Tensor:
    """Standard deviation of every dimension; of one that hardly varies, of all."""
    deviation = y.double().std(0, correction=0)
    typical = deviation.mean() if bool(deviation.mean() > 0) else deviation.new_ones(())
    return torch.where(deviation > 1e-3 * typical, deviation, typical).to(y)
