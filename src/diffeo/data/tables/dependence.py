"""Columns that say what others say already: together they lie on a plane, where a density has no bound."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Numbers

LEAST = 1e-10  # share of a column's variance that the columns before it must leave open
SPARE = 1000  # rows beyond the columns that are looked at first
TOGETHER = 2048  # columns that are looked at together: the time grows with their third power
PANEL = 64  # columns that are eliminated at once


def dependent(names: Sequence[str], columns: Sequence[Numbers]) -> dict[str, str]:
    """The columns that are linear functions of those before them, and which.

    A part of the rows decides first: what is independent there is independent. All rows are looked at where it is not.
    Of more than 2,048 columns each is compared with its neighbours, so many at a time, and with single columns
    everywhere.

    Example:
        >>> a = np.random.default_rng(0).normal(size=50)
        >>> dependent(["a", "b", "twice"], [a, a**2, 2 * a + 1])
        {'twice': 'follows from a: it is that times 2, plus 1'}
    """
    rows, most = len(columns[0]), min(len(columns), TOGETHER)
    every = max(1, rows // (most + SPARE))
    found = _found(names, [column[::every] for column in columns])
    if found and every > 1:
        found = _found(names, columns)
    return {names[j]: _text(names, columns, j, found[j]) for j in sorted(found)}


def _found(names: Sequence[str], columns: Sequence[Numbers]) -> dict[int, int | None]:
    """The columns that follow from those before, by number, and from which one if one is enough."""
    found: dict[int, int | None] = {}
    for start in range(0, len(names), TOGETHER):
        x = _standardised(columns[start : start + TOGETHER])
        correlation = x.T @ x / len(x)
        for j in _eliminated(correlation):
            twins = np.flatnonzero(1 - np.abs(correlation[j, :j]) < LEAST / 2)
            found[start + j] = start + int(twins[0]) if len(twins) else None
    return found | (_distant_twins(columns) if len(names) > TOGETHER else {})


def _standardised(columns: Sequence[Numbers]) -> Numbers:
    x = np.stack(columns, 1)  # (rows, columns)
    x -= x.mean(0)
    deviation = x.std(0)
    return x / np.where(deviation > 0, deviation, 1)


def _eliminated(correlation: Numbers) -> list[int]:
    """The rows of a Gram matrix that Cholesky's decomposition finds empty: they are sums of multiples of others."""
    try:
        if float(np.diag(np.linalg.cholesky(correlation)).min()) ** 2 > LEAST:
            return []
    except np.linalg.LinAlgError:
        pass
    left, found = correlation.copy(), []  # what is left open by the columns before, a panel at a time
    for start in range(0, len(left), PANEL):
        stop = min(start + PANEL, len(left))
        root = np.zeros((len(left) - start, stop - start))
        for j in range(stop - start):
            column = left[start:, start + j] - root[:, :j] @ root[j, :j]
            if column[j] <= LEAST:
                found.append(start + j)
            else:
                root[:, j] = column / column[j] ** 0.5
        below = root[stop - start :]
        left[stop:, stop:] -= below @ below.T
    return found


def _distant_twins(columns: Sequence[Numbers]) -> dict[int, int]:
    """Columns that are multiples of one before, by their projections on a line: those of twins are equal but for sign.

    Neighbours in the order of the projections are compared, at most four.
    """
    rows = len(columns[0])
    line = np.random.default_rng(0).normal(size=rows)
    line -= line.mean()
    projections = np.array([abs(line @ column) / (column.std() or 1) for column in columns]) / rows**0.5
    order: NDArray[np.int64] = projections.argsort(kind="stable")
    found: dict[int, int] = {}
    for place in range(len(order)):
        for other in order[place + 1 : place + 5]:
            one, two = sorted((int(order[place]), int(other)))
            if abs(projections[one] - projections[two]) > 1e-4:
                break
            pair = _standardised([columns[one], columns[two]])
            if 1 - abs(float(pair[:, 0] @ pair[:, 1])) / rows < LEAST / 2:
                found[two] = one
    return {two: found.get(one, one) for two, one in found.items()}


def _text(names: Sequence[str], columns: Sequence[Numbers], j: int, twin: int | None) -> str:
    if twin is None:
        return "follows from the columns before it: it is a sum of multiples of them"
    one, other = columns[j], columns[twin]
    if np.allclose(one, other, rtol=1e-9, atol=0):
        return f"equals {names[twin]}"
    slope = float(np.sign(np.cov(one, other)[0, 1]) * one.std() / other.std())
    return (
        f"follows from {names[twin]}: it is that times {slope:.6g}, plus {float(one.mean() - slope * other.mean()):.6g}"
    )
