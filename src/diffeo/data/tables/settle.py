"""What stands against a density of a table's columns, found all at once; and the rows that are left."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diffeo.data.tables.cells import ties
from diffeo.data.tables.codes import Codes, without
from diffeo.data.tables.column import Column
from diffeo.data.tables.dependence import dependent
from diffeo.data.tables.far import Far, far
from diffeo.data.tables.files import Table
from diffeo.data.tables.findings import (
    MANY,
    Finding,
    Mask,
    codes,
    doubtful,
    dropped,
    explain,
    missing_cells,
    mostly_missing,
    precision,
    suggestion,
    tied,
    unusable,
    usable,
)
from diffeo.data.tables.roles import cells

FEWEST = 10  # rows
TRAINS = 0.8  # share of the rows, about
EXAMPLES = 10  # columns that are proposed where there are too many
Noisy = Mapping[str, float | None]


def settled(
    file: Table, used: list[Column], time: Column | None, noisy: Noisy, given: Mapping[str, Any], decided: Codes
) -> tuple[Mask, dict[str, Far]]:
    """The rows to keep, and what is far in each column, if nothing stands against a density of the columns.

    Raises:
        ValueError: otherwise. It names all that does, and ends in options that work.
    """
    varied = [column for column in used if _varies(column)]
    if len(varied) >= file.rows >= FEWEST:
        raise ValueError(too_wide(file, varied, time, round(TRAINS * file.rows), given, decided))
    found, ordered, strange = _found(used, time, noisy, given, decided)
    keep = complete(ordered)
    if ordered and keep.sum() < FEWEST:
        raise ValueError(_too_few(file, ordered, keep, found, given))
    gone = dropped(found)
    left = [column for column in used if column.name not in gone]
    if left and TRAINS * keep.sum() <= len(left):
        raise ValueError(too_wide(file, left, time, round(TRAINS * float(keep.sum())), given, decided))
    found += doubtful(used)
    signs = [column.doubt[1] for column in used if column.doubt]
    given = {**given, "decimal": signs[0]} if signs else given
    if found:
        names = {column.name: i for i, column in enumerate(file.columns)}
        found.sort(key=lambda finding: names[finding.column])
        raise ValueError(explain(file.path, found, [column.name for column in used], given))
    return keep, strange


def _found(
    used: Sequence[Column], time: Column | None, noisy: Noisy, given: Mapping[str, Any], decided: Codes
) -> tuple[list[Finding], list[Column], dict[str, Far]]:
    """All findings; the columns that decide which rows are left, without their codes; and what is far in them."""
    found = unusable(used)
    good = [column for column in used if column.kind == "number"]
    strange = {
        column.name: far(np.where(usable(column.values), column.values, np.nan))
        for column in good
        if not decided.decided(column.name)
    }
    for i, column in enumerate(good):
        if column.name in strange:
            some = codes(column, strange[column.name])
            found += some
            good[i] = without(column, [float(finding.value.rpartition("=")[2]) for finding in some])
    absent = mostly_missing(good)
    found += absent
    empty = {finding.column for finding in absent}
    good = [column for column in good if column.name not in empty]
    ordered = [*good, *([time] if time and time.name not in {column.name for column in good} else [])]
    keep = complete(ordered)
    if keep.sum() < FEWEST:
        return found, ordered, strange
    named = set()
    for column in good:
        first = tied(column, keep, counters="columns" not in given, noisy=column.name in noisy)
        cell = (noisy[column.name] or ties(column.values[keep]).cell) if column.name in noisy else None
        some = first or precision(column, keep, cell)
        found += some
        named |= {finding.column for finding in some}
    plain = [column for column in good if column.name not in noisy and column.name not in named]
    if plain:
        twins = dependent([column.name for column in plain], [column.values[keep] for column in plain])
        found += [Finding(name, text, "drop") for name, text in twins.items()]
    if given.get("missing") != "drop":
        gone, coded = dropped(found), {finding.column for finding in found if finding.remedy == "missing_values"}
        original = {column.name: column for column in used}
        for column in ordered:
            if column.name not in gone:
                found += missing_cells(original[column.name] if column.name in coded else column)
    return found, ordered, strange


def too_wide(
    file: Table, used: Sequence[Column], time: Column | None, train: int, given: Mapping[str, Any], decided: Codes
) -> str:
    """The error where no more rows train than there are columns; it proposes some columns, as an example."""
    text = (
        f"{file.path}: {file.rows:,} rows cannot determine a density of {len(used):,} columns. About {train:,} of them "
        f"train, and these lie in a plane of {train - 1:,} dimensions, where a density has no bound. Take fewer "
        f"columns than that, better a tenth of it ({max(1, train // 10):,}): those that matter, or principal "
        f"components, written to a file; or more rows"
    )
    holes = np.array([1 - float(usable(column.values).mean()) for column in used])
    fullest = [used[i] for i in np.argsort(holes, kind="stable") if holes[i] <= MANY]
    example = fullest[: min(EXAMPLES, max(1, train // 10))]
    names = [column.name for column in example]
    options = {name: value for name, value in given.items() if name not in ("drop", "dequantize")} | {"columns": names}
    widths = [e for e in given.get("dequantize", ()) if e in names or e.rpartition("=")[0] in names]
    if widths:
        options["dequantize"] = widths
    found = _found(example, time, cells(example, widths), options, decided)[0]
    if dropped(found) >= set(names):
        return text
    return f"{text}. For example:\nUse {suggestion(found, options)}"


def _varies(column: Column) -> bool:
    values = column.values[usable(column.values)]
    return column.kind == "number" and len(values) > 0 and bool(values.min() < values.max())


def _too_few(file: Table, columns: list[Column], keep: Mask, found: Sequence[Finding], given: Mapping[str, Any]) -> str:
    if file.rows < FEWEST:
        return (
            f"{file.path} has {file.rows} row{'s' * (file.rows > 1)}: a density needs more, at the very least {FEWEST}"
        )
    worst = max(columns, key=lambda column: int((~usable(column.values)).sum()))
    settling = [finding for finding in found if finding.remedy in ("drop", "missing_values")]
    options = suggestion([*settling, Finding(worst.name, "", "drop"), Finding("", "", "missing")], given)
    return (
        f"{file.path}: only {int(keep.sum())} of {file.rows:,} rows have a value in every column; "
        f"{worst.name} misses most. Use {options}"
    )


def complete(columns: Sequence[Column]) -> Mask:
    """The rows with a number that float32 has in every column."""
    keep = np.ones(len(columns[0].values) if columns else 0, dtype=bool)
    for column in columns:
        keep &= usable(column.values)
    return keep
