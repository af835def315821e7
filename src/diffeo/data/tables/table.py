"""``table:PATH``: the rows of a file as a data set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part
from diffeo.data.tables.cells import fill, ties
from diffeo.data.tables.codes import read_codes, written
from diffeo.data.tables.column import Column
from diffeo.data.tables.far import Far
from diffeo.data.tables.files import Table, read_file
from diffeo.data.tables.findings import Finding, Mask, explain, missing_cells, suggestion, unusable, with_width
from diffeo.data.tables.reading import in_bytes
from diffeo.data.tables.reasons import unread
from diffeo.data.tables.roles import cells, features, names_of, time_column
from diffeo.data.tables.row_parts import Hashes, by_content, by_time, content_hashes
from diffeo.data.tables.settle import settled, too_wide
from diffeo.data.tables.spacing import grid
from diffeo.data.typed_names import without_advice
from diffeo.system.letters import readable
from diffeo.system.proposals import option, quoted

TABLE_OPTIONS = ("columns", "drop", "missing", "missing_values", "dequantize", "split", "header", "decimal", "largest")
SHOWN = 3  # far values that a note names
A_COLUMN = 5  # rows that train: with fewer, a note says so


def table(
    path: str,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    missing: str = "error",
    missing_values: Sequence[str | float] | str | float | None = None,
    dequantize: Sequence[str] | None = None,
    split: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    largest: int | str | None = None,
) -> Dataset:
    """A data set of the rows of a file: about 80 % train, 10 % validate, 10 % test.

    A row's part follows from its own values, in the columns that are used, so rows that are added or in another order
    move no other, and rows that are equal are in one part. Where every column is dequantized rows are equal by
    chance, and each counts for itself.

    Args:
        path: .csv, .tsv, .txt (also packed as .gz, .bz2), .parquet, .npy or .npz; one array of several is
            ``FILE.npz#NAME``.
        columns: use these, in this order; all if not given.
        drop: use all but these.
        missing: ``"error"``, or ``"drop"``: leave out rows where a value is missing, infinite or no number.
        missing_values: numbers that stand for a missing value: ``-9999`` in every column, ``"age=0"`` in one. Those
            that look like it are an error; ``"age=keep"`` says that every number of a column is what it is, and
            ``"keep"`` that all are.
        dequantize: columns that get uniform noise, so that value v becomes a point of [v, v + cell). The cell
            is the smallest distance between two values, or what follows an equals sign: ``"age=0.5"``.
        split: ``"time:COLUMN"``: the oldest rows train, the latest test; by a hash of the values if not given.
            The column orders the rows and is no feature, unless it is among `columns`.
        header: of text: whether the first line names the columns; found by comparison with those below if not given.
        decimal: ``"."`` or ``","``: the decimal sign, where cells such as 1.234 can be read both ways; otherwise
            cells that can be read in one way only decide, of the same column or else of the others.
        largest: the most that the file may take when it is unpacked, in bytes or as ``"8GB"``, or its cells at 8 bytes
            each and 4 kB a column at least; 512 MB, or 20 times the file if that is more, if not given.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be read, an option does not fit, or columns have no density as they are:
            the error names all of them and ends in options that work.
    """
    given = _given(missing, missing_values, split, columns=columns, drop=drop, dequantize=dequantize)
    given |= _of_the_file(header, decimal, largest)
    file = read_file(path, header=header, decimal=decimal, known=given.get("columns", []), largest=in_bytes(largest))
    codes = read_codes(given.get("missing_values", []), [column.name for column in file.columns])
    numbers, replaced = codes.applied(file.columns)
    file = replace(file, columns=numbers)
    time = time_column(file, split)
    used = features(file, given.get("columns", []), given.get("drop", []), time)
    noisy = cells(used, given.get("dequantize", []))
    keep, strange = settled(file, used, time, noisy, given, codes)
    widths = _widths(used, noisy, keep, given)
    x = _float32(used, widths)
    hashes = content_hashes(used, keep)
    together = len(widths) < len(used)
    rows = by_content(hashes, keep, copies_together=together) if time is None else by_time(time, keep)
    if len(rows[0]) <= len(used):
        raise ValueError(too_wide(file, used, time, len(rows[0]), given, codes))

    names = {column.name for column in used}

    import torch  # what is refused above does not wait for it

    train, validation, test = (Part(torch.from_numpy(x[part]), rows=torch.from_numpy(part)) for part in rows)
    return Dataset(
        readable(f"table:{path}"),
        train,
        validation,
        test,
        source=file.path.name,
        options=given | _with_widths(widths) | ({"decimal": ","} if file.decimal == "," else {}),
        columns=tuple(column.name for column in used),
        notes=(
            *file.notes,
            *_index_notes(file, used, given),
            *(note for note in replaced if note.partition(": ")[0] in names),
            *_notes(used, time, keep, widths, hashes),
            *_far_notes(used, keep, strange),
            *_few_notes(len(train), len(used)),
        ),
        grids={
            column.name: grid(column.values[keep], column.values[rows[0]], widths[column.name])
            for column in used
            if column.name in widths
        },
    )


def read_table(
    path: str,
    *,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] | None = None,
    missing: str = "error",
    missing_values: Sequence[str | float] | str | float | None = None,
    dequantize: Sequence[str] | None = None,
    split: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
    largest: int | str | None = None,
) -> Part:
    """All rows of a file; the options are :func:`table`'s.

    What a density needs (columns that vary, no ties) is not asked of these rows, and columns to be dropped
    or to split by need not be there. With ``missing="drop"`` the rows without a number in every column are
    :attr:`Part.unread`, each with the reason.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be read, or a column that is needed is not there or not of numbers.
    """
    given = _given(missing, missing_values, columns=columns, drop=drop, dequantize=dequantize)
    given |= _of_the_file(header, decimal, largest)
    known = given.get("columns", [])
    file = read_file(path, header=header, decimal=decimal or ".", known=known, numbers=True, largest=in_bytes(largest))
    there = {column.name for column in file.columns}
    entries = given.pop("missing_values", [])
    codes = [entry for entry in entries if "=" not in entry or entry.rpartition("=")[0] in there]
    file = replace(file, columns=read_codes(codes, there).applied(file.columns)[0])
    time = time_column(file, split) if split and not columns and names_of(split.partition(":")[2])[0] in there else None
    dropped = [name for name in given.pop("drop", []) if name in there]
    used = features(file, given.get("columns", []), dropped, time)
    noisy = cells(used, given.get("dequantize", []))
    if missing == "error":
        _refuse_holes(file, used, given)
    lost = unread(used)
    keep = np.ones(file.rows, dtype=bool)
    keep[[row.row for row in lost]] = False
    x = _float32(used, _widths(used, noisy, keep, given) if keep.any() else {})
    rows = np.flatnonzero(keep)
    names = tuple(column.name for column in used)
    extra = sorted(there.difference(names)) if columns else []
    notes = [without_advice(note) for note in file.notes]  # options of a training
    notes += [column.note for column in used if column.note]
    if extra:
        notes.append(f"left out columns that are not used: {', '.join(extra)}")
    import torch

    return Part(torch.from_numpy(x[rows]), rows=torch.from_numpy(rows), columns=names, unread=lost, notes=tuple(notes))


def _refuse_holes(file: Table, used: Sequence[Column], given: Mapping[str, Any]) -> None:
    found = unusable(used)
    if found:
        lines = "".join(f"\n  {finding.column}: {finding.text}" for finding in found)
        raise ValueError(f"{file.path}: columns that are needed cannot be read as numbers:{lines}")
    found = [finding for column in used for finding in missing_cells(column)]
    if found:
        raise ValueError(explain(file.path, found, [column.name for column in used], given))


def _given(
    missing: str,
    missing_values: Sequence[str | float] | str | float | None,
    split: str | None = None,
    **names: Sequence[str] | None,
) -> dict[str, Any]:
    """The options that differ from their defaults, checked as far as that goes without the file."""
    if missing not in ("error", "drop"):
        raise ValueError(f"missing is {missing!r}, expected 'error' or 'drop'. Use --missing drop")
    given: dict[str, Any] = {name: names_of(value) for name, value in names.items() if value}
    if missing_values is not None:
        given["missing_values"] = (
            [str(value) for value in missing_values]
            if isinstance(missing_values, Iterable) and not isinstance(missing_values, str)
            else [str(missing_values)]
        )
    return given | ({"missing": missing} if missing == "drop" else {}) | ({"split": split} if split else {})


def _of_the_file(header: bool | None, decimal: str | None, largest: int | str | None) -> dict[str, Any]:
    """How the file is to be read, checked."""
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal is {decimal!r}, expected '.' or ','. Use --decimal ,")
    size = None if largest is None else str(in_bytes(largest))
    given = (("header", header), ("decimal", decimal), ("largest", size))
    return {name: value for name, value in given if value is not None}


def _index_notes(file: Table, used: Sequence[Column], given: Mapping[str, Any]) -> list[str]:
    gone = {column.name for column in used} | set(given.get("drop", []))
    left = [column.name for column in file.columns if column.index and column.name not in gone]
    one = len(left) == 1
    text = (
        f"left out {', '.join(left)}, which number{'s' * one} the rows; --columns can take {'it' if one else 'them'} in"
    )
    return [text] * bool(left)


def _widths(
    used: Sequence[Column], noisy: Mapping[str, float | None], keep: Mask, given: Mapping[str, Any]
) -> dict[str, float]:
    widths = {}
    for column in used:
        if column.name not in noisy:
            continue
        width = noisy[column.name]
        if width is None:
            found = ties(column.values[keep])
            if not found.has_cells:
                raise ValueError(
                    f"{column.name} has {found.distinct:,} different values in {found.rows:,} rows, too close to one "
                    f"another to tell the width of its noise. "
                    f"Use {suggestion([Finding(column.name, '', 'dequantize', with_width(column, found))], given)}"
                )
            width = found.cell
        widths[column.name] = width
    return widths


def _with_widths(widths: Mapping[str, float]) -> dict[str, list[str]]:
    """The option that gives the same cells again, on other rows too."""
    return {"dequantize": [f"{name}={width!r}" for name, width in widths.items()]} if widths else {}


def _float32(used: Sequence[Column], widths: Mapping[str, float]) -> NDArray[np.float32]:
    x = np.empty((len(used[0].values), len(used)), np.float32)  # (rows, columns)
    with np.errstate(over="ignore", invalid="ignore"):  # of rows that are left out
        for i, column in enumerate(used):
            width = widths.get(column.name)
            x[:, i] = column.values if width is None else fill(column.name, column.values, width)
    return x


def _notes(
    used: Sequence[Column], time: Column | None, keep: Mask, widths: Mapping[str, float], hashes: Hashes
) -> list[str]:
    notes = [column.note for column in used if column.note]
    left_out = int((~keep).sum())
    if left_out:
        notes.append(f"left out {left_out:,} of {len(keep):,} rows: a value is missing, infinite or no number")
    if time is not None:
        feature = "" if time in used else ", and is no feature"
        notes.append(f"{time.name} orders the rows: the oldest train, the latest test{feature}")
    notes += [f"{name}: added uniform noise of width {width:g}" for name, width in widths.items()]
    alike = len(hashes) - len(np.unique(hashes))
    if alike:
        where = "in the same part" if time is None and len(widths) < len(used) else "not kept in one part"
        notes.append(f"{alike:,} of {len(hashes):,} rows equal another row: they are {where}")
    return notes


def _far_notes(used: Sequence[Column], keep: Mask, strange: Mapping[str, Far]) -> list[str]:
    """Far values that are trained on."""
    notes = []
    for column in used:
        found = strange.get(column.name)
        if found is None:
            continue
        others = f"the others are {found.low:.6g} to {found.high:.6g}"
        rows = [row for row in found.outliers.tolist() if keep[row]]
        if rows:
            some = ", ".join(f"{written(float(column.values[row]))} in row {row}" for row in rows[:SHOWN])
            some += ", .." * (len(rows) > SHOWN)
            values = f"{len(rows):,} value{'s' * (len(rows) > 1)}"
            notes.append(f"{column.name}: {values} far from the others: {some}; {others}")
        for value, count in found.doubtful.items():
            notes.append(
                f"{column.name}: {written(value)} in {count:,} rows, and {others}: if it stands for a missing value, "
                f"use {option('missing-values', quoted(f'{column.name}={written(value)}'))} --missing drop"
            )
    return notes


def _few_notes(train: int, columns: int) -> list[str]:
    if train >= A_COLUMN * columns:
        return []
    return [f"only {train:,} rows train a density of {columns:,} columns: it will say little about others"]
