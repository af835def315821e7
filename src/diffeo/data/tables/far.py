"""Values far from all others of a column: codes for what is missing (-9999, 1e20), and outliers."""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Numbers

A_CODE, ZERO, OUTLIER, REPEATS = 3.0, 5.0, 5.0, 30.0  # times as far as the others reach: what is far, of its kind
FEW, SHARE = 5, 0.01  # so many values that repeat, or this share of the rows, may be far; more are a cluster
OFTEN = 5  # times as frequent as any other value, a code is none of them
LOST = 1e7  # of the others' spread: beside a value so far away, float32 does not tell the others apart
CODE = re.compile(r"9{2,}|8{2,}|7{2,}|9+[678]")  # 99, 9999, 88, 998: what people write for "no answer"


@dataclass(frozen=True)
class Far:
    """The values of a column that lie far from its others.

    Attributes:
        codes: values that stand for something else, it seems, and how often each occurs.
        doubtful: values that look like a code, apart from the others but not far; and how often.
        outliers: the rows of all other far values.
        lost: those of them that are so far that float32 does not tell the others apart beside them.
        low, high: the smallest and the largest of the others.
    """

    codes: dict[float, int]
    doubtful: dict[float, int]
    outliers: NDArray[np.int64]
    lost: NDArray[np.int64]
    low: float
    high: float


@np.errstate(over="ignore")  # of a distance over a spread that is next to nothing
def far(values: Numbers) -> Far:
    """What lies far from the others in a column; NaN is passed over.

    The middle is that of the shortest interval that holds half of the values, and its length is the spread. A value
    is far if its distance from the middle is five times that of the others' extreme, thirty times if it is that of
    many rows, three times if it looks like a code; or, where the others reach more spreads than that, as many times
    as they reach spreads. So the longer a tail, the further away begins what
    does not belong to it: the largest of Cauchy's or lognormal numbers is not far.

    Example:
        >>> x = np.random.default_rng(0).normal(size=100)
        >>> found = far(np.r_[x, -999, -999, 1e6])
        >>> found.codes, found.outliers.tolist()
        ({-999.0: 2}, [102])
    """
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    codes: dict[float, int] = {}
    strange: list[float] = []
    lost: list[float] = []
    while len(distinct) > 2:
        side, times, spreads = _beyond(distinct, counts)
        if not len(side):
            break
        group, often = distinct[side], counts[side]
        distinct, counts = np.delete(distinct, side), np.delete(counts, side)
        for value, count, far_away in zip(group.tolist(), often.tolist(), times.tolist(), strict=True):
            scattered = 2 * count <= often.sum()
            frequent = count >= max(3, OFTEN * int(counts.max()))
            if count > 1 and (_looks_like_a_code(value) or frequent or (far_away > REPEATS and not scattered)):
                codes[value] = count
            else:
                strange.append(value)
                lost += [value] * (spreads > LOST)
    odd = _odd(distinct, counts)
    kept = ~np.isin(distinct, list(odd))
    distinct, counts = distinct[kept], counts[kept]
    doubtful = _doubtful(distinct, counts)
    others = distinct[~np.isin(distinct, list(doubtful))]
    low, high = (float(others[0]), float(others[-1])) if len(others) else (math.nan, math.nan)
    rows, gone = (np.flatnonzero(np.isin(values, some)) if some else np.empty(0, np.int64) for some in (strange, lost))
    return Far(codes | odd, doubtful, rows, gone, low, high)


def _beyond(distinct: Numbers, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], Numbers, float]:
    """The far values of one side; how many times as far as all others each is; how many spreads the nearest is."""
    middle, spread = _middle(distinct, counts)
    for side in (np.flatnonzero(distinct < middle)[::-1], np.flatnonzero(distinct > middle)):  # outwards
        if not len(side):
            continue
        distance = np.abs(distinct[side] - middle)
        reach = np.maximum(np.r_[spread, distance[:-1]], spread)  # of the values before each
        beyond = counts[side][::-1].cumsum()[::-1]  # rows from each outwards
        kinds, total = np.arange(len(side), 0, -1), counts.sum()  # different values from each outwards; all rows
        single = beyond <= max(2, SHARE * total)
        few = single | ((kinds <= FEW) & (beyond >= 2 * kinds) & (beyond <= total / 2))
        needed = np.where(single, OUTLIER, REPEATS)
        for i in range(max(0, len(side) - FEW), len(side)):
            if counts[side[i]] > 1 and _looks_like_a_code(distinct[side[i]]):
                needed[i] = ZERO if distinct[side[i]] == 0 else A_CODE
        hits = np.flatnonzero(few & (distance > np.maximum(needed, reach / spread) * reach))
        if len(hits):
            first = hits[0]
            return side[first:], distance[first:] / reach[first], float(distance[first] / spread)
    return np.empty(0, np.int64), np.empty(0), 0.0


def _middle(distinct: Numbers, counts: NDArray[np.int64]) -> tuple[float, float]:
    """Middle and length of the shortest interval with half of the values; of the different ones if that is a point."""
    before = np.r_[0, counts.cumsum()]
    last = np.searchsorted(before, before[:-1] + (before[-1] + 1) // 2) - 1
    first = np.flatnonzero(last < len(distinct))
    lengths = distinct[last[first]] - distinct[first]
    best = int(lengths.argmin())
    if lengths[best] == 0 and len(distinct) > 1:
        return float(distinct[first[best]]), _middle(distinct, np.ones_like(counts))[1]
    return float(distinct[first[best]] + distinct[last[first[best]]]) / 2, float(lengths[best])


def _looks_like_a_code(value: float) -> bool:
    digits = f"{abs(value):.9g}".replace(".", "")
    return value == 0 or bool(CODE.fullmatch(digits)) or (value < 0 and digits in "789")


def _odd(distinct: Numbers, counts: NDArray[np.int64]) -> dict[float, int]:
    """Codes that are not far: the only negative number, and one that repeats where the others hardly do.

    The only negative number is a code if it looks like one; -1 and other whole numbers only if they are also far more
    frequent than any other value, as honest counts may begin at -1.
    """
    if len(distinct) < 3:
        return {}
    middle, spread = _middle(distinct, counts)
    found = {}
    lowest, count = float(distinct[0]), int(counts[0])
    frequent = lowest == round(lowest) and max(3, OFTEN * int(counts[1:].max())) <= count <= counts.sum() / 2
    if lowest < 0 <= distinct[1] and (frequent or (count > 1 and _looks_like_a_code(lowest))):
        found[lowest] = count
    most = int(counts.argmax())
    value, others = float(distinct[most]), np.delete(counts, most)
    apart = float(np.abs(np.delete(distinct, most) - value).min())
    away = abs(value - middle) > 10 * spread or apart > spread
    if abs(value) >= 99 and away and _looks_like_a_code(value) and counts[most] >= max(3, OFTEN * int(others.max())):
        found[value] = int(counts[most])
    return found


def _doubtful(distinct: Numbers, counts: NDArray[np.int64]) -> dict[float, int]:
    """Values that look like a code, a spread away from their neighbour and more frequent than that, at an end."""
    if len(distinct) < 3:
        return {}
    spread, found = _middle(distinct, counts)[1], {}
    for end, neighbour in ((0, 1), (-1, -2)):
        value, count = float(distinct[end]), int(counts[end])
        often = max(2, 2 * int(counts[neighbour])) <= count <= counts.sum() / 10
        apart = abs(value - distinct[neighbour]) >= spread
        if often and apart and (_looks_like_a_code(value) or value in (-1, 9)):
            found[value] = count
    return found
