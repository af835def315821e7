"""The option ``missing_values``: numbers that stand for a value that is missing, such as -9999."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Column, Numbers
from diffeo.data.typed_names import composed, nearest

KEEP = "keep"  # every value of the column, or of all, is what it says


@dataclass(frozen=True)
class Codes:
    """What the option says.

    Attributes:
        everywhere: values that are missing values in every column.
        by_column: .. in one column.
        settled: columns of which something was said; ``None``: all.
    """

    everywhere: tuple[float, ...]
    by_column: dict[str, tuple[float, ...]]
    settled: frozenset[str] | None

    def decided(self, column: str) -> bool:
        """Whether the user has said that the column holds no codes."""
        return self.settled is None or column in self.settled

    def applied(self, columns: Iterable[Column]) -> tuple[tuple[Column, ...], list[str]]:
        """The columns of numbers with NaN for their codes, and a remark on each code that was replaced."""
        found, notes = [], []
        for column in columns:
            wanted = (*self.everywhere, *self.by_column.get(column.name, ()))
            if column.kind == "number" and wanted:
                for value in wanted:
                    hits = int(_equal(column.values, value).sum())
                    if hits:
                        notes.append(f"{column.name}: {written(value)} was read as missing, in {_rows(hits)}")
                    elif value not in self.everywhere:
                        notes.append(f"{column.name}: no row holds {written(value)}")
                column = without(column, wanted)
            found.append(column)
        return tuple(found), notes


def read_codes(entries: Sequence[str], known: Iterable[str]) -> Codes:
    """The option, read: ``VALUE`` for every column, ``NAME=VALUE`` for one; ``keep`` as the value: it has no codes.

    Raises:
        ValueError: if a value is no number, or there is no such column.

    Example:
        >>> read_codes(["-9999", "age=0", "price=keep"], ["age", "price"])
        Codes(everywhere=(-9999.0,), by_column={'age': (0.0,)}, settled=frozenset({'price'}))
    """
    names = set(known)
    everywhere: list[float] = []
    by_column: dict[str, tuple[float, ...]] = {}
    settled: set[str] = set()
    for entry in entries:
        name, equals, text = entry.rpartition("=")
        name, keep = composed(name.strip()), text.strip().lower() == KEEP
        if equals and name not in names:
            raise ValueError(
                f"missing_values names {name!r}, and there is no such column.{nearest(name, names)} "
                f"Give a value for every column (-9999), or NAME=VALUE for one"
            )
        if keep and not equals:
            return Codes((), {}, None)
        if keep:
            settled.add(name)
        elif equals:
            by_column[name] = (*by_column.get(name, ()), _number(entry, text))
        else:
            everywhere.append(_number(entry, text))
    return Codes(tuple(everywhere), by_column, frozenset(settled))


def without(column: Column, values: Iterable[float]) -> Column:
    """The column with NaN in place of these values."""
    hit = np.zeros(len(column.values), bool)
    for value in values:
        hit |= _equal(column.values, value)
    return replace(column, values=np.where(hit, np.nan, column.values)) if hit.any() else column


def written(value: float) -> str:
    """A number as short as it can be written.

    Example:
        >>> print(written(-9999.0), written(1e20), written(0.1))
        -9999 1e+20 0.1
    """
    text = f"{value:.10g}"
    return text if float(text) == value else repr(value)


def _equal(values: Numbers, value: float) -> NDArray[np.bool_]:
    """Where a value stands; if nowhere, where it does in float32: files and people round 9.969209968386869e36."""
    exactly: NDArray[np.bool_] = values == value
    if exactly.any():
        return exactly
    with np.errstate(over="ignore"):
        nearly: NDArray[np.bool_] = values.astype(np.float32) == np.float32(value)
    return nearly & np.isfinite(values)


def _number(entry: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"missing_values: {entry!r} holds no number. Give VALUE or NAME=VALUE, such as -9999 or age=0; or keep"
        )
    return value


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count > 1)}"
