"""The values that a column of whole numbers or other steps can have, and the way back to them from noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffeo.data.tables.cells import ties
from diffeo.data.tables.column import Numbers

MOST_PLACES = 12  # decimals that are looked for
NEAR = 1e-3  # of the smallest distance between two values: how far a value may lie off the grid, from rounding
LISTED = 1000  # different values that are listed one by one, where they are not equally spaced


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


def grid(values: Numbers, train: Numbers, width: float) -> Grid:
    """The values that a column with noise of some width goes back to.

    It is the coarsest grid that all values lie on, if its step is not below the width, so that every value is found
    again. Otherwise it is the values that there are, or where these are many, steps of the width.

    Args:
        values: of all rows.
        train: of the training rows, which say how far it reaches.
        width: of the noise.

    Example:
        >>> grid(np.array([1.5, 4.0, 2.5]), np.array([1.5, 4.0]), 0.5)
        Grid(low=1.5, high=4.0, step=0.5, places=1, listed=())
    """
    distinct, found = np.unique(values), ties(values)
    low, high = float(train.min()), float(train.max())
    gap, least = found.cell or width, width * (1 - NEAR)
    for places in range(MOST_PLACES + 1):
        scaled = distinct * 10.0**places
        if np.abs(scaled).max() > 2**53:
            break
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= NEAR * gap * 10.0**places).all():
            step = int(np.gcd.reduce((whole - whole[0]).astype(np.int64))) / 10**places
            if step and step < least:
                break
            return Grid(round(low, places), round(high, places), step or width, places)
    steps = np.rint((distinct - distinct[0]) / gap)
    if gap >= least and (np.abs((distinct - distinct[0]) / gap - steps) <= NEAR).all():
        return Grid(low, high, float(distinct[-1] - distinct[0]) / max(1.0, float(steps[-1])), 15)
    if len(distinct) <= min(LISTED, len(values) // 2):  # not where each is some row's own
        return Grid(low, high, 0.0, 15, tuple(distinct.tolist()))
    anchored = found.common + np.floor((np.array([low, high]) - found.common) / width) * width
    return Grid(float(anchored[0]), float(anchored[1]), width, 15)


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
