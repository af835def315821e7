"""Do regions that should hold a part of the data hold it? Highest-density regions, found from samples."""

import math
from dataclasses import dataclass

from torch import Tensor

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Coverage:
    """What part of the data lies where the flow puts a part of its samples.

    Attributes:
        levels: the parts of samples that the regions hold.
        found: the parts of data; equal to the levels if calibrated. Larger: data is more typical than samples are.
        error: standard errors, of data and samples together.
    """

    levels: tuple[float, ...]
    found: tuple[float, ...]
    error: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The largest difference from the level."""
        return max(abs(found - level) for found, level in zip(self.found, self.levels, strict=True))


def coverage(data: Tensor, samples: Tensor) -> Coverage:
    """Coverage of highest-density regions, from the log density of data and of samples, ``(N,)`` and ``(M,)``.

    The region of level a is where the density is above the (1 - a)-quantile of that of samples.

    References:
        Hyndman, Computing and graphing highest density regions, 1996. https://doi.org/10.2307/2684423

    Example:
        >>> same = torch.linspace(-3, 0, 1000)
        >>> coverage(same, same).worst < 0.002
        True
    """
    data, samples = data.detach().double().cpu(), samples.detach().double().cpu().sort().values
    found, errors = [], []
    for level in LEVELS:
        threshold = samples[min(len(samples) - 1, round((1 - level) * len(samples)))]
        found.append(float((data >= threshold).double().mean()))
        variance = level * (1 - level)
        errors.append(math.sqrt(variance / len(data) + variance / len(samples)))
    return Coverage(LEVELS, tuple(found), tuple(errors))


def quantile_text(found: Coverage) -> str:
    """The levels 50, 90 and 99 % in one line."""
    pairs = [(level, part) for level, part in zip(found.levels, found.found, strict=True) if level in (0.5, 0.9, 0.99)]
    return ", ".join(f"{part:.1%} in the {level:.0%} region" for level, part in pairs)
