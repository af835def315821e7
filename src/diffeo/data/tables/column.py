"""One column of a table: its numbers, or what it holds instead."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+([eE][+-]?\d+)?")


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
    """

    name: str
    kind: Literal["number", "date", "text", "other"]
    values: Numbers
    example: str = ""
    strays: dict[int, str] | None = None
    note: str = ""


def from_arrow(name: str, array: Any, *, decimal_comma: bool = False) -> Column:
    """A column from one of pyarrow's, whatever its type."""
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    kind, rows = array.type, len(array)
    if pa.types.is_null(kind):
        return Column(name, "number", np.full(rows, np.nan))
    if pa.types.is_duration(kind):
        array, kind = array.cast(pa.int64()), pa.int64()
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        whole = array.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(pa.float64(), safe=False)
        return Column(name, "date", _numbers(whole), example=_first(array.cast(pa.string())))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(name, array, decimal_comma=decimal_comma)
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return Column(name, "other", np.full(rows, np.nan), example=_first(array))
    return Column(name, "number", _numbers(array.cast(pa.float64(), safe=False)))


def from_numpy(name: str, array: NDArray[Any]) -> Column:
    """A column from one of numpy's."""
    if array.dtype.kind in "biuf":
        return Column(name, "number", array.astype(np.float64))
    if array.dtype.kind == "M":
        whole = array.astype("datetime64[us]")
        values = np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64))
        return Column(name, "date", values, example=str(array[0]) if len(array) else "")
    if array.dtype.kind in "US":
        import pyarrow as pa

        return _from_text(name, pa.array(array.astype(str)), decimal_comma=False)
    return Column(name, "other", np.full(len(array), np.nan), example=str(array[0]) if len(array) else "")


def _first(array: Any) -> str:
    present = array.drop_null()
    return str(present[0]) if len(present) else ""


def _numbers(array: Any) -> Numbers:
    numbers: Numbers = array.to_numpy().astype(np.float64)
    return numbers


def _from_text(name: str, array: Any, *, decimal_comma: bool) -> Column:
    """Text is of numbers if most of its cells are, some perhaps written with separators."""
    encoded = array.combine_chunks() if hasattr(array, "combine_chunks") else array
    encoded = encoded.dictionary_encode()
    cells = [str(cell) for cell in encoded.dictionary.to_pylist()]
    index = encoded.indices.to_numpy(zero_copy_only=False).astype(np.float64)
    given = ~np.isnan(index)
    index = np.where(given, index, 0).astype(np.int64)
    read, separators = _parse(cells, decimal_comma=decimal_comma)
    values = np.where(given, read[index], np.nan) if cells else np.full(len(array), np.nan)
    stray = given & np.isnan(values)
    if 2 * stray.sum() > given.sum():
        example = cells[int(index[np.flatnonzero(stray)[0]])]
        return Column(name, "text", np.full(len(array), np.nan), example=example)
    strays = {int(row): cells[index[row]] for row in np.flatnonzero(stray)}
    note = f"the commas in {name} were read as {separators}" if separators else ""
    return Column(name, "number", values, strays=strays, note=note)


def _parse(cells: list[str], *, decimal_comma: bool) -> tuple[Numbers, str]:
    """The numbers that cells are, NaN where they are none, and what their commas are taken for."""
    with_comma = [cell.strip() for cell in cells if "," in cell]
    grouped = sum(1 for cell in with_comma if THOUSANDS.fullmatch(cell))
    decimal = decimal_comma and sum(1 for cell in with_comma if DECIMAL_COMMA.fullmatch(cell)) >= grouped
    pattern, separators = (DECIMAL_COMMA, "decimal commas") if decimal else (THOUSANDS, "thousands separators")
    read, used = np.full(len(cells), np.nan), False
    for i, cell in enumerate(cells):
        text = cell.strip()
        if pattern.fullmatch(text):
            text = text.replace(".", "").replace(",", ".") if decimal else text.replace(",", "")
            used = True
        elif "," in text or "_" in text:
            continue
        try:
            read[i] = float(text)
        except ValueError:
            continue
    return read, separators if used else ""
