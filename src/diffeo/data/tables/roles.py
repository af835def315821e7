"""Which columns of a file are features, which orders the rows, which get noise: the options, checked."""

import math
from collections.abc import Iterable, Sequence

from diffeo.data.tables.column import Column
from diffeo.data.tables.files import Table
from diffeo.data.typed_names import composed, nearest
from diffeo.system.proposals import option, word

LISTED = 100  # names of columns that an error lists


def names_of(names: str | Sequence[str] | None) -> list[str]:
    """Names of columns in the form that files have them in; one name may stand for itself."""
    given = [names] if isinstance(names, str) else list(names or ())
    return list(dict.fromkeys(composed(name.strip()) for name in given))


def features(file: Table, columns: Sequence[str], drop: Sequence[str], time: Column | None) -> list[Column]:
    """The columns to use: `columns` in their order, or all but those that order or number the rows; without `drop`.

    Raises:
        ValueError: if a name is not in the file, or no column is left.
    """
    by_name = {column.name: column for column in file.columns}
    absent = [name for name in (*columns, *drop) if name not in by_name]
    if absent:
        words = f"column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))}"
        hint = nearest(absent[0], by_name) if len(absent) == 1 else ""
        headless = next((f" ({note})" for note in file.notes if note.startswith("no header")), "")
        raise ValueError(f"{file.path} has no {words}.{hint} It has: {_listed(by_name)}{headless}")
    wanted = columns or [name for name in by_name if not by_name[name].index and (time is None or name != time.name)]
    dropped = set(drop)
    left = [by_name[name] for name in wanted if name not in dropped]
    if not left:
        raise ValueError(f"{file.path}: no column is left. It has: {_listed(by_name)}")
    return left


def time_column(file: Table, split: str | None) -> Column | None:
    """The column that ``time:COLUMN`` names.

    Raises:
        ValueError: if `split` is something else, or the column is not there or cannot be ordered.
    """
    if split is None:
        return None
    kind, colon, name = split.partition(":")
    name = composed(name.strip())
    if kind != "time" or not colon:
        dates = next((column.name for column in file.columns if column.kind == "date"), "COLUMN")
        raise ValueError(f"split is {split!r}, expected time:COLUMN. Use {option('split', word(f'time:{dates}'))}")
    column = features(file, [name], [], None)[0]
    if column.kind not in ("date", "number"):
        raise ValueError(
            f"{file.path}: {name} cannot order the rows: it holds {column.example!r}. "
            f"Write dates as 2024-03-31 or 2024-03-31 15:30"
        )
    return column


def cells(columns: Iterable[Column], dequantize: Sequence[str]) -> dict[str, float | None]:
    """The columns that get noise, and the width of it where that was given: ``NAME`` or ``NAME=WIDTH``.

    Raises:
        ValueError: if a name is not among the columns in use, or a width is no positive number.
    """
    known = dict.fromkeys(column.name for column in columns)
    found: dict[str, float | None] = {}
    for entry in dequantize:
        name, equals, text = entry.rpartition("=")
        if entry in known:
            found[entry] = None
        elif equals and name in known:
            found[name] = _width(name, text)
        else:
            raise ValueError(
                f"dequantize names {entry!r}, which is not among the columns in use.{nearest(entry, known)} "
                f"They are: {_listed(known)}"
            )
    return found


def _listed(names: Iterable[str]) -> str:
    all_of_them = list(names)
    more = len(all_of_them) - LISTED
    return ", ".join(all_of_them[:LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _width(name: str, text: str) -> float:
    try:
        width = float(text)
    except ValueError:
        width = math.nan
    if not 0 < width < math.inf:
        raise ValueError(f"dequantize: the width of {name} must be a positive number, got {text!r}")
    return width
