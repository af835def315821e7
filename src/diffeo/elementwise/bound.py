"""The symmetric bound that keeps every scale, and its inverse, finite."""

import torch
from torch import Tensor


def bounded(raw: Tensor, bound: float) -> Tensor:
    r""":math:`b \tanh(r / b)`: the identity near 0, never beyond :math:`\pm b`."""
    return bound * torch.tanh(raw / bound)


def unbounded(value: Tensor, bound: float) -> Tensor:
    """The raw number that :func:`bounded` turns into `value`; what lies beyond 99.9 % of the bound is clipped."""
    return bound * torch.atanh((value / bound).clamp(-0.999, 0.999))
