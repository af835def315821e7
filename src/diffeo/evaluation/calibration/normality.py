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
    def overall_p_value(self) -> float:
        """Of all dimensions together: 1 - (1 - p)^D of the smallest p (Sidak); uniform if they are independent."""
        smallest = min(self.p_value)
        return -math.expm1(len(self.p_value) * math.log1p(-smallest)) if smallest < 1 else 1.0

    @property
    def worst(self) -> int:
        """The dimension with the largest distance."""
        return max(range(len(self.distance)), key=self.distance.__getitem__)


def normality(z: Tensor) -> Normality:
    r"""Compare latents ``(N, D)`` with the standard normal.

    Of every dimension the Kolmogorov-Smirnov distance :math:`\max_u |F_N(u) - u|` of the probability integral transform
    :math:`u = \Phi(z)` from the uniform distribution, and its exact p-value for N rows.

    Raises:
        ValueError: if there is no row, or a latent is NaN or infinite.

    References:
        Rosenblatt, Remarks on a multivariate transformation, 1952. https://doi.org/10.1214/aoms/1177729394
        Simard and L'Ecuyer, Computing the two-sided Kolmogorov-Smirnov distribution, 2011 (the p-value).
        https://doi.org/10.18637/jss.v039.i11

    Example:
        >>> found = normality(torch.randn(2000, 4, generator=torch.Generator().manual_seed(0)))
        >>> max(found.distance) < 0.04, found.rejected
        (True, 0.0)
    """
    from scipy.stats import chi2, kstwo

    z = z.detach().double().cpu()
    if not len(z) or not bool(z.isfinite().all()):
        raise ValueError(f"normality: needs latents that are finite, got {len(z)} rows, NaN or infinity among them")
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
        tuple(kstwo.sf(distance.numpy(), len(z)).tolist()),
        tuple((counts / counts.sum()).tolist()),
        float(radius_distance[0]),
        float(kstwo.sf(float(radius_distance[0]), len(z))),
    )


def _distance(uniform: Tensor) -> Tensor:
    """Kolmogorov-Smirnov distance of every column from the uniform distribution."""
    ordered = uniform.sort(0).values
    rank = torch.arange(1, len(ordered) + 1, dtype=ordered.dtype)[:, None] / len(ordered)
    return torch.maximum((rank - ordered).amax(0), (ordered - rank + 1 / len(ordered)).amax(0))
