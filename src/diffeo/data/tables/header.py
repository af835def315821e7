"""Whether the first line of a file names its columns or is a row like those below."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.formats import Numbers, take_apart

ABSENT, NUMBER, DATE, TEXT = range(4)
DATES = r"^\d{4}[-./년] ?\d{1,2}([-./월]|$)|^\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|^\d{1,2}:\d{2}"
MOST = 0.8  # share of a column's cells from which it is of their kind
FEW = 0.1  # share of the rows below that may look like a header
FAR = 3  # ranges of a column beyond its smallest and largest value


def is_header(
    lines: Sequence[Sequence[str]], given: bool | None, known: Sequence[str], absent: Sequence[str]
) -> tuple[bool, str]:
    """Whether the first of some lines is a header, by what stands below; and why, where it could be a row.

    Args:
        lines: the first lines of the file, in cells.
        given: what the user says.
        known: columns that are wanted: where they name cells of the first line, or places of a file without a header,
            that decides.
        absent: cells that stand for a missing value.
    """
    first = [cell.strip() for cell in lines[0]]
    if known and set(known) <= set(first):
        return True, ""
    if known and set(known) <= {f"x{i}" for i in range(len(first))}:
        return False, ""
    if given is not None:
        return given, ""
    cells = np.array([[cell.strip() for cell in line] for line in lines if len(line) == len(first)], object)
    kinds, values = _kinds(cells, absent)
    if len(cells) == 1:
        return bool((kinds[0] == TEXT).any() or not (kinds[0] == NUMBER).any()), ""
    names, rows, judged = _compare(cells, kinds, values)
    if names == rows == 0:
        names, rows = int((kinds[0] != NUMBER).any()), 1
    return names >= rows, judged if names >= rows else ""


def _compare(cells: NDArray[np.object_], kinds: NDArray[np.int64], values: Numbers) -> tuple[int, int, str]:
    """How many columns have a first cell that is unlike those below, how many one that is like them; a remark."""
    below = kinds[1:]
    given = np.maximum((below != ABSENT).sum(0), 1)
    numbers, dates = ((below == kind).sum(0) >= MOST * given for kind in (NUMBER, DATE))
    texts = ~numbers & ~dates & (below != ABSENT).any(0)
    first = kinds[0]
    unlike = (numbers & np.isin(first, (DATE, TEXT))) | (dates & np.isin(first, (NUMBER, TEXT)))
    alike = dates & (first == DATE)
    for j in np.flatnonzero(texts & (first == TEXT)):
        alike[j] = cells[0, j] in cells[1:, j] or _same_letters(cells[:, j], below[:, j])
    both = numbers & (first == NUMBER)
    names, rows = int(unlike.sum()), int(alike.sum())
    if not both.any():
        return names, rows, ""
    starts = (0, 1) if (first == TEXT).any() else (0,)
    if len(first) > 1 and _names(values[0, both], values[1:, both], starts):
        shown = ", ".join(cells[0, both][:2]) + (", .." if both.sum() > 2 else "")
        return (
            names + int(both.sum()),
            rows,
            f"{shown} in the first line {'are names' if both.sum() > 1 else 'is a name'}",
        )
    return names, rows + int(both.sum()), ""


def _kinds(cells: NDArray[np.object_], absent: Sequence[str]) -> tuple[NDArray[np.int64], Numbers]:
    import pyarrow as pa
    import pyarrow.compute as pc

    flat = pa.array(cells.ravel().tolist(), pa.string())
    written = take_apart(flat)
    sign = written.sign or "."
    kinds = np.where(written.fits["."] | written.fits[","], NUMBER, TEXT)
    dates = pc.match_substring_regex(flat, DATES).to_numpy(zero_copy_only=False).astype(bool)
    kinds[dates & ~written.fits["."]] = DATE
    kinds[np.isin(cells.ravel().astype(str), [cell.strip() for cell in absent])] = ABSENT
    return kinds.reshape(cells.shape), written.values(sign).reshape(cells.shape)


def _names(first: Numbers, below: Numbers, starts: tuple[int, ...]) -> bool:
    """Whether numbers in a first line, over columns of numbers, are names: years, wavelengths, places from `starts`."""
    count = len(first)
    if not np.isfinite(first).all() or len(np.unique(first)) < count:
        return False
    finite = np.where(np.isfinite(below), below, np.nan)
    with np.errstate(invalid="ignore"):
        low, high = np.fmin.reduce(finite, 0), np.fmax.reduce(finite, 0)
        far = (first < low - FAR * (high - low)) | (first > high + FAR * (high - low))
        whole = np.array([_whole(first)]) & (np.mean(finite == np.rint(finite), axis=0) <= FEW)
    enough = len(below) > 2
    if enough and (far.mean() > 0.5 or (count > 1 and whole.all())):
        return True
    return count > 1 and any(
        looks(first[None])[0] and looks(finite).mean() < FEW
        for looks in (partial(_counted, starts), _years, _spaced, _rising)
    )


def _whole(values: Numbers) -> bool:
    return bool((values == np.rint(values)).all())


def _counted(starts: tuple[int, ...], rows: Numbers) -> NDArray[np.bool_]:
    """0, 1, 2, .., as arrays in tables have it."""
    return np.asarray(np.isin(rows[:, 0], starts) & (np.diff(rows) == 1).all(1))


def _years(rows: Numbers) -> NDArray[np.bool_]:
    return np.asarray((rows[:, 0] >= 1800) & (rows[:, -1] <= 2200) & (np.diff(rows) == 1).all(1))


def _spaced(rows: Numbers) -> NDArray[np.bool_]:
    """Three or more at one distance."""
    steps = np.diff(rows)
    if steps.shape[1] < 2:
        return np.zeros(len(rows), bool)
    return np.asarray(np.isclose(steps, steps[:, :1], rtol=1e-6, atol=0).all(1) & (steps[:, 0] != 0))


def _rising(rows: Numbers) -> NDArray[np.bool_]:
    """Five or more that only rise, or only fall."""
    steps = np.diff(rows)
    if steps.shape[1] < 4:
        return np.zeros(len(rows), bool)
    return np.asarray((steps > 0).all(1) | (steps < 0).all(1))


def _same_letters(column: NDArray[np.object_], kinds: NDArray[np.int64]) -> bool:
    """Whether every cell has letters and digits in the same places, as in s01, s02, .."""
    import re

    masks = {re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", cell)) for cell in column[1:][kinds != ABSENT]}
    own = re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "a", column[0]))
    return len(column) > 3 and masks == {own} and "9" in own
