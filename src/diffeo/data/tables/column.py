"""One column of a table: its numbers, or what it holds instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.formats import Numbers as Numbers
from diffeo.data.tables.formats import Reading, Written, remark, same_units, take_apart

AS_IT_STANDS = Reading()
TOGETHER = 2**14  # cells of several columns
LONGEST = 10_000  # bytes of a cell that is shown


@dataclass(frozen=True)
class Column:
    """A column as it was read.

    Attributes:
        name: as in the file.
        kind: ``"number"``; ``"date"``: dates or times; ``"text"``; ``"other"``: lists and the like.
        values: ``(rows,)``, NaN where there is none; dates as time since some moment, all NaN for text.
        example: some cell of a column that is not of numbers.
        strays: cells of a column of numbers that are no number, by row; their values are NaN.
        note: how its cells became numbers, if that was not plain.
        doubt: where nothing tells which of two readings is meant: such a cell, and the decimal sign it was read with.
        index: whether it numbers the rows, as pandas and R write it, and is no feature.
    """

    name: str
    kind: Literal["number", "date", "text", "other"]
    values: Numbers
    example: str = ""
    strays: dict[int, str] | None = None
    note: str = ""
    doubt: tuple[str, str] | None = None
    index: bool = False


@dataclass(frozen=True)
class Text:
    """A column of text: its distinct cells, which of them is in each row, and the cells taken apart as numbers.

    Attributes:
        cells: pyarrow's ``(distinct,)``.
        index: ``(rows,)``: numbers of cells, -1 where there is none.
        written: the cells as numbers.
    """

    cells: Any
    index: NDArray[np.int64]
    written: Written

    @staticmethod
    def of(arrays: Sequence[Any]) -> "list[Text]":
        """From pyarrow's columns of strings. Short ones are taken apart together, as each call takes its time."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found: list[Text] = []
        waiting: list[tuple[Any, NDArray[np.int64]]] = []  # cells, and which is in each row
        for number, array in enumerate(arrays):
            encoded = array.combine_chunks() if hasattr(array, "combine_chunks") else array
            encoded = encoded.dictionary_encode()
            index = pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
            waiting.append((encoded.dictionary.cast(pa.string()), index))
            if number + 1 < len(arrays) and sum(len(cells) for cells, _ in waiting) < TOGETHER:
                continue
            written = take_apart(pa.concat_arrays([cells for cells, _ in waiting]))
            ends = np.cumsum([len(cells) for cells, _ in waiting]).tolist()
            for (cells, index), end in zip(waiting, ends, strict=True):
                found.append(Text(cells, index, written.part(end - len(cells), end)))
            waiting = []
        return found


def is_text(array: Any) -> bool:
    """Whether an array is one of pyarrow's, of strings."""
    import pyarrow as pa

    kind = getattr(array, "type", None)
    return kind is not None and bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def from_arrow(name: str, array: Any) -> Column:
    """A column from one of pyarrow's, whatever its type but strings."""
    import pyarrow as pa

    kind, rows = array.type, len(array)
    if pa.types.is_null(kind):
        return Column(name, "number", np.full(rows, np.nan))
    if pa.types.is_duration(kind):
        array, kind = array.cast(pa.int64()), pa.int64()
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        whole = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(pa.float64(), safe=False)
        return Column(name, "date", _numbers(whole), example=_first_date(array))
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return Column(name, "other", np.full(rows, np.nan), example=_first(array))
    return Column(name, "number", _numbers(array.cast(pa.float64(), safe=False)))


def from_numpy(name: str, array: NDArray[Any]) -> Column:
    """A column from one of numpy's, of any type but strings."""
    if array.ndim != 1:  # a field of several numbers
        return Column(name, "other", np.full(len(array), np.nan), example=f"arrays of shape {array.shape[1:]}")
    if array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # of longdouble
            return Column(name, "number", array.astype(np.float64))
    if array.dtype.kind == "M":
        whole = array.astype("datetime64[us]")
        values = np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64))
        return Column(name, "date", values, example=str(array[0]) if len(array) else "")
    return Column(name, "other", np.full(len(array), np.nan), example=str(array[0]) if len(array) else "")


def from_text(name: str, text: Text, reading: Reading = AS_IT_STANDS, *, needed: bool = False) -> Column:
    """A column of strings: of numbers if most of its cells are, however written, or if such are `needed`."""
    written, rows = text.written, len(text.index)
    sign, why, doubtful = reading.sign(written)
    mine, unit = same_units(written)
    read = np.append(np.where(mine, written.values(sign), np.nan), np.nan)  # the last for rows without a cell
    values = read[text.index]
    stray = (text.index >= 0) & ~np.append(mine & written.fits[sign], False)[text.index]
    if 2 * stray.sum() > (text.index >= 0).sum() and not needed:
        example = text.cells[int(text.index[np.flatnonzero(stray)[0]])].as_py()
        return Column(name, "text", np.full(rows, np.nan), example=example)
    strays = {int(row): text.cells[int(text.index[row])].as_py() for row in np.flatnonzero(stray)}
    doubt = (text.cells[int(np.flatnonzero(written.open)[0])].as_py(), sign) if doubtful else None
    note = "" if doubtful else remark(name, written, sign, why, unit)
    return Column(name, "number", values, strays=strays, note=note, doubt=doubt)


def _first(array: Any) -> str:
    import pyarrow.compute as pc

    row = pc.index(array.is_valid(), True).as_py()
    if row < 0:
        return ""
    return str(array[row]) if array.slice(row, 1).nbytes <= LONGEST else f"something of type {array.type}"


def _first_date(array: Any) -> str:
    """As text, in its own time zone where that is known."""
    import pyarrow as pa

    one = array.drop_null().slice(0, 1)
    try:
        return _first(one.cast(pa.string()))
    except pa.ArrowException:
        return _first(one.cast(pa.timestamp(array.type.unit)).cast(pa.string()))


def _numbers(array: Any) -> Numbers:
    numbers: Numbers = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers
