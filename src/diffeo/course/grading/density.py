"""Whether a model is a density: its mass in two dimensions, and its log-determinant against its own Jacobian."""

import math

import torch
from torch import Tensor

from diffeo.course.sandbox.network import Network

STEP = 1e-5  # of the central differences, in float64
SIDE = 360  # points along an axis of a grid
HALF_WIDTH = 14.0


def grids() -> dict[str, Tensor]:
    """Midpoints of cells: of a wide square for models of the plane, of the unit square for models with a logit."""
    ticks = (torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE
    unit = torch.cartesian_prod(ticks, ticks)
    return {"wide": (2 * unit - 1) * HALF_WIDTH, "unit": unit}


def networks() -> list[Network]:
    """Conditioners of two dimensions, for a chain of couplings."""
    generator = torch.Generator().manual_seed(2)
    return [Network.draw(2, generator) for _ in range(4)]


def mass(name: str, z: Tensor, log_det: Tensor) -> float:
    """The integral of the density over a grid; where it is not finite it counts as zero."""
    cell = (2 * HALF_WIDTH if name == "wide" else 1.0) / SIDE
    log_prob = log_det.double() - 0.5 * (z.double().flatten(1).square() + math.log(2 * math.pi)).sum(1)
    return float(torch.nan_to_num(log_prob.exp(), 0.0, 0.0, 0.0).sum()) * cell**2


def around(points: Tensor) -> Tensor:
    """The points themselves, and then each moved by a small step either way along every axis."""
    rows, shape = len(points), points.shape[1:]
    flat = points.flatten(1)
    steps = STEP * torch.eye(flat.shape[1], dtype=flat.dtype)
    moved = torch.cat([flat[:, None] + steps, flat[:, None] - steps], 1).reshape(-1, *shape)
    return torch.cat([points, moved.reshape(rows * 2 * flat.shape[1], *shape)])


def jacobians(z: Tensor, rows: int) -> Tensor:
    """``dz/dx`` at the points, ``(rows, D, D)``, by central differences of what came out for :func:`around`."""
    z = z.double().flatten(1)
    width = z.shape[1]
    moved = z[rows:].reshape(rows, 2, width, width)  # point, direction, which input, which output
    return ((moved[:, 0] - moved[:, 1]) / (2 * STEP)).transpose(1, 2)


def only_own(jacobian: Tensor) -> Tensor:
    """Which places depend on nothing but themselves, and by the same factor at every point, ``(D,)``."""
    own = jacobian.diagonal(dim1=1, dim2=2)
    rest = (jacobian - torch.diag_embed(own)).abs().amax((0, 2))
    return (rest < 1e-7) & ((own - own[:1]).abs().amax(0) < 1e-7)
