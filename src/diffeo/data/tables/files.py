"""Files of tables: CSV, Parquet, npy and npz, each as a list of columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.names import composed, existing, nearest
from diffeo.data.tables.column import Column, Text, from_arrow, from_numpy, from_text, is_text
from diffeo.data.tables.formats import Reading, may_be_thousands, sign_of_most
from diffeo.data.tables.index import numbers_rows
from diffeo.letters import readable
from diffeo.proposals import word

TEXT = (".csv", ".tsv", ".txt", ".data", ".dat")
PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
ARROW = (".parquet", ".pq", ".feather", ".arrow")


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
) -> Table:
    """The table in a file; ``FILE.npz#NAME`` is one array of several.

    Args:
        source: the file.
        header: of text: whether the first line names the columns; by comparison with those below if not given.
        decimal: ``"."`` or ``","``: which is the decimal sign, where cells can be read both ways.
        known: columns that are wanted, by which a header is known.
        numbers: whether these are known to hold numbers, so that text in them is cells that are none.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not of a kind that can be read, damaged, or empty.
    """
    path, key = _path_and_key(source)
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Use folder:{path} for images, or give a file")
    shown = Path(readable(str(path)))
    ending = next((s for s in reversed(path.suffixes) if s.lower() not in PACKED), "").lower()
    if ending in TEXT:
        raw = _from_csv(path, shown, header, known)
    elif header is not None and not numbers:  # of a run on text, whose new rows may come in another kind of file
        raise ValueError(f"{shown.name} needs no header: its columns have names of their own. Leave --header out")
    elif ending in (".npz", ".npy"):
        raw = _from_numpy(path, shown, key)
    elif ending in ARROW:
        raw = _from_arrow_file(path, shown)
    else:
        raise ValueError(
            f"{shown.name}: a table is read from {', '.join(TEXT[:3])} (also packed as .gz, .bz2), .parquet, .feather, "
            f".npy or .npz. Save it as CSV (UTF-8)"
        )
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


def _content(path: Path, shown: Path) -> bytes:
    import pyarrow as pa

    packed = PACKED.get(path.suffix.lower())
    try:
        with pa.input_stream(pa.py_buffer(path.read_bytes()), compression=packed) as stream:
            content: bytes = stream.read()
    except OSError as error:
        raise ValueError(f"{shown} is damaged: {error}") from error
    return content


def _from_csv(path: Path, shown: Path, header: bool | None, known: Sequence[str]) -> Raw:
    import pyarrow as pa

    from diffeo.data.tables.csv_text import parse_csv

    cells = parse_csv(shown, _content(path, shown), header=header, known=known)
    table = cells.table
    floats = {name: column for name, column in zip(table.column_names, table.columns, strict=True)
              if pa.types.is_floating(column.type)}  # fmt: skip
    unsure = [name for name, column in floats.items() if may_be_thousands(column.to_numpy())]
    if unsure and cells.grouped:
        table = cells.read_again(dict.fromkeys(unsure, pa.string()))
    there = [bool(name.strip()) or column.null_count < len(column)  # a comma at the ends of lines opens no column
             for name, column in zip(table.column_names, table.columns, strict=True)]  # fmt: skip
    names, renamed = unique(table.column_names)
    notes = cells.notes + [f"two columns have one name, so some are called {', '.join(renamed)}"] * bool(renamed)
    return Raw(
        [name for name, kept in zip(names, there, strict=True) if kept],
        [column for column, kept in zip(table.columns, there, strict=True) if kept],
        notes,
        points=len(floats) - len(unsure) * cells.grouped,
        commas=cells.commas,
    )


def _from_arrow_file(path: Path, shown: Path) -> Raw:
    from pyarrow import ArrowException, ipc, parquet

    kind = "Parquet" if path.suffix.lower() in (".parquet", ".pq") else "Feather"
    try:
        with path.open("rb") as file:
            table = parquet.ParquetFile(file).read() if kind == "Parquet" else ipc.open_file(file).read_all()
    except (ArrowException, OSError) as error:
        raise ValueError(f"{shown} is no {kind} file, or is damaged: {error}") from error
    names, renamed = unique(table.column_names)
    told = (table.schema.pandas_metadata or {}).get("index_columns", [])
    index = tuple(name for name, given in zip(names, table.column_names, strict=True) if given in told)
    return Raw(
        names,
        [_plain(column) for column in table.columns],
        [f"two columns have one name, so some are called {', '.join(renamed)}"] * bool(renamed),
        index=index,
    )


def _plain(array: Any) -> Any:
    """A column of pyarrow's without a dictionary, and of strings as a CSV would give it."""
    import pyarrow as pa

    from diffeo.data.tables.csv_text import typed

    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    return typed(array) if is_text(array) else array


def _columns(raw: Raw, decimal: str | None, numbers: Sequence[str]) -> tuple[list[Column], str | None]:
    """The columns, and the decimal sign that was given or that they show."""
    texts = [Text.of(array) if is_text(array) else None for array in raw.arrays]
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
    renamed = []
    for given in names:
        name = wanted = composed(given.strip()) or "unnamed"
        n = 2
        while name in taken:
            name, n = f"{wanted}.{n}", n + 1
        if name != wanted:
            renamed.append(name)
        taken[name] = None
    return list(taken), renamed


def _from_numpy(path: Path, shown: Path, key: str | None) -> Raw:
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            return _from_array(shown, opened, [])
        with opened:
            arrays = {name: opened[name] for name in opened.files}
    except Exception as error:  # numpy, zipfile and zlib each have errors of their own
        raise ValueError(f"{shown} cannot be read: {error}") from error
    if key is None and "X" in arrays:
        key = "X"
    if key is None and len(arrays) == 1:
        key = next(iter(arrays))
    if key is None and len({array.shape for array in arrays.values()}) == 1 and next(iter(arrays.values())).ndim == 1:
        return Raw([composed(name) for name in arrays], [_of_numpy(array) for array in arrays.values()], [])
    if key not in arrays:
        there = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        given = "choose one" if key is None else f"there is no {key!r}.{nearest(key, arrays)} Choose one"
        example = word(f"table:{shown}#{next(iter(arrays), '')}")
        raise ValueError(f"{shown.name} holds the arrays {there}: {given}, for example {example}")
    others = [name for name in arrays if name != key]
    return _from_array(
        shown, arrays[key], [f"took the array {key} of {shown.name}, not {', '.join(others)}"] if others else []
    )


def _from_array(shown: Path, array: NDArray[Any], notes: list[str]) -> Raw:
    if array.dtype.names:
        names = [composed(name) for name in array.dtype.names]
        return Raw(names, [_of_numpy(array[name]) for name in array.dtype.names], notes)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"{shown.name} holds an array of shape {array.shape}: a table has two dimensions, (rows, columns)"
        )
    width = range(array.shape[1])
    return Raw([f"x{i}" for i in width], [_of_numpy(array[:, i]) for i in width], notes)


def _of_numpy(array: NDArray[Any]) -> Any:
    """A column of numpy's; one of strings as pyarrow's."""
    import pyarrow as pa

    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    return _plain(pa.chunked_array([pa.array(array.astype(str))])) if array.dtype.kind == "U" else array
