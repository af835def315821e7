"""Does a density add up to one? By a grid in one or two dimensions, by importance sampling in a few more."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_FEATURES = 16  # beyond, the error bar of importance sampling says nothing
CENTRES, DRAWS = 2000, 40_000
FREEDOM = 4  # degrees of freedom of the kernels: their tails are heavier than a flow's


@dataclass(frozen=True)
class Mass:
    """The integral of a density.

    Attributes:
        value: the integral.
        error: its standard error; 0 for a grid.
        how: in words.
    """

    value: float
    error: float
    how: str


@torch.no_grad()
def mass(log_density: Callable[[Tensor], Tensor], samples: Tensor, *, seed: int = 0) -> Mass | None:
    """The integral of ``exp(log_density)`` where the samples lie, ``(N, D)``; None beyond 16 dimensions.

    In one and two dimensions the midpoint rule over the box of the samples, which holds all but about 1/N
    of a density; in more, the mean of p / q over draws of q, a mixture of t-kernels around samples.

    Example:
        >>> normal = torch.distributions.Normal(0.0, 1.0)
        >>> found = mass(lambda x: normal.log_prob(x).sum(1), torch.randn(20_000, 2))
        >>> abs(found.value - 1) < 0.01
        True
    """
    features = samples.shape[1]
    if features > MOST_FEATURES:
        return None
    return _grid(log_density, samples) if features <= 2 else _importance(log_density, samples, seed)


def _grid(log_density: Callable[[Tensor], Tensor], samples: Tensor) -> Mass:
    low, high = samples.amin(0), samples.amax(0)
    size = 100_000 if samples.shape[1] == 1 else 1200
    cell = (high - low) / size
    axes = [
        (torch.arange(size, dtype=samples.dtype, device=samples.device) + 0.5) * width + left
        for left, width in zip(low, cell, strict=True)
    ]
    grid = torch.cartesian_prod(*axes).view(-1, samples.shape[1])
    total = sum(float(log_density(points).double().exp().sum()) for points in grid.split(2**17))
    return Mass(total * float(cell.double().prod()), 0.0, f"a grid of {' x '.join([str(size)] * samples.shape[1])}")


def _importance(log_density: Callable[[Tensor], Tensor], samples: Tensor, seed: int) -> Mass | None:
    generator = torch.Generator().manual_seed(seed)
    points = samples.double()
    features = points.shape[1]
    mean, covariance = points.mean(0), points.T.cov()
    ridge = 1e-9 * covariance.diagonal().mean() * torch.eye(features, dtype=points.dtype, device=points.device)
    factor, broken = torch.linalg.cholesky_ex(covariance + ridge)
    if int(broken):
        return None
    white = torch.linalg.solve_triangular(factor, (points - mean).T, upper=False).T
    centres = white[torch.randperm(len(white), generator=generator)[:CENTRES]]
    width = len(centres) ** (-1 / (features + 4))  # Scott's rule, for whitened points
    chosen = centres[torch.randint(len(centres), (DRAWS,), generator=generator)]
    normal = torch.randn(DRAWS, features, dtype=torch.float64, generator=generator).to(points)
    chi = torch.randn(DRAWS, FREEDOM, dtype=torch.float64, generator=generator).square().sum(1)
    draws = chosen + width * normal * (FREEDOM / chi.to(points))[:, None].sqrt()
    constant = (
        math.lgamma((FREEDOM + features) / 2)
        - math.lgamma(FREEDOM / 2)
        - features / 2 * math.log(FREEDOM * math.pi)
        - features * math.log(width)
        - math.log(len(centres))
        - float(factor.diagonal().log().sum())
    )
    weights = []
    for some in draws.split(2000):
        distance = torch.cdist(some, centres).square() / width**2
        log_q = (-(FREEDOM + features) / 2 * torch.log1p(distance / FREEDOM)).logsumexp(1) + constant
        x = (some @ factor.T + mean).to(samples.dtype)
        weights.append((log_density(x).double() - log_q).exp())
    ratio = torch.cat(weights).nan_to_num(0.0)
    error = float(ratio.std()) / math.sqrt(DRAWS)
    return Mass(float(ratio.mean()), error, f"importance sampling, {DRAWS:,} draws")
