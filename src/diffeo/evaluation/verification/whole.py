"""What is promised by the whole and by no layer: that the parts add up, that the density does, that it can be used."""

import sys
from collections.abc import Iterable

import torch
from torch import Tensor

from diffeo.evaluation.verification.log_det import seeded
from diffeo.evaluation.verification.mass import MOST_FEATURES, Mass, mass
from diffeo.evaluation.verification.report import Fault, SourceCheck
from diffeo.evaluation.verification.subject import Rows, Subject

UNLIKELY = "unlikely"  # what the ascent finds where the flow expects no data
DRIFT = 1e-3  # nats a dimension, float32 against float64


def composition_faults(subject: Subject, rows: Rows) -> list[Fault]:
    """Whether the steps add up to encode, and encode and base to log_prob."""
    if not subject.flow:
        return []
    flow, few = subject.wide, rows.take(slice(0, 32))
    y, noise, condition = few.y.double(), None, subject.embedded(flow, few)
    if subject.door is not None:
        noise = torch.full_like(y, 0.5)
        y = subject.door.encode(subject.door.decode(y), noise)
    with seeded(y, 0):  # the same draws each time, where a log_det is an estimate
        z, log_det = flow.bijection.encode(y, condition)
    with seeded(y, 0):
        steps = list(flow.bijection.steps(y, condition))
    total = sum((step.log_det for step in steps), torch.zeros_like(log_det))
    faults = []
    size = log_det.abs().max().clamp(min=1.0)
    if steps and not (float((total - log_det).abs().max() / size) <= 1e-9 and torch.allclose(steps[-1].z, z)):
        faults.append(Fault("flow", "composition", "the layers' steps do not add up to encode",
                            "Let steps yield exactly what encode does"))  # fmt: skip
    x = y if subject.door is None else subject.door.decode(y)
    c = few.condition if few.condition is None or not few.condition.is_floating_point() else few.condition.double()
    with seeded(y, 0):
        log_prob = flow.log_prob(x, c, noise)
    difference = (log_prob - (flow.base.log_prob(z) + log_det)).abs().max()
    if not float(difference / size) <= 1e-9:
        told = f"log_prob differs from base + log_det by {float(difference):.1e} nats"
        advice = "Do not override log_prob: put what it adds into a layer or the base"
        faults.append(Fault("flow", "composition", told, advice))
    return faults


def total_mass(subject: Subject, rows: Rows, seed: int) -> Mass | None:
    """The integral of the density, given the first row's condition; None where it cannot be taken."""
    if not subject.flow or subject.door is not None or _why_no_mass(subject):
        return None
    one = None if rows.condition is None else rows.condition[:1]
    many = None if one is None else one.expand(20_000, *one.shape[1:])
    noise = subject.noise(20_000, many, seed)
    samples = noise if isinstance(noise, Fault) else subject.draw(noise)
    if isinstance(samples, Fault):
        return None
    y = samples.y.flatten(1)[samples.y.flatten(1).isfinite().all(1)]

    def log_density(points: Tensor) -> Tensor:
        c = None if one is None else one.expand(len(points), *one.shape[1:])
        some = Rows("grid", points.view(-1, *subject.shape), c, torch.arange(len(points)))
        return subject.log_density(subject.own, some)

    return mass(log_density, y, seed=seed)


def mass_faults(total: Mass | None, features: int) -> list[Fault]:
    """A fault, if the integral has converged and is off by more than a grid or the error of sampling explains."""
    if total is None or total.doubt:
        return []
    off, allowed = abs(total.value - 1), max(0.02 if features <= 2 else 0.1, 6 * total.error)
    if off <= allowed:
        return []
    told = f"the density integrates to {total.value:.4f}, not to 1"
    advice = "Where every log_det is right, look at the base's log_prob, or at regions that decode never reaches"
    return [Fault("flow", "mass", told, advice)]


def mass_notes(total: Mass | None, subject: Subject) -> Iterable[str]:
    """Why the integral says nothing, or was not taken."""
    if total is not None and total.doubt:
        yield f"the integral of the density is not conclusive, and no fault: {total.doubt}"
    elif total is None and subject.flow and subject.door is None:
        why = _why_no_mass(subject) or "of samples in fewer dimensions than x has"
        yield f"the integral of the density is not taken {why}"


def _why_no_mass(subject: Subject) -> str:
    if subject.features > MOST_FEATURES:
        return f"beyond {MOST_FEATURES} dimensions"
    if subject.bijection(subject.own).log_det_kind == "estimated":
        return "of a log density that is an estimate: its exponential is too large on average"
    return ""


def weaknesses_of(checks: list[SourceCheck], accept: float, subject: Subject) -> Iterable[Fault]:
    """What rounding explains, and makes the flow unfit for use all the same.

    Inputs that the flow finds unlikelier than any other row must only be finite and, as integers, come back right:
    see :func:`cautions_of`.
    """
    cure = "Train again with a lower bound of its scales, or more weight decay"
    if subject.dtype == torch.float32:
        cure = "Use the flow in float64 (flow.double()), or train again with a lower bound of its scales"
    for check in checks:
        far = check.name == UNLIKELY
        if check.wrong_values:
            yield Fault(check.worst_layer, "round trip", f"{check.wrong_values} values of {check.rows} rows "
                        f"({check.name}) come back wrong", cure)  # fmt: skip
        elif check.wrong_values is None and not check.relative <= (sys.float_info.max if far else accept):
            yield Fault(check.worst_layer, "round trip", f"{check.name} come back with errors up to "
                        f"{check.relative:.1e} standard deviations, more than {accept:g}", cure)  # fmt: skip
        if _drifts(subject) and not check.drift <= (sys.float_info.max if far else DRIFT * subject.features):
            told = f"log p of {check.name} in float32 is off by {check.drift:.2g} nats"
            yield Fault(check.worst_layer, "drift", told, "Score in float64: flow.double()")


def cautions_of(checks: list[SourceCheck], accept: float, radius: float, subject: Subject) -> Iterable[str]:
    """What cannot be relied on for inputs that no data is like, as an adversary would choose them."""
    for check in (check for check in checks if check.name == UNLIKELY):
        found = []
        if check.wrong_values is None and not check.relative <= accept:
            found.append(f"come back with errors up to {check.relative:.1e} standard deviations")
        if _drifts(subject) and not check.drift <= DRIFT * subject.features:
            found.append(f"have a log p that is off by up to {check.drift:.2g} nats in float32")
        if found:
            cure = ": score and invert in float64 (flow.double())" if subject.dtype != torch.float64 else ""
            yield (
                f"within {radius:g} standard deviations of data there are inputs, unlikelier than every row of data "
                f"and samples, that {' and '.join(found)}. Do not rely on those if an adversary chooses the "
                f"inputs{cure}"
            )


def _drifts(subject: Subject) -> bool:
    """Whether float32 against float64 is more than the scatter of an estimate."""
    return subject.dtype == torch.float32 and subject.bijection(subject.own).log_det_kind == "exact"
