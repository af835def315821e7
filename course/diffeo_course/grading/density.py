"""Whether a model is a density: its mass in two dimensions, and its log-determinant against its own Jacobian."""

import math

import torch
from torch import Tensor

from diffeo_course.sandbox.network import Network

STEPS = {torch.float64: 3e-6, torch.float32: 1e-4}  # of the central differences
FINE, COARSE = 0.02, 0.2  # sides of cells
INSIDE, OUTSIDE = 3.0, 24.0  # fine cells up to here, coarse ones up to there


def grids() -> dict[str, Tensor]:
    """Midpoints of cells: of the plane, for models of real numbers, and of the unit square, for those with a logit."""
    fine, coarse = _square(-INSIDE, INSIDE, FINE), _square(-OUTSIDE, OUTSIDE, COARSE)
    far = coarse[coarse.abs().amax(1) > INSIDE]
    return {"wide": torch.cat([fine, far]), "unit": _square(0.0, 1.0, 0.004)}


def _square(low: float, high: float, side: float) -> Tensor:
    ticks = torch.arange(round((high - low) / side), dtype=torch.float64) * side + low + side / 2
    return torch.cartesian_prod(ticks, ticks)


def _areas(name: str, points: Tensor) -> Tensor | float:
    if name == "unit":
        return 0.004**2
    return torch.where(points.abs().amax(1) > INSIDE, COARSE**2, FINE**2)


def networks() -> list[Network]:
    """Conditioners of two dimensions, for a chain of couplings."""
    generator = torch.Generator().manual_seed(2)
    return [Network.draw(2, generator) for _ in range(4)]


def mass(name: str, z: Tensor, log_det: Tensor) -> float:
    """The integral of a density over a grid; where it is not finite it counts as zero."""
    log_prob = log_det.double() - 0.5 * (z.double().flatten(1).square() + math.log(2 * math.pi)).sum(1)
    return float((torch.nan_to_num(log_prob.exp(), 0.0, 0.0, 0.0) * _areas(name, grids()[name])).sum())


def around(points: Tensor) -> Tensor:
    """The points themselves, and then each moved by a small step either way along every axis."""
    rows, shape = len(points), points.shape[1:]
    flat = points.flatten(1)
    steps = STEPS[points.dtype] * torch.eye(flat.shape[1], dtype=flat.dtype)
    moved = torch.cat([flat[:, None] + steps, flat[:, None] - steps], 1).reshape(-1, *shape)
    return torch.cat([points, moved.reshape(rows * 2 * flat.shape[1], *shape)])


def jacobians(given: Tensor, z: Tensor, rows: int) -> Tensor:
    """``dz/dx`` at the points, ``(rows, D, D)``, by central differences of what came out for :func:`around`."""
    given, z = given.double().flatten(1), z.double().flatten(1)
    width = z.shape[1]
    moved = z[rows:].reshape(rows, 2, width, width)  # point, direction, which input, which output
    places = given[rows:].reshape(rows, 2, width, width)
    steps = (places[:, 0] - places[:, 1]).diagonal(dim1=1, dim2=2)  # as they were rounded
    return ((moved[:, 0] - moved[:, 1]) / steps[:, :, None]).transpose(1, 2)


def only_own(jacobian: Tensor) -> Tensor:
    """Which places come out as they do whatever the others are, at every point, ``(D,)``."""
    rest = jacobian - torch.diag_embed(jacobian.diagonal(dim1=1, dim2=2))
    return rest.abs().amax((0, 2)) < 1e-7
