"""Which rows of a table train, validate and test."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Column

SEED = 0
TENTH = 2**64 // 10
Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]


def content_hashes(columns: Sequence[Column], keep: Mask) -> Hashes:
    """A number for every kept row that follows from its values alone: not from its place, nor from other rows.

    It is the start of a BLAKE2b hash of the values as little-endian float64, in the order of the columns' names,
    so it is the same on every machine. Zero and minus zero are the same value.
    """
    ordered = sorted(columns, key=lambda column: column.name)
    values = np.stack([column.values[keep] for column in ordered], axis=1) + 0.0  # (rows, columns)
    content, width = values.astype("<f8").tobytes(), 8 * len(ordered)
    salt = SEED.to_bytes(8, "little")
    digests = [
        hashlib.blake2b(content[start : start + width], digest_size=8, salt=salt).digest()
        for start in range(0, len(content), width)
    ]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


def by_content(hashes: Hashes, keep: Mask, *, copies_together: bool) -> list[Rows]:
    """About 80, 10 and 10 % of the rows by their hashes, so that rows that are added, or in another order, move none.

    Args:
        hashes: of the kept rows.
        keep: the rows to divide, among all of the file.
        copies_together: rows that are equal are in one part; otherwise the second, third, .. of equal rows is
            a row of its own.

    Where a part would be empty, which only happens to few rows, the hashes' order divides them: the last tenth of
    those that differ, at least one, tests, and as many before it validate.
    """
    if not copies_together:
        hashes = _mixed(hashes, _occurrence(hashes))
    part = np.searchsorted(np.array([8 * TENTH, 9 * TENTH], np.uint64), hashes, side="right")
    if len(np.unique(part)) < 3:
        distinct = np.unique(hashes)
        tenth = max(1, len(distinct) // 10)
        cuts = distinct[[max(0, len(distinct) - 2 * tenth), len(distinct) - tenth]]
        part = np.searchsorted(cuts, hashes, side="right")
    rows = np.flatnonzero(keep)
    return [rows[part == number] for number in range(3)]


def by_time(time: Column, keep: Mask) -> list[Rows]:
    """The oldest rows train, the latest tenth tests."""
    rows = np.flatnonzero(keep)
    order = rows[np.argsort(time.values[rows], kind="stable")]
    tenth = max(1, len(rows) // 10)
    return np.split(order, [len(rows) - 2 * tenth, len(rows) - tenth])


def _occurrence(hashes: Hashes) -> NDArray[np.int64]:
    """How many rows before it have the same hash."""
    order = np.argsort(hashes, kind="stable")
    first = np.r_[True, np.diff(hashes[order]) != 0]
    places = np.arange(len(hashes))
    starts = np.maximum.accumulate(np.where(first, places, 0))
    found = np.empty(len(hashes), np.int64)
    found[order] = places - starts
    return found


def _mixed(hashes: Hashes, occurrence: NDArray[np.int64]) -> Hashes:
    """Other hashes for all but the first of equal rows."""
    found: Hashes = hashes.copy()
    for row in np.flatnonzero(occurrence):
        text = f"{hashes[row]} {occurrence[row]}".encode()
        found[row] = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    return found
