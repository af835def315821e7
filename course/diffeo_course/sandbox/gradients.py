"""Whether gradients pass through what a student wrote: values alone do not show a ``detach``."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from .calling import Answer, failed
from .network import Network

NO_NUMPY = "Can't call numpy"  # its advice, to detach, is the mistake


def reached(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """Of each thing returned, which of the arguments its gradient reaches: rows of 0 and 1; a conditioner's count too.

    What cannot be called with, or has no, gradients is an answer as well: `fault` "raised", and the error.
    """
    given: list[Any] = []
    leaves: list[Tensor] = []
    for argument in arguments:
        if isinstance(argument, Tensor) and not _chooses(argument):
            leaves.append(argument.clone().requires_grad_())
            given.append(leaves[-1].clone())  # what is changed in place may not be a leaf
        elif isinstance(argument, Network):
            parts = [getattr(argument, field.name).clone().requires_grad_() for field in fields(argument)]
            leaves += parts
            given.append(Network(*parts))
        else:
            given.append(argument)
    try:
        with torch.enable_grad():
            returned = function(*given)
            several = (returned,) if isinstance(returned, (Tensor, float, int)) else tuple(returned)
            rows = [_row(each, leaves) for each in several]
    except BaseException as error:
        if NO_NUMPY in str(error):
            return Answer([torch.zeros(1, len(leaves))], ["Tensor"])
        return failed(error)
    return Answer([torch.tensor(rows)], ["Tensor"])


def _chooses(x: Tensor) -> bool:
    """Whether it is a mask, a permutation or signs, which are never trained and may become truth values or indices."""
    return not x.is_floating_point() or bool(((x == 0) | (x.abs() == 1)).all())


def _row(output: object, leaves: list[Tensor]) -> list[float]:
    if not isinstance(output, Tensor) or not output.requires_grad:
        return [0.0] * len(leaves)
    found = torch.autograd.grad(output.sum(), leaves, retain_graph=True, allow_unused=True)
    return [float(each is not None and bool(each.any())) for each in found]
