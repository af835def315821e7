"""Is what a flow makes of data noise? Every dimension of z against the standard normal, and its length."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 20


@dataclass(frozen=True)
class Normality:
    """The latents of data beside the standard normal that they should be.

    Attributes:
        rows: how many latents.
        mean, deviation: of every dimension; 0 and 1 if calibrated.
        distance: Kolmogorov-Smirnov distance of every dimension.
        p_value: of that distance; uniform on (0, 1) if calibrated.
        histogram: how often the probability integral transform, the normal's cdf of z, falls in each of 20 equal
            parts of (0, 1), as a part of all; 0.05 each if calibrated.
        radius_distance, radius_p_value: the same of the squared length of z against chi-squared.
    """

    rows: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    distance: tuple[float, ...]
    p_value: tuple[float, ...]
    histogram: tuple[float, ...]
    radius_distance: float
    radius_p_value: float

    @property
    def rejected(self) -> float:
        """The part of dimensions whose p-value is below 0.01; 0.01 by chance."""
        return sum(p < 0.01 for p in self.p_value) / len(self.p_value)

    @property
    def worst(self) -> int:
        """The dimension with the largest distance."""
        return max(range(len(self.distance)), key=self.distance.__getitem__)


def normality(z: Tensor) -> Normality:
    """Compare latents ``(N, D)`` with the standard normal.

    Example:
        >>> found = normality(torch.randn(2000, 4, generator=torch.Generator().manual_seed(0)))
        >>> max(found.distance) < 0.04, found.rejected
        (True, 0.0)
    """
    from scipy.stats import chi2

    z = z.detach().double().cpu()
    uniform = torch.special.ndtr(z)
    distance = _distance(uniform)
    counts = torch.histc(uniform.flatten(), BINS, 0, 1)
    radius = torch.from_numpy(chi2.cdf(z.square().sum(1).numpy(), z.shape[1]))[:, None]
    radius_distance = _distance(radius)
    return Normality(
        len(z),
        tuple(z.mean(0).tolist()),
        tuple(z.std(0).tolist()),
        tuple(distance.tolist()),
        tuple(_p_value(distance, len(z)).tolist()),
        tuple((counts / counts.sum()).tolist()),
        float(radius_distance[0]),
        float(_p_value(radius_distance, len(z))[0]),
    )


def _distance(uniform: Tensor) -> Tensor:
    """Kolmogorov-Smirnov distance of every column from the uniform distribution."""
    ordered = uniform.sort(0).values
    rank = torch.arange(1, len(ordered) + 1, dtype=ordered.dtype)[:, None] / len(ordered)
    return torch.maximum((rank - ordered).amax(0), (ordered - rank + 1 / len(ordered)).amax(0))


def _p_value(distance: Tensor, rows: int) -> Tensor:
    """By the limit distribution, with Stephens' correction for the number of rows."""
    from scipy.stats import kstwobign

    root = math.sqrt(rows)
    return torch.from_numpy(kstwobign.sf((root + 0.12 + 0.11 / root) * distance.numpy()))
