"""A layer's log_det against autograd: to rounding where it is exact, on average where it is an estimate."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.bijections import Bijection
from diffeo.evaluation.verification.jacobian import Volume, volume
from diffeo.evaluation.verification.report import Doubt, Fault

EPS = torch.finfo(torch.float64).eps
MOST_ROUNDING = 1e-3  # nats: a larger difference is never taken for rounding, but for what cannot be checked
ERRORS = 6  # standard errors that an estimate may be off by
CALLS, MOST_CALLS = 64, 256  # of a layer whose log_det is an estimate
FINE, COARSE = 0.01, 0.1  # nats a dimension: where more calls end, and where error bars hide too much


@dataclass(frozen=True)
class VolumeCheck:
    """A layer's log_det against autograd's; see :class:`LayerCheck` for the fields."""

    log_det: float
    log_det_error: float
    condition: float
    scatter: float | None = None


@dataclass(frozen=True)
class Said:
    """What a layer says of its log_det: of every row the mean of some calls, its error, and one call's deviation."""

    way: str
    mean: Tensor
    error: Tensor
    scatter: float
    calls: int


@contextmanager
def seeded(x: Tensor, seed: int) -> Iterator[None]:
    """Inside, what is drawn from torch's generators depends on the seed alone; outside, nothing changes."""
    with torch.random.fork_rng(devices=[x.device] if x.device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def volume_faults(
    name: str, layer: Bijection, x: Tensor, condition: Tensor | None, *, exact_up_to: int
) -> tuple[VolumeCheck, list[Fault]]:
    """log_det of every row against autograd, in float64; of one that is declared an estimate its mean, both ways."""
    worst, faults = VolumeCheck(0.0, 0.0, 1.0), []
    estimated = layer.log_det_kind == "estimated"
    said = _averages(layer, x, condition) if estimated else [_once(layer, x, condition)]
    scatter = max(each.scatter for each in said) if estimated else None
    for i, point in enumerate(x):
        c = None if condition is None else condition[i : i + 1]
        try:
            with seeded(x, i):
                found = volume(
                    lambda row, c=c: layer.encode(row, c)[0],  # type: ignore[misc]
                    point,
                    exact_up_to=exact_up_to,
                    rounding=10 * layer.tolerance * EPS,
                    seed=i,
                )
        except RuntimeError as raised:
            return worst, [Fault(name, "log-det", f"it cannot be compared with autograd: {raised}",
                                 "Let gradients pass through encode: no detach, no numbers by .item(), and no NaN "
                                 "from the side that torch.where leaves out")]  # fmt: skip
        for each in said:
            mean, error = float(each.mean[i]), math.hypot(float(each.error[i]), found.error)
            faults += _judged(name, each, mean, error, found, point.numel())
            worst = VolumeCheck(
                max(worst.log_det, _infinite(abs(mean - found.log_det))),
                max(worst.log_det_error, error),
                max(worst.condition, found.condition),
                scatter,
            )
    return worst, _first(faults)


def _once(layer: Bijection, x: Tensor, condition: Tensor | None) -> Said:
    rows = [layer.encode(x[i : i + 1], None if condition is None else condition[i : i + 1])[1] for i in range(len(x))]
    mean = torch.cat(rows)
    return Said("encode", mean, torch.zeros_like(mean), 0.0, 1)


def _averages(layer: Bijection, x: Tensor, condition: Tensor | None) -> list[Said]:
    """Of all rows at once, so that rows which depend on each other are seen; decode's with encode's sign."""
    with seeded(x, 0):
        z = layer.encode(x, condition)[0]
    said = []
    for way, rows, sign in (("encode", x, 1), ("decode", z, -1)):
        calls: list[Tensor] = []
        while len(calls) < MOST_CALLS:
            with seeded(x, len(calls) + 1):
                calls.append(sign * getattr(layer, way)(rows, condition)[1].double())
            if len(calls) % CALLS == 0 and ERRORS * float(_error(calls).max()) <= FINE * x[:1].numel():
                break
        mean, error = torch.stack(calls).mean(0), _error(calls)
        said.append(Said(way, mean, error, float(error.max()) * len(calls) ** 0.5, len(calls)))
    return said


def _error(calls: list[Tensor]) -> Tensor:
    return torch.stack(calls).std(0) / math.sqrt(len(calls))


def _judged(name: str, said: Said, mean: float, error: float, found: Volume, features: int) -> list[Fault]:
    """What is wrong with a log_det, or cannot be told."""
    varies = said.scatter > 1e-12 * max(1.0, abs(mean))
    bar = f" ± {error:.1g}" if error else ""
    what = f"decode's log_det, its sign turned, is {mean:.6g}" if said.way == "decode" else f"log_det is {mean:.6g}"
    if varies:
        what += f" on average over {said.calls} calls"
    elif said.calls > 1:
        what += " at every call (an estimate would vary)"
    told = f"{what}, autograd says {found.log_det:.6g}{bar} nats"
    advice = "Check the sign, the sum over dimensions, and that every scale is counted"
    if not math.isfinite(mean):
        return [Fault(name, "log-det", told, "Bound the layer's scales on both sides: no volume is 0 or infinite")]
    allowed = min(1e-8 * max(1.0, abs(mean)), MOST_ROUNDING) + ERRORS * error + (MOST_ROUNDING if varies else 0.0)
    if not found.low - allowed <= mean <= found.high + allowed:
        return [Fault(name, "log-det", told, advice)]
    if not abs(mean - found.log_det) <= allowed + MOST_ROUNDING:
        told += f"; the condition number of its Jacobian is {found.condition:.1e}, and rounding may explain that"
        return [Doubt(name, "log-det", told, "Bound its scales, so that float64 can tell it from a fault")]
    if not ERRORS * error <= COARSE * features:
        told = f"what is below {ERRORS * error:.2g} nats cannot be seen: {told}"
        return [Doubt(name, "log-det", told, "Lower the variance of the estimate, or raise exact_up_to")]
    return []


def _first(faults: list[Fault]) -> list[Fault]:
    """One is enough, and a fault says more than a doubt."""
    return sorted(faults, key=lambda fault: isinstance(fault, Doubt))[:1]


def _infinite(value: float) -> float:
    return math.inf if math.isnan(value) else value
