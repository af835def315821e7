"""Refuse what cannot be verified, before any work is done."""

import math
from typing import Any

import torch
from torch import Tensor

from diffeo.bijections import Bijection
from diffeo.flow import Flow


def check_arguments(flow: Any, x: Any, **numbers: float) -> None:
    """Whether there is a flow or bijection, and data that fits it, and whether every number makes sense."""
    if not isinstance(flow, (Flow, Bijection)):
        raise TypeError(f"verify: a diffeo.Flow or diffeo.Bijection is needed, got {type(flow).__name__}")
    if x is not None and not isinstance(x, Tensor):
        raise TypeError(f"verify: x must be a tensor, got {type(x).__name__}. Use torch.as_tensor(x)")
    if x is not None and x.dim() < (1 if isinstance(flow, Flow) else 2):
        raise ValueError(f"verify: x must be rows, of shape (N, ..), got {tuple(x.shape)}. Use x[None] for one row")
    for name, least in (("rows", 2), ("ascent", 0), ("exact_up_to", 0)):
        if numbers[name] != int(numbers[name]) or numbers[name] < least:
            raise ValueError(f"verify: {name} must be a whole number of at least {least}, got {numbers[name]}")
    for name in ("accept", "radius"):
        if not 0 < numbers[name] < math.inf:
            raise ValueError(f"verify: {name} must be a positive number of standard deviations, got {numbers[name]}")


def condition_rows(flow: Flow | Bijection, condition: Any, device: torch.device, rows: int | None) -> Tensor | None:
    """A condition as a tensor with a batch dimension; `rows` is how many x has, if there is x."""
    if condition is None:
        return None
    c = torch.as_tensor(condition, device=device)
    if c.is_floating_point() and not bool(c.isfinite().all()):
        raise ValueError("verify: the condition holds NaN or infinity. Leave those rows out")
    if not isinstance(flow, Flow):
        if rows is not None and len(c) not in (1, rows):
            raise ValueError(f"verify: expected {rows} rows of conditions, or one for all, got {len(c)}")
        return c
    if not flow.conditional:
        raise ValueError(f"verify: this {type(flow).__name__} got a condition, but takes none. Leave it out")
    classes = getattr(flow.embedding, "classes", None)
    shape = flow.bijection.condition_shape or () if flow.embedding is None else getattr(flow.embedding, "shape", None)
    if shape is None and classes is None:
        return c  # an embedding of the user's own knows what it takes
    shape = shape or ()
    if tuple(c.shape) != tuple(shape) and tuple(c.shape[1:]) != tuple(shape):
        wanted = ", ".join(map(str, shape))
        raise ValueError(
            f"verify: a condition of shape (N{', ' * bool(shape)}{wanted}) is needed, or ({wanted}) for all rows, got "
            f"{tuple(c.shape)}"
        )
    c = c.view(-1, *shape)
    if classes is not None and len(c) and not (int(c.min()) >= 0 and int(c.max()) < classes):
        raise ValueError(f"verify: classes are 0 to {classes - 1}, got {int(c.min())} to {int(c.max())}")
    return c
