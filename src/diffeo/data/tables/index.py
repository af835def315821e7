"""Columns that number the rows, which pandas and R write beside the data."""

import re

import numpy as np

from diffeo.data.tables.formats import Numbers

UNNAMED = re.compile(r"(unnamed(: ?\d+(\.\d+)?)?(\.\d+)?|__index_level_\d+__)", re.IGNORECASE)
NAMED = re.compile(r"(index|level_\d+|row[._]?names?|row[._]?(index|number|id))", re.IGNORECASE)
WITHIN = 20  # times as many rows there may have been before some were taken
RISING = 0.9  # share of rows that are the one after the row above, in an index of tables put together


def numbers_rows(name: str, values: Numbers, *, told: bool = False) -> bool:
    """Whether a column is an index: in order, shuffled, or of some of the rows.

    A column without a name is one if its whole numbers differ, or nearly all follow the one above; one that is called
    index, or that the file says is one, if they differ and could be places of rows. Others are not judged here.

    Args:
        name: its name; of a column without one what pandas, or this library, calls it.
        values: its numbers.
        told: whether the file says that it is the index.
    """
    unnamed, named = UNNAMED.fullmatch(name) is not None, told or NAMED.fullmatch(name) is not None
    if not (unnamed or named) or not len(values) or not np.isfinite(values).all():
        return False
    if not ((values == np.rint(values)) & (values >= 0)).all():
        return False
    if len(np.unique(values)) == len(values):
        return unnamed or bool(values.max() <= WITHIN * max(len(values), 10))
    return unnamed and bool((np.diff(values) == 1).mean() >= RISING)
