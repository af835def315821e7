"""Why a row of a table gives no numbers, row by row."""

from collections.abc import Sequence

import numpy as np

from diffeo.data.dataset import Unread
from diffeo.data.tables.column import Column
from diffeo.data.tables.findings import LARGEST, Mask, usable

LONGEST = 40  # letters of a cell that are shown


def unread(columns: Sequence[Column]) -> tuple[Unread, ...]:
    """The rows without a usable number in every column, in order, each with all that it lacks.

    Example:
        >>> age = Column("age", "number", np.array([30.0, np.nan, np.nan, np.inf]), strays={2: "old"})
        >>> [(row.row, row.reason) for row in unread([age])]
        [(1, 'age: missing'), (2, "age: not a number: 'old'"), (3, 'age: infinite, or beyond 3.4e+38')]
    """
    found: dict[int, list[tuple[str, str]]] = {}
    for column in columns:
        for row in np.flatnonzero(lacking(column)).tolist():
            kind, cell = _reason(column, row)
            found.setdefault(row, []).append((f"{column.name}: {kind}", cell))
    return tuple(
        Unread(row, "; ".join(kind + cell for kind, cell in found[row]), kinds=tuple(kind for kind, _ in found[row]))
        for row in sorted(found)
    )


def lacking(column: Column) -> Mask:
    """Where a column has no number that can be used: everywhere, if it holds something else."""
    return ~usable(column.values) if column.kind == "number" else np.ones(len(column.values), dtype=bool)


def _reason(column: Column, row: int) -> tuple[str, str]:
    """What is wrong, and the cell where that helps."""
    if column.kind != "number":
        return "a date" if column.kind == "date" else "no number", f", such as {_short(column.example)}"
    stray = (column.strays or {}).get(row)
    if stray is not None:
        return "not a number", f": {_short(stray)!r}"
    return ("missing" if np.isnan(column.values[row]) else f"infinite, or beyond {LARGEST:.1e}"), ""


def _short(cell: str) -> str:
    return cell if len(cell) <= LONGEST else f"{cell[: LONGEST - 2]}.."
