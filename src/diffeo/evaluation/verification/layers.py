"""The promises of one layer, tested on the rows that reach it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Flatten, Split, Step
from diffeo.evaluation.verification.report import Doubt, Fault

SLACK = 1e-9  # of the largest entry, in float64: below it, rounding; a fault is far above
MOST_SLACK = 1e-6  # a larger error is never taken for rounding, but for what cannot be checked
EPS = torch.finfo(torch.float64).eps


def alone(step: Step) -> Bijection:
    """The layer of a step without the layers inside it, which have steps of their own."""
    layer = step.layer
    if type(layer) is Split:
        return Split(layer.shape, Flatten(layer.half_shape), layer.prior).to(step.x).eval()
    return layer


def structural_faults(name: str, layer: Bijection, x: Tensor, condition: Tensor | None) -> Iterator[Fault]:
    """What can be told without derivatives, in float64: shapes, purity, independent rows, and the inverse."""
    try:
        z, log_det = layer.encode(x, condition)
    except Exception as error:  # a user's layer may raise anything
        yield Fault(name, "error", f"encode raised {type(error).__name__}: {error}", "Run it by itself on these rows")
        return
    if z[:1].numel() != x[:1].numel():
        yield Fault(name, "shape", f"rows of {x[:1].numel()} numbers became rows of {z[:1].numel()}",
                    "A bijection keeps the number of dimensions. Integers enter by a door: Quantizer")  # fmt: skip
        return
    if log_det.shape != x.shape[:1]:
        yield Fault(name, "shape", f"log_det has shape {tuple(log_det.shape)}, not {tuple(x.shape[:1])}",
                    "Return one number a row: sum over all dimensions but the first")  # fmt: skip
        return
    if z.dtype != x.dtype or log_det.dtype != x.dtype:
        yield Fault(name, "dtype", f"{x.dtype} became z {z.dtype} and log_det {log_det.dtype}",
                    "Make tensors by x.new_zeros(..) or zeros_like(x), and keep constants as buffers")  # fmt: skip
        return
    if not bool(z.isfinite().all()):
        yield Fault(name, "finite", f"{int((~z.isfinite().flatten(1).all(1)).sum())} of {len(x)} rows are not finite",
                    "Bound the layer's scale on both sides")  # fmt: skip
        return
    try:
        layer.decode(z, condition)
    except Exception as error:  # as above
        yield Fault(name, "error", f"decode raised {type(error).__name__}: {error}", "Run it by itself on its own z")
        return
    for fault in _impure(name, layer, x, condition, z, log_det):
        yield fault
        if fault.promise == "input":  # what is run after that is run on other numbers
            return
    yield from _coupled(name, layer, x, condition, z, log_det)
    yield from _not_inverse(name, layer, x, condition, z, log_det)


def _impure(
    name: str, layer: Bijection, x: Tensor, condition: Tensor | None, z: Tensor, log_det: Tensor
) -> Iterator[Fault]:
    state = dict(layer.named_parameters()) | dict(layer.named_buffers())
    before = {key: tensor.clone() for key, tensor in state.items()}
    kept, kept_z = x.clone(), z.clone()
    given, given_z = x.clone(), z.clone()
    again = layer.encode(given, condition)[0]
    layer.encode(given.flip(0) + 0.1, None if condition is None else condition.flip(0))
    layer.decode(given_z, condition)
    third = layer.encode(given, condition)[0]
    if not torch.equal(given, kept) or not torch.equal(given_z, kept_z):
        which = "x" if not torch.equal(given, kept) else "z"
        yield Fault(name, "input", f"it changes the tensor {which} that it is given",
                    "Leave out operations in place (+=, *=, names that end in _)")  # fmt: skip
        return
    changed = [key for key, tensor in state.items() if not torch.equal(tensor, before[key])]
    if changed:
        names = [key.rpartition(".")[2] for key in changed[:3]]
        yield Fault(name, "state", f"evaluation changes {', '.join(names)}",
                    "Set what depends on data in initialize, and nowhere else")  # fmt: skip
    elif (wrong := max(_distance(again, z), _distance(third, z))) > SLACK:
        yield Fault(name, "state", f"the same rows give another z, by {wrong:.1e}",
                    "Keep no state between calls, and draw nothing inside")  # fmt: skip


def _coupled(
    name: str, layer: Bijection, x: Tensor, condition: Tensor | None, z: Tensor, log_det: Tensor
) -> Iterator[Fault]:
    half = max(1, len(x) // 2)
    advice = "Use no statistics of the batch (its mean, its norm, its largest entry), and no sum over dimension 0"
    ways = (("encode", x, z, log_det), ("decode", z, *layer.decode(z, condition)))
    for way, rows, whole, whole_det in ways:
        parts = [
            getattr(layer, way)(rows[some], None if condition is None else condition[some])
            for some in (slice(0, half), slice(half, None))
            if len(rows[some])
        ]
        apart, apart_det = (torch.cat([part[i] for part in parts]) for i in (0, 1))
        exact = layer.log_det_kind == "exact"  # an estimate differs between calls: its mean is compared with autograd's
        wrong = max(_distance(apart, whole), _distance(apart_det, whole_det) if exact else 0.0)
        if not wrong <= SLACK:
            yield Fault(name, "rows", f"{way} of a row depends on the other rows, by {wrong:.1e} of its size", advice)
            return
    for way, rows, whole, whole_det in ways:
        broken = rows.clone()
        broken[-1] = torch.nan
        try:
            found = getattr(layer, way)(broken, condition)
        except (ValueError, RuntimeError):
            continue  # it refuses what is not finite, which couples no rows
        near = [
            _distance(part[:-1], right[:-1]) <= SLACK for part, right in zip(found, (whole, whole_det), strict=True)
        ]
        if not exact:
            near[1] = bool(found[1][:-1].isfinite().all())
        if not all(near):
            yield Fault(name, "rows", f"a row of NaN spoils other rows in {way}", advice)
            return


def _not_inverse(
    name: str, layer: Bijection, x: Tensor, condition: Tensor | None, z: Tensor, log_det: Tensor
) -> Iterator[Fault]:
    back, back_log_det = layer.decode(z, condition)
    growth = inverse_growth(layer, z, condition, back)
    slack = max(SLACK, 100 * layer.tolerance * EPS * growth * float(z.abs().max().clamp(min=1)))
    error = _distance(back, x)
    if not error <= slack:
        yield Fault(name, "round trip", f"decode(encode(x)) is off by {error:.1e} of x's size in float64",
                    "Make decode the exact inverse of encode")  # fmt: skip
        return
    if not error <= MOST_SLACK:
        yield Doubt(name, "round trip", f"decode(encode(x)) is off by {error:.1e} of x's size in float64, which "
                    f"rounding may explain: decode enlarges an error of z {growth:.0e} times",
                    "Bound its scales, so that float64 can tell it from a fault")  # fmt: skip
    wrong = float((back_log_det + log_det).abs().max())
    size = max(1.0, float(log_det.abs().max()), x[0].numel())
    if layer.log_det_kind == "exact" and not wrong <= min(slack, MOST_SLACK) * size:
        kind = Doubt if wrong <= slack * size else Fault
        yield kind(name, "log-det", f"decode's log_det is not minus encode's: they add up to {wrong:.2g} nats",
                   "Each direction returns the log-determinant of the direction run")  # fmt: skip


def inverse_growth(layer: Bijection, z: Tensor, condition: Tensor | None, back: Tensor) -> float:
    """How much a small random error of z grows in decode, measured."""
    size = 1e-6 * float(z.abs().max().clamp(min=1))
    generator = torch.Generator().manual_seed(0)
    error = size * torch.randn(z.shape, generator=generator, dtype=torch.float64).to(z)
    try:
        moved = layer.decode(z + error, condition)[0] - back
    except (ValueError, RuntimeError):  # it refuses what no x is mapped to
        return 1.0
    return max(1.0, float(moved.flatten(1).norm(dim=1).max() / error.flatten(1).norm(dim=1).min().clamp(min=1e-30)))


def _distance(a: Tensor, b: Tensor) -> float:
    """Largest difference, by the largest entry of b or 1."""
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    return float((a - b).abs().max() / b.abs().max().clamp(min=1.0))
