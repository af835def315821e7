"""The promises of one layer, tested on the rows that reach it."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Flatten, Split, Step
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.rounding import Run, unexplained
from diffeo.evaluation.verification.state import impure, remembered


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
    try:
        z, log_det = layer.encode(x, None if condition is None else condition.clone())
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
        layer.decode(z, None if condition is None else condition.clone())
    except Exception as error:  # as above
        yield Fault(name, "error", f"decode raised {type(error).__name__}: {error}", "Run it by itself on its own z")
        return
    back = layer.decode(z, condition)
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


def _coupled(
    name: str, layer: Bijection, way: str, rows: Tensor, condition: Tensor | None, whole: tuple[Tensor, Tensor]
) -> Iterator[Fault]:
    half = max(1, len(rows) // 2)
    advice = "Use no statistics of the batch (its mean, its norm, its largest entry), and no sum over dimension 0"
    run: Run = getattr(layer, way)
    parts = [
        run(rows[some], None if condition is None else condition[some])
        for some in (slice(0, half), slice(half, None))
        if len(rows[some])
    ]
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
