"""Ties: where the values of a column repeat, how far apart they are, and noise that fills the gap."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Numbers

POINT = 0.03  # share of the rows from which one value is a tie to be dealt with
ALIKE = 5  # .. if there are that many
WIDE = 1e-3  # of a column's range: cells as wide as this spread any tie
FINEST = 1e-6  # of a column's range: cells narrower than this do not spread a tie


@dataclass(frozen=True)
class Ties:
    """How often values repeat.

    Attributes:
        rows, distinct: how many values, and how many different ones.
        common, share: the most frequent value, and its share of the rows.
        cell: the smallest distance between two different values; 0 if there are not two.
        range: from the smallest to the largest value.
        bulk: the range of the middle nine tenths of the values that are not the most frequent one.
    """

    rows: int
    distinct: int
    common: float
    share: float
    cell: float
    range: float
    bulk: float

    @property
    def unbounded(self) -> bool:
        """Whether a density could grow without bound on these values.

        So it is where one value has more than a few per cent of the rows, or where values repeat: ten
        rows to a value on average, or two if they are steps of a grid.
        """
        return self._heavy or 10 * self.distinct < self.rows or (2 * self.distinct < self.rows and self.has_cells)

    @property
    def has_cells(self) -> bool:
        """Whether the values lie far enough apart to be given cells: not where one repeats and others hardly do."""
        others = self.rows * (1 - self.share)
        spike = self._heavy and others < 1.5 * (self.distinct - 1) and self.cell < WIDE * self.range
        return self.cell > FINEST * self.range and not spike

    @property
    def width(self) -> float:
        """Of noise: the cell's, or about a hundredth of what the values range over if cells are much narrower.

        Noise that narrow spreads no tie: of one value in a third of the rows it makes a peak that no flow follows.
        """
        wide = 10.0 ** math.floor(math.log10(self.bulk / 100 or self.range / 1000 or 1))
        narrow = not self.has_cells or (self._heavy and 10 * self.cell < wide)
        return max(self.cell, wide) if narrow else self.cell

    @property
    def _heavy(self) -> bool:
        return self.share > POINT and self.share * self.rows >= ALIKE


def ties(values: Numbers) -> Ties:
    """Count them. `values` are finite."""
    values = _without_rounding(values)
    distinct, counts = np.unique(values, return_counts=True)
    most = int(counts.argmax())
    gap = float(np.diff(distinct).min()) if len(distinct) > 1 else 0.0
    spread = float(distinct[-1] - distinct[0])
    if gap:
        gap = float(np.format_float_scientific(gap, precision=9))  # 0.1, not 0.09999999999999964
    share = float(counts[most]) / len(values)
    others = values[values != distinct[most]]
    bulk = float(np.ptp(np.quantile(others, (0.05, 0.95)))) if share > POINT and len(others) else 0.0
    return Ties(len(values), len(distinct), float(distinct[most]), share, gap, spread, bulk)


def _without_rounding(values: Numbers) -> Numbers:
    """Decimals that arithmetic has blurred (0.1 + 0.2) as the decimals they were; other values as they are."""
    largest = float(np.abs(values).max())
    blur = min(1e-12 * largest, 1e-6 * float(np.ptp(values)))
    for places in range(7):
        power = 10.0**places
        if largest * power < 1e12 and _near_whole(values[:1000] * power, blur * power):
            return np.rint(values * power) / power if _near_whole(values * power, blur * power) else values
    return values


def _near_whole(values: Numbers, blur: float) -> bool:
    return bool((np.abs(values - np.rint(values)) <= blur).all())


def noise(column: str, rows: int) -> Numbers:
    """Uniform numbers in (0, 1), a function of the column's name and the row alone.

    Example:
        >>> bool((noise("age", 10)[:5] == noise("age", 5)).all())
        True
    """
    seed = int.from_bytes(hashlib.sha256(column.encode()).digest()[:8], "big")
    return (np.random.default_rng(seed).integers(0, 2**24, rows) + 0.5) / 2**24


def fill(column: str, values: Numbers, cell: float) -> NDArray[np.float32]:
    """`values` plus noise over their cells: value v becomes a float32 number of [v, v + cell)."""
    end = (values + cell).astype(np.float32)
    filled = (values + cell * noise(column, len(values))).astype(np.float32)
    below: NDArray[np.float32] = np.minimum(filled, np.nextafter(end, np.float32(-np.inf)))
    return below


def step(values: Numbers) -> float:
    """The distance between neighbouring float32 numbers where `values` are largest."""
    largest: NDArray[np.float32] = np.abs(values).max(initial=0).astype(np.float32)
    return float(np.spacing(largest))
