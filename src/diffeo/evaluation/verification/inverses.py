"""Is decode the inverse of encode, and is the one log_det minus the other? Asked of every row, in float64."""

from collections.abc import Iterator

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Split
from diffeo.evaluation.verification.report import Doubt, Fault
from diffeo.evaluation.verification.rounding import Unexplained, unexplained
from diffeo.evaluation.verification.subject import Condition, Rows, Subject, recorded

ROUND_TRIP, BACK = "decode(encode(x)) is off by {} of x's spread", "encode(decode(z)) is off by {} of z's spread"


def inverse_faults(
    name: str, layer: Bijection, x: Tensor, condition: Condition, *, beyond: bool = False
) -> Iterator[Fault]:
    """From data to noise and back. `beyond` the data, rows that leave a layer's range are no fault."""
    z, log_det = layer.encode(x.clone(), _copy(condition))
    back, back_log_det = layer.decode(z.clone(), _copy(condition))
    if beyond:
        inside = _finite(z) & _finite(back) & log_det.isfinite() & back_log_det.isfinite()
        x, z, log_det, back, back_log_det = (part[inside] for part in (x, z, log_det, back, back_log_det))
        condition = None if condition is None else condition[inside]
    if not len(x):
        return
    off = unexplained(layer.decode, z, condition, (back, back_log_det), (x, -log_det), tolerance=layer.tolerance)
    yield from _told(name, layer, off, ROUND_TRIP, "beyond the data" if beyond else "")


def noise_faults(subject: Subject, noise: Rows, names: dict[int, str]) -> list[Fault]:
    """From noise to data and back: what an encode of data cannot show, since it never gets there."""
    bijection, condition = subject.bijection(subject.wide), subject.embedded(subject.wide, noise)
    faults: list[Fault] = []
    with recorded(bijection, "decode") as calls:
        bijection.decode(noise.y.double(), condition)
    for layer in bijection.modules():
        if not isinstance(layer, Bijection) or id(layer) not in names or type(layer) is Split:
            continue  # what a Split does by itself is seen on the way from data
        for z, x in calls.get(id(layer), []):
            try:
                again, log_det = layer.encode(x.clone(), _copy(condition))
            except Exception as error:  # a user's layer may raise anything
                return [Fault(names[id(layer)], "error", f"encode raised {type(error).__name__}: {error}",
                              "Run it by itself on what its decode gives")]  # fmt: skip
            inside = _finite(z) & _finite(x) & log_det.isfinite()  # where encode ends the support, so does the promise
            if not bool(inside.any()):
                continue
            c = None if condition is None else condition[inside]
            off = unexplained(
                layer.encode, x[inside], c, (again[inside], log_det[inside]), (z[inside], log_det[inside]),
                tolerance=layer.tolerance,
            )  # fmt: skip
            faults += [fault for fault in _told(names[id(layer)], layer, off, BACK, "on noise") if fault not in faults]
    return faults


def _told(name: str, layer: Bijection, off: Unexplained, words: str, where: str) -> Iterator[Fault]:
    worst, worst_det = float(off.values.max()), float(off.log_det.max())
    if worst > 0:
        yield Fault(name, "round trip", f"{words.format(f'{worst:.1e}')} in float64{_of(off.values, where)}",
                    "Make decode the exact inverse of encode")  # fmt: skip
    elif worst_det > 0 and layer.log_det_kind == "exact":
        yield Fault(name, "log-det", "decode's log_det is not minus encode's: they add up to "
                    f"{worst_det:.2g} nats{_of(off.log_det, where)}",
                    "Each direction returns the log-determinant of the direction run")  # fmt: skip
    elif off.doubtful and not where:
        told = "it enlarges errors so much that rounding may explain what is left of a round trip in float64"
        yield Doubt(name, "round trip", told, "Bound its scales, so that float64 can tell it from a fault")


def _of(off: Tensor, where: str) -> str:
    """Which rows, where not all."""
    wrong = int((off > 0).sum())
    count = "" if wrong == len(off) else f"{wrong} of {len(off)} rows"
    told = " ".join(part for part in (count, where) if part)
    return f" ({told})" if told else ""


def _finite(x: Tensor) -> Tensor:
    return x.isfinite().flatten(1).all(1)


def _copy(condition: Condition) -> Condition:
    return None if condition is None else condition.clone()


def names_of(subject: Subject, rows: Rows) -> dict[int, str]:
    """What the layers are called, by their id."""
    with torch.no_grad():
        return {id(step.layer): step.name for step in subject.steps(subject.wide, rows)[0]}
