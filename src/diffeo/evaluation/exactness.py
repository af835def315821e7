"""Is the log-determinant that of the map? Measured against autograd."""

import copy
import math

import torch
from torch import Tensor

from diffeo.flow import Flow

MOST_FEATURES = 256  # a Jacobian has D x D entries, and its slogdet costs D^3


def log_det_error(flow: Flow, x: Tensor, condition: Tensor | None = None, *, rows: int = 4) -> float | None:
    """Largest difference between log_det and autograd's ``slogdet`` of the Jacobian, in float64, over some rows.

    None beyond 256 dimensions.
    """
    if math.prod(flow.shape) > MOST_FEATURES:
        return None
    exact = copy.deepcopy(flow).double().eval()
    with torch.no_grad():
        points = x[:rows].to(exact.device).double() + (0.0 if exact.door is None else 0.5)
        conditions = exact.embed(None if condition is None else condition[:rows].to(exact.device), len(points))
        if conditions is not None:
            conditions = conditions.double()

    def encode(i: int, point: Tensor) -> Tensor:
        c = None if conditions is None else conditions[i : i + 1]
        return exact.bijection.encode(point[None], c)[0].flatten()

    worst = 0.0
    for i, point in enumerate(points):
        jacobian = torch.func.jacrev(lambda p, i=i: encode(i, p))(point).flatten(1)
        log_det = exact.bijection.encode(point[None], None if conditions is None else conditions[i : i + 1])[1]
        worst = max(worst, abs(float(torch.linalg.slogdet(jacobian)[1] - log_det)))
    return worst
