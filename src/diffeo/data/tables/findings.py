"""What keeps a table from having a density, column by column, and the options that settle all of it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.cells import Ties, step, ties
from diffeo.data.tables.column import Column
from diffeo.proposals import option, options_of, quoted, word

MANY = 1 / 3  # share of missing values from which the column goes, rather than the rows
ALMOST = 0.99  # share of one value from which a column is as good as constant
COARSE = 1e-3  # of a column's standard deviation: float32's steps must be finer
STEPS_IN_CELL = 16  # float32 numbers that a cell must hold
LARGEST = float(np.finfo(np.float32).max)
UNIT = re.compile(r"\s*[^\w\s]?\s*\d[\d.,]*\s*(\D{1,5})?")  # 52%, $1,200, 300원
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a column, and what settles it.

    Attributes:
        column: its name.
        text: what was found.
        remedy: the option that settles it.
        instead: what `dequantize` could be told, where the remedy is to drop the column.
    """

    column: str
    text: str
    remedy: Literal["drop", "dequantize", "missing", "decimal"]
    instead: str = ""


def usable(values: NDArray[np.float64]) -> Mask:
    """Where there is a number that float32 has."""
    return np.abs(values) <= LARGEST


def unusable(columns: Sequence[Column]) -> list[Finding]:
    """Columns that are not of numbers."""
    found = []
    for column in columns:
        if column.kind == "text":
            unit = "; to keep it, write numbers without signs and units" if UNIT.fullmatch(column.example) else ""
            found.append(Finding(column.name, f"text, such as {_short(column.example)}{unit}", "drop"))
        elif column.kind == "date":
            text = (
                f"dates, such as {column.example}; {option('split', word(f'time:{column.name}'))} would split by them"
            )
            found.append(Finding(column.name, text, "drop"))
        elif column.kind == "other":
            found.append(Finding(column.name, f"no numbers, but values such as {_short(column.example)}", "drop"))
    return found


def mostly_missing(columns: Sequence[Column]) -> list[Finding]:
    """Columns of numbers that would cost too many rows."""
    found = []
    for column in columns:
        absent = float(np.isnan(column.values).mean())
        if column.kind != "number" or absent <= MANY:
            continue
        strays = list((column.strays or {}).values())
        empty = absent - len(strays) / len(column.values)
        text = "all values missing" if empty == 1 else f"{_percent(empty)} of the values missing"
        if strays:
            also = f"; {text}" if empty > 0 else ""
            text = f"{len(strays):,} cells that are no numbers, such as {_short(strays[0])}{also}"
        found.append(Finding(column.name, text, "drop"))
    return found


def doubtful(columns: Sequence[Column]) -> list[Finding]:
    """Columns of numbers that can be read in two ways, a thousand times apart."""
    return [
        Finding(
            column.name, f"{_short(column.doubt[0])} can be read in two ways: --decimal . or --decimal ,", "decimal"
        )
        for column in columns
        if column.doubt is not None
    ]


def missing_cells(column: Column) -> list[Finding]:
    """Cells without a number that can be used, by row."""
    strays = column.strays or {}
    absent = [int(row) for row in np.flatnonzero(np.isnan(column.values)) if int(row) not in strays]
    infinite = np.flatnonzero(~np.isnan(column.values) & ~usable(column.values)).tolist()
    found = []
    if absent:
        found.append(Finding(column.name, f"missing in {_rows(absent)}", "missing"))
    if strays:
        cells = ", ".join(dict.fromkeys(_short(cell) for cell in list(strays.values())[:20]))
        found.append(Finding(column.name, f"not a number in {_rows(list(strays))}: {cells}", "missing"))
    if infinite:
        found.append(Finding(column.name, f"infinite, or beyond {LARGEST:.1g}, in {_rows(infinite)}", "missing"))
    return found


def precision(column: Column, keep: Mask, cell: float | None) -> list[Finding]:
    """Numbers so large that float32, in which flows compute, does not tell them apart."""
    values = column.values[keep]
    coarse = step(values)
    if coarse <= (COARSE * float(values.std()) if cell is None else cell / STEPS_IN_CELL):
        return []
    text = (
        f"numbers near {values[np.abs(values).argmax()]:.6g}, which float32 tells apart in steps of {coarse:g} only; "
        f"subtract their smallest, {values.min():.10g}, in the file, to keep the column"
    )
    return [Finding(column.name, text, "drop")]


def tied(column: Column, keep: Mask, *, counters: bool, noisy: bool) -> list[Finding]:
    """Values that repeat so often that no density fits them, or never, because they count the rows.

    Args:
        column: the column.
        keep: the rows that are used.
        counters: whether to look for columns that count the rows.
        noisy: whether the values get noise.
    """
    values = column.values[keep]
    found = ties(values)
    if found.distinct == 1:
        return [Finding(column.name, f"the same value everywhere, {values[0]:.6g}", "drop")]
    if found.share > ALMOST and not noisy:
        text = f"almost constant, {found.common:.6g} in {found.share:.2%} of the rows"
        return [Finding(column.name, text, "drop")]
    if counters and len(values) > 20 and found.distinct == len(values) and _counts(column.values):
        return [Finding(column.name, "counts the rows", "drop")]
    if noisy or not found.unbounded:
        return []
    if found.has_cells:
        return precision(column, keep, found.cell) or [Finding(column.name, _repeats(values, found), "dequantize")]
    instead = with_width(column, found)
    text = (
        f"{found.common:.6g} in {_percent(found.share)} of the rows, among values that are continuous; to keep it, "
        f"give it noise of a width that suits, such as {option('dequantize', quoted(instead))}"
    )
    return [Finding(column.name, text, "drop", instead)]


def _counts(values: NDArray[np.float64]) -> bool:
    """Whether they rise or fall by one step, or are whole numbers without a gap, in any order."""
    steps, gaps = np.diff(values), np.diff(np.sort(values))
    return bool(np.isfinite(steps).all() and ((steps == steps[0]).all() or (gaps == 1).all()))


def _repeats(values: NDArray[np.float64], found: Ties) -> str:
    whole = bool((values == np.rint(values)).all())
    kind = "whole numbers" if whole else "numbers"
    text = f"{kind} that repeat, {found.distinct:,} different ones in {found.rows:,} rows"
    if not (whole and found.cell == 1):
        text += f", at least {found.cell:.3g} apart"
    return text if found.share < 0.2 else f"{text}, {_percent(found.share)} of them {found.common:g}"


def with_width(column: Column, found: Ties) -> str:
    """What `dequantize` may be told where values have no cells: a width of about a thousandth of their range."""
    return f"{column.name}={10.0 ** math.floor(math.log10(found.range / 1000)):g}"


def explain(path: object, findings: Sequence[Finding], used: Sequence[str], given: Mapping[str, Any]) -> str:
    """The error: every column with what was found, and one set of options that settles it all.

    Args:
        path: the file.
        findings: what was found.
        used: the features.
        given: the options that the user gave.
    """
    by_column: dict[str, list[str]] = {}
    for finding in findings:
        by_column.setdefault(finding.column, []).append(finding.text)
    lines = [f"  {name}: {'; '.join(texts)}" for name, texts in by_column.items()]
    if len(lines) > 30:
        lines = [*lines[:30], f"  .. and {len(lines) - 30} more columns"]
    rows = " (rows are counted from 0)" if any(finding.remedy == "missing" for finding in findings) else ""
    if dropped(findings) >= set(used):
        findings = [replace(f, remedy="dequantize") if f.instead else f for f in findings]
    ending = "No column would be left: a density needs at least one column of numbers that differ"
    if not dropped(findings) >= set(used):
        ending = f"Use {suggestion(findings, given)}"
    total = len({*used, *by_column})
    return "\n".join([f"{path}: {len(by_column)} of {total} columns need a decision{rows}:", *lines, ending])


def dropped(findings: Sequence[Finding]) -> set[str]:
    """The columns that have to go."""
    return {finding.column for finding in findings if finding.remedy == "drop"}


def suggestion(findings: Sequence[Finding], given: Mapping[str, Any]) -> str:
    """The options that settle the findings together with those given already, for the shell."""
    gone = list(dict.fromkeys(finding.column for finding in findings if finding.remedy == "drop"))
    options: dict[str, Any] = dict(given)
    if "columns" in options:
        options["columns"] = [name for name in options["columns"] if name not in gone]
    elif gone:
        options["drop"] = [*options.get("drop", ()), *gone]
    cells = {f.column: f.instead or f.column for f in findings if f.remedy == "dequantize" and f.column not in gone}
    settled = {*gone, *cells}
    kept = [n for n in options.get("dequantize", ()) if n not in settled and n.rpartition("=")[0] not in settled]
    if kept or cells:
        options["dequantize"] = [*kept, *cells.values()]
    else:
        options.pop("dequantize", None)
    if any(finding.remedy == "missing" for finding in findings):
        options["missing"] = "drop"
    return options_of(options)


def _rows(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"row {rows[0]}"
    shown = ", ".join(str(row) for row in rows[:5])
    return f"rows {shown}" if len(rows) <= 5 else f"{len(rows):,} rows ({shown}, ..)"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else f"{text[:22]}..")
