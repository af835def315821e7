"""Does a density add up to one? By a grid in one or two dimensions, by importance sampling in a few more."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_FEATURES = 16  # beyond, the error bar of importance sampling says nothing
CENTRES, DRAWS, HELD_OUT = 2000, 40_000, 4000
RESOLUTIONS = {1: (100_000, 71_000), 2: (1200, 850)}  # no multiples: what one skips, the other may meet
CONVERGED = 0.02  # largest part of the integral by which resolutions may differ, or of samples that a cell misjudges
EFFECTIVE = 0.01  # least part of the draws that must count
FREEDOM = 4  # degrees of freedom of the kernels: their tails are heavier than a flow's


@dataclass(frozen=True)
class Mass:
    """The integral of a density.

    Attributes:
        value: the integral.
        error: standard error of importance sampling; of a grid, the difference to a coarser one.
        how: in words.
        doubt: why the value says nothing about the density; empty where it has converged.
    """

    value: float
    error: float
    how: str
    doubt: str = ""


@torch.no_grad()
def mass(log_density: Callable[[Tensor], Tensor], samples: Tensor, *, seed: int = 0) -> Mass | None:
    """The integral of ``exp(log_density)`` where the samples lie, ``(N, D)``; None where it cannot be taken.

    Coordinates are whitened by the samples' covariance. In one and two dimensions the midpoint rule over the box of
    the samples, which holds all but about 1/N of a density; up to 16, the mean of p / q over draws of q, a mixture of
    t-kernels around samples. Beyond, and for samples that fill fewer dimensions than they have, None.

    Example:
        >>> normal = torch.distributions.Normal(0.0, 1.0)
        >>> found = mass(lambda x: normal.log_prob(x).sum(1), torch.randn(20_000, 2))
        >>> abs(found.value - 1) < 0.01
        True
    """
    if samples.shape[1] > MOST_FEATURES:
        return None
    points = samples.double()
    mean, deviation = points.mean(0), points.std(0)
    standard = (points - mean) / deviation
    one = torch.eye(samples.shape[1], dtype=points.dtype, device=points.device)
    factor, broken = torch.linalg.cholesky_ex(standard.T.cov().view_as(one) + 1e-12 * one)
    if int(broken) or not bool(factor.isfinite().all()):
        return None
    white = torch.linalg.solve_triangular(factor, standard.T, upper=False).T
    factor = deviation[:, None] * factor
    volume = float(factor.diagonal().log().sum())

    def log_white(some: Tensor) -> Tensor:
        """Log density of whitened points."""
        return log_density((some @ factor.T + mean).to(samples.dtype)).double() + volume

    return _grid(log_white, white) if samples.shape[1] <= 2 else _importance(log_white, white, seed)


def _grid(log_density: Callable[[Tensor], Tensor], white: Tensor) -> Mass:
    low, high = white.amin(0), white.amax(0)
    fine, coarse = RESOLUTIONS[white.shape[1]]
    value, other = (_midpoints(log_density, low, high, size) for size in (fine, coarse))
    error = abs(value - other)
    cell = (high - low) / fine
    middle = low + (((white - low) / cell).floor().clamp(max=fine - 1) + 0.5) * cell
    missed = float(((log_density(middle) - log_density(white)).abs() > 0.5).double().mean())
    how, doubt = f"a grid of {' x '.join([str(fine)] * white.shape[1])}", ""
    if not error <= CONVERGED * value or value == 0:
        doubt = f"a coarser grid gives {other:.4g}"
    elif missed > CONVERGED:
        doubt = f"the density varies within a cell, around {missed:.0%} of the samples"
    return Mass(value, error, how, doubt)


def _midpoints(log_density: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, size: int) -> float:
    cell = (high - low) / size
    steps = torch.arange(size, dtype=low.dtype, device=low.device) + 0.5
    axes = [steps * width + left for left, width in zip(low, cell, strict=True)]
    grid = torch.cartesian_prod(*axes).view(-1, len(low))
    return sum(float(log_density(points).exp().sum()) for points in grid.split(2**17)) * float(cell.prod())


def _importance(log_density: Callable[[Tensor], Tensor], white: Tensor, seed: int) -> Mass:
    generator = torch.Generator().manual_seed(seed)
    features = white.shape[1]
    order = torch.randperm(len(white), generator=generator).to(white.device)
    centres, held_out = white[order[:CENTRES]], white[order[CENTRES : CENTRES + HELD_OUT]]
    width = len(centres) ** (-1 / (features + 4))  # Scott's rule, for whitened points
    chosen = centres[torch.randint(len(centres), (DRAWS,), generator=generator).to(white.device)]
    normal = torch.randn(DRAWS, features, dtype=torch.float64, generator=generator).to(white)
    chi = torch.randn(DRAWS, FREEDOM, dtype=torch.float64, generator=generator).square().sum(1)
    draws = chosen + width * normal * (FREEDOM / chi.to(white))[:, None].sqrt()
    constant = (
        math.lgamma((FREEDOM + features) / 2)
        - math.lgamma(FREEDOM / 2)
        - features / 2 * math.log(FREEDOM * math.pi)
        - features * math.log(width)
        - math.log(len(centres))
    )

    def weights(points: Tensor) -> Tensor:
        """The density by that of the draws."""
        found = []
        for some in points.split(2000):
            distance = torch.cdist(some, centres).square() / width**2
            log_q = (-(FREEDOM + features) / 2 * torch.log1p(distance / FREEDOM)).logsumexp(1) + constant
            found.append((log_density(some) - log_q).exp())
        return torch.cat(found).nan_to_num(0.0)

    ratio = weights(draws)
    value, error = float(ratio.mean()), float(ratio.std()) / math.sqrt(DRAWS)
    effective = value**2 / float(ratio.square().mean().clamp(min=1e-300))
    if len(held_out):  # samples of p see where q has too little, which draws of q hardly ever do
        effective = min(effective, value / float(weights(held_out).mean().clamp(min=1e-300)))
    doubt = "" if effective >= EFFECTIVE else f"{max(0, round(effective * DRAWS)):,} of {DRAWS:,} draws count"
    return Mass(value, error, f"importance sampling, {DRAWS:,} draws", doubt)
