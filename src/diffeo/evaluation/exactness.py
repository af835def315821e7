"""Is the log-determinant that of the map, and is the density one? Measured."""

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
        if condition is not None:
            condition = condition[:rows].to(exact.device)
            condition = condition.double() if condition.is_floating_point() else condition
        conditions = exact.embed(condition, len(points))

    def encode(i: int, point: Tensor) -> Tensor:
        c = None if conditions is None else conditions[i : i + 1]
        return exact.bijection.encode(point[None], c)[0].flatten()

    worst = 0.0
    for i, point in enumerate(points):
        jacobian = torch.func.jacrev(lambda p, i=i: encode(i, p))(point).flatten(1)
        log_det = exact.bijection.encode(point[None], None if conditions is None else conditions[i : i + 1])[1]
        worst = max(worst, abs(float((torch.linalg.slogdet(jacobian)[1] - log_det).detach())))
    return worst


@torch.no_grad()
def integral(flow: Flow, *, size: int = 1200, seed: int = 0) -> float:
    """The integral of a density on the plane, by the midpoint rule over a box that holds 100,000 of its samples.

    Raises:
        ValueError: if the flow is not of two features, has a door, or is conditioned.
    """
    if flow.shape != (2,) or flow.door is not None or flow.conditional:
        raise ValueError(f"integral: needs an unconditional flow of two continuous features, got {flow.shape}")
    samples = flow.sample(100_000, generator=torch.Generator().manual_seed(seed))
    low, high = samples.amin(0), samples.amax(0)
    cell = (high - low) / size
    middles = (torch.arange(size, dtype=flow.dtype, device=flow.device) + 0.5)[:, None] * cell + low  # (size, 2)
    grid = torch.cartesian_prod(middles[:, 0], middles[:, 1])
    density = flow.log_prob(grid, batch_size=2**17).double().exp()
    return float(density.sum() * cell.double().prod())
