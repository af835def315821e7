"""Does every row come back? Measured, on as many rows as given."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.flow import Flow


@dataclass(frozen=True)
class RoundTrip:
    """What encode and decode lose.

    Attributes:
        error: largest absolute difference, in the data's units, on the continuous side of the door.
        wrong_values: how many integers came back as others; None for continuous data.
        rows: how many were tried.
    """

    error: float
    wrong_values: int | None
    rows: int


@torch.no_grad()
def round_trip(flow: Flow, x: Tensor, condition: Tensor | None = None) -> RoundTrip:
    """Encode and decode every row; integers go in at the middle of their cell."""
    error, wrong = 0.0, 0
    rows = max(1, 2**19 // math.prod(flow.shape))
    with flow.frozen():
        for start in range(0, len(x), rows):
            batch = x[start : start + rows].to(flow.device)
            c = None if condition is None else condition[start : start + rows].to(flow.device)
            z, _ = flow.encode(batch, c)
            back, _ = flow.bijection.decode(z, flow.embed(c, len(z)))
            point = batch if flow.door is None else batch.to(flow.dtype) + 0.5
            error = max(error, float((back - point).abs().max().nan_to_num(math.inf)))
            if flow.door is not None:
                wrong += int((flow.door.decode(back) != batch).sum())
    return RoundTrip(error, None if flow.door is None else wrong, len(x))
