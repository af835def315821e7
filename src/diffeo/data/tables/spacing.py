"""How the values of a column are spaced: the grid that they lie on."""

import numpy as np

from diffeo.data.grid import Grid
from diffeo.data.tables.cells import ties
from diffeo.data.tables.column import Numbers

MOST_PLACES = 12  # decimals that are looked for
NEAR = 1e-3  # of the smallest distance between two values: how far a value may lie off the grid, from rounding
LISTED = 1000  # different values that are listed one by one, where they are not equally spaced


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
