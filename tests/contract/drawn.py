"""Points, conditions and noise, drawn for a case: what its tests run on."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from contract.registry import ROWS, Case, bijection_of, embedded
from diffeo import Flow

Run = Callable[..., tuple[Tensor, Tensor]]


@torch.no_grad()
def inside(case: Case, item: Any, dtype: torch.dtype, rows: int = ROWS) -> tuple[Tensor, Tensor | None]:
    """Rows and the condition that the bijection takes, embedded."""
    return case.x(dtype, rows), embedded(item, case.condition(item, dtype, rows), rows)


def both_ways(
    case: Case, item: Any, dtype: torch.dtype, rows: int = ROWS
) -> Iterator[tuple[Run, Tensor, Tensor | None]]:
    """encode with points of its domain, and decode with what they become."""
    bijection = bijection_of(item)
    x, condition = inside(case, item, dtype, rows)
    yield bijection.encode, x, condition
    with torch.no_grad():
        z, _ = bijection.encode(x, condition)
    yield bijection.decode, z.clone(), condition


def rows_of(case: Case, flow: Flow, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Data as a user has it, a condition, and noise where integers need it."""
    condition = case.condition(flow, dtype)
    if flow.door is None:
        return case.x(dtype), condition, None
    generator = torch.Generator().manual_seed(3)
    x = torch.randint(flow.door.values, (ROWS, *case.shape), generator=generator).to(torch.uint8)
    return x, condition, torch.rand(x.shape, dtype=dtype, generator=generator)
