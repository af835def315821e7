"""The promises of one layer, tested on the rows that reach it."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Flatten, Split, Step
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.rounding import Run, unexplained
from diffeo.evaluation.verification.side_effects import impure, remembered
from diffeo.evaluation.verification.subject import checked, raised

ALONE = "Every batch must do, also of one row: no squeeze, no statistics of the batch"


def alone(step: Step) -> Bijection:
    """The layer of a step without the layers inside it, which have steps of their own."""
    layer = step.layer
    if type(layer) is Split:
        return Split(layer.shape, Flatten(layer.half_shape), layer.prior).to(step.x).eval()
    return layer


def structural_faults(
    name: str, layer: Bijection, fresh: Bijection, x: Tensor, condition: Tensor | None
) -> Iterator[Fault]:
    """What can be told without derivatives, in float64: shapes, purity, independent rows; `fresh` has never run."""
    results: list[tuple[Tensor, Tensor]] = []
    for way in ("encode", "decode"):
        given = results[0][0] if results else x
        try:
            result = checked(getattr(layer, way)(given, None if condition is None else condition.clone()), given)
        except Exception as error:  # a user's layer may raise anything
            yield raised(name, way, error)
            return
        if fault := _ill_formed(name, way, given, result, x):
            yield fault
            return
        results.append(result)
    (z, log_det), back = results
    looks: tuple[Callable[[], Iterator[Fault]], ...] = (
        partial(impure, name, layer, x, condition, z, log_det),
        partial(_coupled, name, layer, "encode", x, condition, (z, log_det)),
        partial(remembered, name, layer, fresh, x, condition, z),
        partial(_coupled, name, layer, "decode", z, condition, back),
    )
    for look in looks:
        faults = list(look())
        yield from faults
        if faults:  # what is run after that is run on other numbers
            return


def _ill_formed(name: str, way: str, given: Tensor, result: tuple[Tensor, Tensor], x: Tensor) -> Fault | None:
    """What is wrong with the shapes and dtypes of what a layer made of `given`; of encode's, with infinities too."""
    out, log_det = result
    if out[:1].numel() != given[:1].numel():
        told = f"{way} makes rows of {out[:1].numel()} numbers of rows of {given[:1].numel()}"
        return Fault(name, "shape", told, "A bijection keeps the number of dimensions. Integers enter by a door: "
                     "Quantizer")  # fmt: skip
    if way == "decode" and out.shape != x.shape:
        told = f"decode(encode(x)) has shape {tuple(out.shape)}, x had {tuple(x.shape)}"
        return Fault(name, "shape", told, "Let decode give back the shape that encode takes")
    if log_det.shape != given.shape[:1]:
        told = f"{way}'s log_det has shape {tuple(log_det.shape)}, not {tuple(given.shape[:1])}"
        return Fault(name, "shape", told, "Return one number a row: sum over all dimensions but the first")
    if out.dtype != given.dtype or log_det.dtype != given.dtype:
        told = f"{way} makes {out.dtype} and a log_det of {log_det.dtype} of {given.dtype}"
        return Fault(name, "dtype", told, "Make tensors by x.new_zeros(..) or zeros_like(x), and keep constants as "
                     "buffers")  # fmt: skip
    if way == "encode" and not bool(out.isfinite().all()):
        told = f"{int((~out.isfinite().flatten(1).all(1)).sum())} of {len(x)} rows are not finite"
        return Fault(name, "finite", told, "Bound the layer's scale on both sides")
    return None


def _coupled(
    name: str, layer: Bijection, way: str, rows: Tensor, condition: Tensor | None, whole: tuple[Tensor, Tensor]
) -> Iterator[Fault]:
    half = max(1, len(rows) // 2)
    advice = "Use no statistics of the batch (its mean, its norm, its largest entry), and no sum over dimension 0"
    run: Run = getattr(layer, way)
    parts = []
    for some in (slice(0, 1), slice(1, half), slice(half, None)):  # a batch of one is where many a layer breaks
        given = rows[some]
        if not len(given):
            continue
        try:
            part = checked(run(given, None if condition is None else condition[some]), given)
        except Exception as error:  # as above
            told = raised(name, way, error).found
            yield Fault(name, "rows", f"of a batch of {len(given)}, not of {len(rows)}: {told}", ALONE)
            return
        if part[1].shape != given.shape[:1]:
            told = f"{way}'s log_det has shape {tuple(part[1].shape)} of a batch of {len(given)}"
            yield Fault(name, "shape", told, ALONE)
            return
        parts.append(part)
    apart = (torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]))
    exact = layer.log_det_kind == "exact"  # an estimate differs between calls: its mean is compared with autograd's
    off = unexplained(run, rows, condition, apart, whole, tolerance=layer.tolerance)
    wrong = max(float(off.values.max()), float(off.log_det.max()) if exact else 0.0)
    if wrong > 0:
        yield Fault(name, "rows", f"{way} of a row depends on the other rows, by {wrong:.1e} of its spread", advice)
        return
    if len(rows) < 2:
        return
    broken = rows.clone()
    broken[-1] = torch.nan
    try:
        found = run(broken, condition)
    except (ValueError, RuntimeError):
        return  # it refuses what is not finite, which couples no rows
    most = None if condition is None else condition[:-1]
    off = unexplained(run, rows[:-1], most, (found[0][:-1], found[1][:-1]), (whole[0][:-1], whole[1][:-1]),
                      tolerance=layer.tolerance)  # fmt: skip
    spoiled = bool((off.log_det > 0).any()) if exact else not bool(found[1][:-1].isfinite().all())
    if spoiled or bool((off.values > 0).any()):
        yield Fault(name, "rows", f"a row of NaN spoils other rows in {way}", advice)
