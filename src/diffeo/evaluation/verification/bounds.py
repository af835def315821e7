"""How near a layer's scales are to their bounds, and how well its matrix can be inverted."""

import math
from functools import singledispatch

import torch
from torch import Tensor

from diffeo.bijections import ActNorm, Bijection, Coupling, Inverse, InvertibleConv1x1, Split
from diffeo.bijections.actnorm import BOUND
from diffeo.bijections.conv1x1 import LOG_DIAGONAL_BOUND


@singledispatch
def nearness(layer: Bijection, x: Tensor, condition: Tensor | None) -> float | None:
    """The largest log-scale on `x` as a part of its bound, from 0 to 1; None for layers without a bound.

    A layer with a bound of its own joins by ``nearness.register``.

    Example:
        >>> import diffeo
        >>> with torch.no_grad():
        ...     nearness(diffeo.ActNorm(2), torch.zeros(1, 2), None)
        0.0
    """
    return None


@nearness.register
def _(layer: ActNorm, x: Tensor, condition: Tensor | None) -> float | None:
    return float((layer.raw_log_scale / BOUND).tanh().abs().max())


@nearness.register
def _(layer: InvertibleConv1x1, x: Tensor, condition: Tensor | None) -> float | None:
    return float((layer.raw_log_diagonal / LOG_DIAGONAL_BOUND).tanh().abs().max())


@nearness.register
def _(layer: Coupling, x: Tensor, condition: Tensor | None) -> float | None:
    bound = getattr(layer.elementwise, "bound", None)
    if not isinstance(bound, (int, float)) or not len(x):
        return None
    kept, changed = layer.partition.split(x)
    _, log_scale = layer.elementwise.encode(changed, layer.parameters_of(kept, condition))
    used = layer.partition.merge(torch.zeros_like(kept), log_scale.abs())
    return float(used.max() / bound)


@nearness.register
def _(layer: Split, x: Tensor, condition: Tensor | None) -> float | None:
    if layer.prior is None or not len(x):
        return None
    a, _ = x.chunk(2, 1)
    raw, _ = layer.prior(a, condition).chunk(2, 1)
    return float((raw / layer.gaussian.bound).tanh().abs().max())


@nearness.register
def _(layer: Inverse, x: Tensor, condition: Tensor | None) -> float | None:
    inner, _ = layer.encode(x, condition)
    used = [nearness(step.layer, step.x, condition) for step in layer.bijection.steps(inner, condition)]
    return max((value for value in used if value is not None), default=None)


def matrix_condition(layer: Bijection) -> float | None:
    """The condition number of a layer's square matrix, ``layer.weight()``; None for layers that have none."""
    weight = getattr(layer, "weight", None)
    try:
        matrix = weight() if callable(weight) else None
    except Exception:  # a user's method of that name may want arguments
        return None
    if not isinstance(matrix, Tensor) or matrix.dim() != 2 or matrix.shape[0] != matrix.shape[1]:
        return None
    if not bool(matrix.isfinite().all()):
        return math.inf
    condition = float(torch.linalg.cond(matrix.double()))
    return condition if math.isfinite(condition) else math.inf
