"""Files of tables: CSV, Parquet, npy and npz, each as a list of columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.column import Column, Text, from_arrow, from_numpy, from_text, is_text
from diffeo.data.tables.formats import Reading, may_be_thousands, sign_of_most
from diffeo.data.tables.index import numbers_rows
from diffeo.data.tables.reading import Limit, reading, size_of
from diffeo.data.typed_names import composed, existing, nearest
from diffeo.system.letters import readable
from diffeo.system.proposals import word

TEXT = (".csv", ".tsv", ".txt", ".data", ".dat")
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
ARROW = (".parquet", ".pq", ".feather", ".arrow")
PIECE = 2**24  # bytes that are unpacked at once
SHOWN = 20  # names that a message lists


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes:
        path: the file.
        columns: as they are in it.
        rows: how many.
        notes: how it was read, where that was not plain.
        decimal: the decimal sign that was given, or that its columns have; None where nothing tells.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: int
    notes: tuple[str, ...]
    decimal: str | None = None


@dataclass(frozen=True)
class Raw:
    """Columns as a file has them.

    Attributes:
        names: of the columns.
        arrays: pyarrow's or numpy's.
        notes: how they were read.
        points: how many of them are numbers already that were written with decimal points.
        commas: whether commas separate the cells, as far as anything does.
        index: the columns that the file says are its index.
    """

    names: list[str]
    arrays: list[Any]
    notes: list[str]
    points: int = 0
    commas: bool = True
    index: tuple[str, ...] = ()


def read_file(
    source: str,
    *,
    header: bool | None = None,
    decimal: str | None = None,
    known: Sequence[str] = (),
    numbers: bool = False,
    largest: int | None = None,
) -> Table:
    """The table in a file; ``FILE.npz#NAME`` is one array of several.

    Args:
        source: the file.
        header: of text: whether the first line names the columns; by comparison with those below if not given.
        decimal: ``"."`` or ``","``: which is the decimal sign, where cells can be read both ways.
        known: columns that are wanted, by which a header is known.
        numbers: whether these are known to hold numbers, so that text in them is cells that are none.
        largest: the most bytes that it may take, as :class:`~diffeo.data.tables.reading.Limit` counts them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not of a kind that can be read, damaged, empty, or too large.
    """
    path, key = _path_and_key(source)
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Use folder:{path} for images, or give a file")
    shown = Path(readable(str(path)))
    limit = Limit.of(shown, size_of(path), largest)
    ending = next((s for s in reversed(path.suffixes) if s.lower() not in PACKED), "").lower()
    if ending in TEXT:
        raw = _from_csv(path, shown, header, known, limit)
    elif header is not None and not numbers:  # of a run on text, whose new rows may come in another kind of file
        raise ValueError(f"{shown.name} needs no header: its columns have names of their own. Leave --header out")
    elif ending in (".npz", ".npy"):
        raw = _from_numpy(path, shown, key, limit)
    elif ending in ARROW:
        raw = _from_arrow_file(path, shown, limit)
    else:
        raise ValueError(
            f"{shown.name}: a table is read from {', '.join(TEXT[:3])} (also packed as .gz, .bz2), .parquet, .feather, "
            f".npy or .npz. Save it as CSV (UTF-8)"
        )
    with reading(shown, "table"):  # of columns as libraries have them
        columns, sign = _columns(raw, decimal, known if numbers else ())
    rows = len(columns[0].values) if columns else 0
    if not rows:
        raise ValueError(f"{shown} holds no rows" + (", only a header" if columns else ""))
    return Table(shown, tuple(columns), rows, tuple(raw.notes), sign)


def _path_and_key(source: str) -> tuple[Path, str | None]:
    before, mark, after = source.rpartition("#")
    if mark and before.lower().endswith(".npz"):
        return existing(before), after
    return existing(source), None


def _content(path: Path, shown: Path, limit: Limit) -> bytes:
    """What is in the file, unpacked; of one that is not packed as much as its size says."""
    size, packed = path.stat().st_size, PACKED.get(path.suffix.lower())
    if packed is None:
        limit.check(size)
        with reading(shown, "text"), path.open("rb") as file:
            return file.read(size)
    import pyarrow as pa

    with reading(shown, f"{packed} file"):
        stream = pa.input_stream(str(path), compression=packed)
    found = bytearray()
    with stream:
        while True:
            with reading(shown, f"{packed} file"):
                some = stream.read(PIECE)
                found += some
            if not some:
                return bytes(found)
            limit.check(len(found), exact=False)


def _from_csv(path: Path, shown: Path, header: bool | None, known: Sequence[str], limit: Limit) -> Raw:
    import pyarrow as pa

    from diffeo.data.tables.csv_text import parse_csv

    cells = parse_csv(shown, _content(path, shown, limit), header=header, known=known, limit=limit)
    table = cells.table
    floats = {name: column for name, column in zip(table.column_names, table.columns, strict=True)
              if pa.types.is_floating(column.type)}  # fmt: skip
    unsure = [name for name, column in floats.items() if may_be_thousands(column.to_numpy())]
    if unsure and cells.grouped:
        table = cells.read_again(dict.fromkeys(unsure, pa.string()))
    there = [bool(name.strip()) or column.null_count < len(column)  # a comma at the ends of lines opens no column
             for name, column in zip(table.column_names, table.columns, strict=True)]  # fmt: skip
    names, renamed = unique(table.column_names)
    gone = {name for name, kept in zip(names, there, strict=True) if not kept}
    notes = cells.notes + _renamed([name for name in renamed if name not in gone])
    return Raw(
        [name for name, kept in zip(names, there, strict=True) if kept],
        [column for column, kept in zip(table.columns, there, strict=True) if kept],
        notes,
        points=len(floats) - len(unsure) * cells.grouped,
        commas=cells.commas,
    )


def _from_arrow_file(path: Path, shown: Path, limit: Limit) -> Raw:
    from diffeo.data.tables.arrow_files import index_columns, read_feather, read_parquet

    table = (read_parquet if path.suffix.lower() in (".parquet", ".pq") else read_feather)(path, shown, limit)
    with reading(shown, "table"):
        names, renamed = unique(table.column_names)
        told = set(index_columns(table.schema))
        index = tuple(name for name, given in zip(names, table.column_names, strict=True) if given in told)
        return Raw(names, [_plain(column) for column in table.columns], _renamed(renamed), index=index)


def _renamed(names: Sequence[str]) -> list[str]:
    some = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return [f"two columns have one name, so some are called {some}"] * bool(names)


def _plain(array: Any) -> Any:
    """A column of pyarrow's without a dictionary, and of strings as a CSV would give it."""
    import pyarrow as pa

    from diffeo.data.tables.csv_text import typed

    if pa.types.is_dictionary(array.type) and not pa.types.is_binary(array.type.value_type):
        array = array.cast(array.type.value_type)
    return typed(array) if is_text(array) else array


def _columns(raw: Raw, decimal: str | None, numbers: Sequence[str]) -> tuple[list[Column], str | None]:
    """The columns, and the decimal sign that was given or that they show."""
    found = iter(Text.of([array for array in raw.arrays if is_text(array)]))
    texts = [next(found) if is_text(array) else None for array in raw.arrays]
    own = [text.written.sign if text is not None and text.written.numeric else None for text in texts]
    point, comma = own.count(".") + raw.points, own.count(",")
    columns = []
    for name, array, text, sign in zip(raw.names, raw.arrays, texts, own, strict=True):
        if text is not None:
            others = sign_of_most(point - (sign == "."), comma - (sign == ","))
            reading = Reading(given=decimal, file=others, commas=raw.commas)
            column = from_text(name, text, reading, needed=name in numbers)
        else:
            column = from_numpy(name, array) if isinstance(array, np.ndarray) else from_arrow(name, array)
        if column.kind == "number" and numbers_rows(name, column.values, told=name in raw.index):
            column = replace(column, index=True)
        columns.append(column)
    if all(column.index for column in columns):
        columns = [replace(column, index=False) for column in columns]
    return columns, decimal or sign_of_most(point, comma)


def unique(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names without two alike, and those that had to be made up.

    Example:
        >>> unique(["age", "age", ""])
        (['age', 'age.2', 'unnamed'], ['age.2'])
    """
    taken: dict[str, None] = {}
    last: dict[str, int] = {}  # numbers that were tried
    renamed = []
    for given in names:
        name = wanted = composed(given.strip()) or "unnamed"
        while name in taken:
            last[wanted] = last.get(wanted, 1) + 1
            name = f"{wanted}.{last[wanted]}"
        if name != wanted:
            renamed.append(name)
        taken[name] = None
    return list(taken), renamed


def _from_numpy(path: Path, shown: Path, key: str | None, limit: Limit) -> Raw:
    from diffeo.data.tables.numpy_files import Arrays

    with Arrays(path, shown, limit) as arrays:
        if not arrays.packed:
            return _from_array(shown, arrays.read(""), [])
        there = arrays.headers
        if not there:
            raise ValueError(f"{shown} holds no arrays. Write it with numpy.savez")
        shapes = {header.shape for header in there.values()}
        if key is None and "X" in there:
            key = "X"
        if key is None and len(there) == 1:
            key = next(iter(there))
        if key is None and len(shapes) == 1 and len(next(iter(shapes))) == 1:
            limit.check_cells(next(iter(shapes))[0], len(there))
            return _columns_of(shown, {name: arrays.read(name) for name in there}, [])
        if key not in there:
            some = [f"{name} {header.shape}" for name, header in there.items()]
            listed = ", ".join(some[:SHOWN]) + f" and {len(some) - SHOWN:,} more" * (len(some) > SHOWN) or "none"
            given = "choose one" if key is None else f"there is no {key!r}.{nearest(key, there)} Choose one"
            example = word(f"table:{shown}#{next(iter(there), '')}")
            raise ValueError(f"{shown.name} holds the arrays {listed}: {given}, for example {example}")
        others = [name for name in there if name != key]
        left = ", ".join(others[:SHOWN]) + f" and {len(others) - SHOWN:,} more" * (len(others) > SHOWN)
        return _from_array(
            shown, arrays.read(key), [f"took the array {key} of {shown.name}, not {left}"] if others else []
        )


def _from_array(shown: Path, array: NDArray[Any], notes: list[str]) -> Raw:
    if array.ndim == 1 and array.dtype.names:
        return _columns_of(shown, {name: array[name] for name in array.dtype.names}, notes)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.names:
        wanted = "one dimension, (rows,)" if array.dtype.names else "two dimensions, (rows, columns)"
        raise ValueError(f"{shown.name} holds an array of shape {array.shape}: a table has {wanted}")
    if not len(array):
        raise ValueError(f"{shown} holds no rows")
    return _columns_of(shown, {f"x{i}": array[:, i] for i in range(array.shape[1])}, notes)


def _columns_of(shown: Path, arrays: Mapping[str, NDArray[Any]], notes: list[str]) -> Raw:
    with reading(shown, "table"):
        return Raw([composed(name) for name in arrays], [_of_numpy(array) for array in arrays.values()], notes)


def _of_numpy(array: NDArray[Any]) -> Any:
    """A column of numpy's; one of strings as pyarrow's."""
    import pyarrow as pa

    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return _plain(pa.chunked_array([pa.array(array.astype(str))])) if array.dtype.kind == "U" else array
