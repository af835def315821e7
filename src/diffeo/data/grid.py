"""The values that a column of whole numbers or other steps can have, and the way back to them from noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """Equally spaced values, or a list of them.

    Attributes:
        low: the smallest that the training rows have.
        high: the largest that they have.
        step: from one to the next.
        places: decimals that they are written with.
        listed: the values themselves, in order, where they are not equally spaced; `step` says nothing then.
    """

    low: float
    high: float
    step: float
    places: int
    listed: tuple[float, ...] = ()

    def floor(self, values: Numbers, *, beyond: bool = False) -> Numbers:
        """The value whose noise reaches each number: the largest one that, in float32, is not above it.

        Args:
            values: numbers; NaN and infinity stay as they are.
            beyond: also values below `low` and above `high`; otherwise these two are the nearest.

        Example:
            >>> Grid(0.0, 10.0, 0.5, 1).floor(np.array([2.7, 0.4999, -0.1, 10.8]))
            array([ 2.5,  0. ,  0. , 10. ])
        """
        finite = np.isfinite(values)
        given = np.where(finite, values, self.low)
        single = given.astype(np.float32)
        if self.listed:
            there = np.array(self.listed)
            found = there[np.searchsorted(there.astype(np.float32), single, side="right").clip(1) - 1]
        else:
            number = np.floor((given - self.low) / self.step)
            number += self._value(number + 1).astype(np.float32) <= single
            number -= self._value(number).astype(np.float32) > single
            found = self._value(number)
        return np.where(finite, found if beyond else found.clip(self.low, self.high), values)

    def _value(self, number: Numbers) -> Numbers:
        return np.round(self.low + number * self.step, self.places) + 0.0  # no minus zero


def quantized(
    x: Numbers, columns: Sequence[str], grids: Mapping[str, Grid], *, beyond: bool = False
) -> tuple[Numbers, dict[str, int]]:
    """Rows with the columns that had noise back on their grids, and how many values of each were moved into its range.

    Args:
        x: ``(rows, columns)``.
        columns: their names.
        grids: of the columns that had noise.
        beyond: move none.
    """
    found, moved = x.astype(np.float64), {}
    for i, name in enumerate(columns):
        if name not in grids:
            continue
        anywhere = grids[name].floor(found[:, i], beyond=True)
        inside = grids[name].floor(found[:, i])
        count = int((np.isfinite(anywhere) & (anywhere != inside)).sum())
        if count and not beyond:
            moved[name] = count
        found[:, i] = anywhere if beyond else inside
    return found, moved
