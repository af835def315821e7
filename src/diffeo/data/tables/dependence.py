"""Columns that say what others say already: together they lie on a plane, where a density has no bound."""

from collections.abc import Sequence

import numpy as np

from diffeo.data.tables.column import Numbers

LEAST = 1e-10  # share of a column's variance that the columns before it must leave open


def dependent(names: Sequence[str], columns: Sequence[Numbers]) -> dict[str, str]:
    """The columns that are linear functions of those before them, and which.

    Example:
        >>> a = np.random.default_rng(0).normal(size=50)
        >>> dependent(["a", "b", "twice"], [a, a**2, 2 * a + 1])
        {'twice': 'follows from a: it is that times 2, plus 1'}
    """
    x = np.stack([(column - column.mean()) / column.std() for column in columns], 1)  # (rows, columns)
    correlation = x.T @ x / len(x)
    root, found = np.zeros_like(correlation), {}  # Cholesky's, with a row of zeros where nothing is left open
    for j, name in enumerate(names):
        for i in range(j):
            if root[i, i]:
                root[j, i] = (correlation[j, i] - root[j, :i] @ root[i, :i]) / root[i, i]
        left = correlation[j, j] - root[j, :j] @ root[j, :j]
        if left > LEAST:
            root[j, j] = left**0.5
            continue
        root[j] = 0
        found[name] = "follows from the columns before it: it is a sum of multiples of them"
        twin = next((i for i in range(j) if 1 - abs(correlation[j, i]) < LEAST / 2), None)
        if twin is not None:
            slope = float(np.sign(correlation[j, twin]) * columns[j].std() / columns[twin].std())
            offset = float(columns[j].mean() - slope * columns[twin].mean())
            equal = f"equals {names[twin]}" if np.allclose(columns[j], columns[twin], rtol=1e-9, atol=0) else ""
            found[name] = equal or f"follows from {names[twin]}: it is that times {slope:.6g}, plus {offset:.6g}"
    return found
