"""Do regions that should hold a part of the data hold it? Highest-density regions, found from samples."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Coverage:
    """What part of the data lies where the flow puts a part of its samples.

    Attributes:
        levels: the parts of samples that the regions hold.
        found: the parts of data; equal to the levels if calibrated. Larger: data is more typical than samples are.
        error: standard errors, of data and samples together.
        rows: how many rows of data.
        draws: the fewest samples that a row was compared with.
    """

    levels: tuple[float, ...]
    found: tuple[float, ...]
    error: tuple[float, ...]
    rows: int
    draws: int

    @property
    def worst(self) -> float:
        """The largest difference from the level."""
        return max(abs(found - level) for found, level in zip(self.found, self.levels, strict=True))


def coverage(
    data: Tensor,
    samples: Tensor,
    *,
    data_group: Tensor | None = None,
    sample_group: Tensor | None = None,
    seed: int = 0,
) -> Coverage:
    r"""Coverage of highest-density regions, from the log density of data and of samples, ``(N,)`` and ``(M,)``.

    The region of level a holds the part a that is densest. A row's rank among the samples of its own condition,

    .. math:: r = \frac{\#\{\text{denser samples}\} + u}{M + 1}, \qquad u \text{ uniform on } (0, 1),

    is uniform for a true density, whatever the number of samples M, and ``r < a`` means that the region holds the row.
    Where the log density is -inf no region does.

    Args:
        data: log density of rows.
        samples: log density of samples.
        data_group: number of each row's condition, from 0; all alike if not given.
        sample_group: of each sample's: a row is compared with the samples of its own.
        seed: of u.

    Raises:
        ValueError: if there is no row, or a log density is NaN.

    References:
        Hyndman, Computing and graphing highest density regions, 1996. https://doi.org/10.2307/2684423
        Talts, Betancourt, Simpson, Vehtari and Gelman, Validating Bayesian inference algorithms with simulation-based
        calibration, 2018 (the ranks). https://arxiv.org/abs/1804.06788

    Example:
        >>> same = torch.linspace(-3, 0, 1000)
        >>> coverage(same, same).worst < 0.01
        True
    """
    data, samples = data.detach().double().cpu(), samples.detach().double().cpu()
    if not len(data) or data.isnan().any() or samples.isnan().any():
        raise ValueError(f"coverage: needs rows whose log density is a number, got {len(data)} rows, NaN among them")
    group = torch.zeros(len(data), dtype=torch.long) if data_group is None else data_group.cpu()
    theirs = torch.zeros(len(samples), dtype=torch.long) if sample_group is None else sample_group.cpu()
    order = theirs.argsort(stable=True)
    groups = 1 + int(group.max())
    ends = torch.searchsorted(theirs[order], torch.arange(groups + 1)).tolist()
    uniform = torch.rand(len(data), dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    by_group = group.argsort(stable=True).split(group.bincount(minlength=groups).tolist())
    rank, shared, draws = torch.empty_like(data), 0.0, []
    for number, rows in enumerate(by_group):
        if not len(rows):
            continue
        ordered = samples[order[ends[number] : ends[number + 1]]].sort().values
        below_or_equal = torch.searchsorted(ordered, data[rows], right=True)
        equal = below_or_equal - torch.searchsorted(ordered, data[rows])
        rank[rows] = (len(ordered) - below_or_equal + uniform[rows] * (1 + equal)) / (1 + len(ordered))
        shared += len(rows) * (len(rows) - 1) / (len(ordered) + 2)  # rows that share samples err together
        draws.append(len(ordered))
    rank[data == -math.inf] = 1.0
    return Coverage(
        LEVELS,
        tuple(float((rank < level).double().mean()) for level in LEVELS),
        tuple(math.sqrt(level * (1 - level) * (len(data) + shared)) / len(data) for level in LEVELS),
        len(data),
        min(draws),
    )


def quantile_text(found: Coverage) -> str:
    """The levels 50, 90 and 99 % in one line."""
    shown = [k for k, level in enumerate(found.levels) if level in (0.5, 0.9, 0.99)]
    return ", ".join(f"{found.found[k]:.1%} ± {found.error[k]:.1%} in the {found.levels[k]:.0%} region" for k in shown)
