"""What keeps a table from having a density, column by column, and the options that settle all of it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.cells import Ties, step, ties
from diffeo.data.tables.codes import KEEP, written
from diffeo.data.tables.column import Column
from diffeo.data.tables.far import Far
from diffeo.system.proposals import option, options_of, quoted, word

MANY = 1 / 3  # share of missing values from which the column goes, rather than the rows
ALMOST = 0.99  # share of one value from which a column is as good as constant
COARSE = 1e-3  # of a column's standard deviation: float32's steps must be finer
STEPS_IN_CELL = 16  # float32 numbers that a cell must hold
LARGEST = float(np.finfo(np.float32).max)
UNIT = re.compile(r"\s*[^\w\s]?\s*\d[\d.,]*\s*(\D{1,5})?")  # 52%, $1,200, 300원
DATE = re.compile(r"\s*\d{1,4}([./-]) ?\d{1,2}\1 ?(\d{2}|\d{4})\b")  # 31.01.2026, 1/31/26, 2026. 1. 31
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a column, and what settles it.

    Attributes:
        column: its name.
        text: what was found.
        remedy: the option that settles it.
        value: what the option is told, where that is more than the column's name: ``NAME=WIDTH`` of noise, or
            ``NAME=VALUE`` of a code for a missing value.
    """

    column: str
    text: str
    remedy: Literal["drop", "dequantize", "missing", "missing_values", "decimal"]
    value: str = ""


def usable(values: NDArray[np.float64]) -> Mask:
    """Where there is a number that float32 has."""
    return np.abs(values) <= LARGEST


def unusable(columns: Sequence[Column]) -> list[Finding]:
    """Columns that are not of numbers."""
    found = []
    for column in columns:
        if column.kind == "text":
            hint = ""
            if DATE.match(column.example):
                hint = "; a date is read as one where it is written as 2026-01-31"
            elif UNIT.fullmatch(column.example):
                hint = "; to keep it, write numbers without signs and units"
            found.append(Finding(column.name, f"text, such as {_short(column.example)}{hint}", "drop"))
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
    if counters and len(values) > 20 and found.distinct == len(values) and _counts(column.values):
        return [Finding(column.name, "counts the rows", "drop")]
    if noisy or not found.unbounded:
        return []
    width = found.width
    if found.share > ALMOST:
        text = f"almost constant, {found.common:.6g} in {found.share:.2%} of the rows"
    elif width == found.cell:
        text = _repeats(values, found)
    else:
        text = f"{found.common:.6g} in {_percent(found.share)} of the rows, among values that are continuous"
    if width != found.cell:
        text += f": noise of width {width:g} spreads it"
    value = "" if width == found.cell and found.has_cells else with_width(column, found)
    return precision(column, keep, width) or [Finding(column.name, text, "dequantize", value)]


def _counts(values: NDArray[np.float64]) -> bool:
    """Whether they rise or fall by one step, or are whole numbers without a gap, in any order."""
    if not np.isfinite(values).all():
        return False
    steps, gaps = np.diff(values), np.diff(np.sort(values))
    return bool((steps == steps[0]).all() or (gaps == 1).all())


def _repeats(values: NDArray[np.float64], found: Ties) -> str:
    whole = bool((values == np.rint(values)).all())
    kind = "whole numbers" if whole else "numbers"
    text = f"{kind} that repeat, {found.distinct:,} different ones in {found.rows:,} rows"
    if not (whole and found.cell == 1):
        text += f", at least {found.cell:.3g} apart"
    return text if found.share < 0.2 else f"{text}, {_percent(found.share)} of them {found.common:g}"


def with_width(column: Column, found: Ties) -> str:
    """What `dequantize` is told where the distance of two values is no width for noise."""
    return f"{column.name}={found.width:g}"


def codes(column: Column, found: Far) -> list[Finding]:
    """Values that stand for a missing value, and those beside which float32 loses all others."""
    others = f"the others, {found.low:.6g} to {found.high:.6g}"
    lines = []
    for value, count in found.codes.items():
        text = f"{written(value)} in {count:,} rows, apart from {others}: a code for a missing value, it seems"
        lines.append((value, text))
    for row in found.lost.tolist():
        value = float(column.values[row])
        text = f"{written(value)} in row {row}, so far from {others}, that float32 cannot hold them beside it"
        lines.append((value, text))
    if lines:
        keep = f" (if not: {option('missing-values', quoted(f'{column.name}={KEEP}'))})"
        lines[-1] = (lines[-1][0], lines[-1][1] + keep)
    return [Finding(column.name, text, "missing_values", f"{column.name}={written(value)}") for value, text in lines]


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
    rows = " (rows are counted from 0)" if any(f.remedy.startswith("missing") for f in findings) else ""
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
    left = [finding for finding in findings if finding.column not in gone]
    cells = {f.column: f.value or f.column for f in left if f.remedy == "dequantize"}
    settled = {*gone, *cells}
    kept = [n for n in options.get("dequantize", ()) if n not in settled and n.rpartition("=")[0] not in settled]
    if kept or cells:
        options["dequantize"] = [*kept, *cells.values()]
    else:
        options.pop("dequantize", None)
    values = [finding.value for finding in left if finding.remedy == "missing_values"]
    if values:
        options["missing_values"] = [*options.get("missing_values", ()), *_together(values)]
    if any(finding.remedy.startswith("missing") for finding in left):
        options["missing"] = "drop"
    return options_of(options)


def _together(entries: Sequence[str]) -> list[str]:
    """``NAME=VALUE``, or the value alone where more than a few columns have it; zero is one of many values."""
    values = [entry.rpartition("=")[2] for entry in entries]
    often = {value for value, count in Counter(values).items() if count > 3 and value != "0"}
    return list(dict.fromkeys(v if v in often else e for e, v in zip(entries, values, strict=True)))


def _rows(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"row {rows[0]}"
    shown = ", ".join(str(row) for row in rows[:5])
    return f"rows {shown}" if len(rows) <= 5 else f"{len(rows):,} rows ({shown}, ..)"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else f"{text[:22]}..")
