"""Does every row come back? Measured, on as many rows as given."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.evaluation.units import deviations
from diffeo.flow import Flow


@dataclass(frozen=True)
class RoundTrip:
    """What encode and decode lose.

    Attributes:
        error: largest absolute difference, in the data's units, on the continuous side of the door.
        standardised: the largest of the same in standard deviations of the columns, which says what is lost of a row
            in any units; None for integers, whose unit is one value.
        wrong_values: how many integers came back as others; None for continuous data.
        rows: how many were tried.
    """

    error: float
    standardised: float | None
    wrong_values: int | None
    rows: int


@torch.no_grad()
def round_trip(flow: Flow, x: Tensor, condition: Tensor | None = None, *, deviation: Tensor | None = None) -> RoundTrip:
    """Encode and decode every row; integers go in at the middle of their cell.

    Args:
        flow: the flow.
        x: ``(N, *shape)``.
        condition: of each row, where the flow is conditioned.
        deviation: ``(*shape)``, the columns' standard deviations, of the training rows say; those of `x` if not
            given. A constant column is measured in its own units.
    """
    worst = torch.zeros(flow.shape, dtype=torch.float64)
    wrong = 0
    rows = max(1, 2**19 // math.prod(flow.shape))
    with flow.frozen():
        for start in range(0, len(x), rows):
            batch = x[start : start + rows].to(flow.device)
            c = None if condition is None else condition[start : start + rows].to(flow.device)
            z, _ = flow.encode(batch, c)
            back, _ = flow.bijection.decode(z, flow.embed(c, len(z)))
            point = batch if flow.door is None else batch.to(flow.dtype) + 0.5
            off = (back - point).abs().nan_to_num(math.inf, posinf=math.inf)
            worst = torch.maximum(worst, off.amax(0).double().cpu())
            if flow.door is not None:
                wrong += int((flow.door.decode(back) != batch).sum())
    error = float(worst.max())
    if flow.door is not None:
        return RoundTrip(error, None, wrong, len(x))
    if not len(x):
        return RoundTrip(error, error, None, 0)
    deviation = deviations(x) if deviation is None else deviation
    return RoundTrip(error, float((worst / deviation.double().cpu()).max()), None, len(x))
