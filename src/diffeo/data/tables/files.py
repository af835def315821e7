"""Files of tables: CSV, Parquet, npy and npz, each as a list of columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.names import composed, existing, nearest
from diffeo.data.tables.column import Column, from_arrow, from_numpy

TEXT = (".csv", ".tsv", ".txt", ".data", ".dat")
PACKED = (".gz", ".bz2", ".zst")


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes:
        path: the file.
        columns: as they are in it.
        rows: how many.
        notes: how it was read, where that was not plain.
    """

    path: Path
    columns: tuple[Column, ...]
    rows: int
    notes: tuple[str, ...]


def read_file(source: str) -> Table:
    """The table in a file; ``FILE.npz#NAME`` is one array of several.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not of a kind that can be read, damaged, or empty.
    """
    path, key = _path_and_key(source)
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Use folder:{path} for images, or give a file")
    ending = next((s for s in reversed(path.suffixes) if s.lower() not in PACKED), "").lower()
    if ending == ".npz" or ending == ".npy":
        columns, notes = _from_numpy(path, key)
    elif ending in (".parquet", ".pq"):
        columns, notes = _from_parquet(path)
    elif ending in TEXT:
        columns, notes = _from_csv(path)
    else:
        raise ValueError(
            f"{path.name}: a table is read from {', '.join(TEXT[:3])} (also packed as .gz, .bz2), .parquet, .npy or "
            f".npz. Save it as CSV (UTF-8)"
        )
    rows = len(columns[0].values) if columns else 0
    if not rows:
        raise ValueError(f"{path} holds no rows" + (", only a header" if columns else ""))
    return Table(path, tuple(columns), rows, tuple(notes))


def _path_and_key(source: str) -> tuple[Path, str | None]:
    before, mark, after = source.rpartition("#")
    if mark and before.lower().endswith(".npz"):
        return existing(before), after
    return existing(source), None


def _content(path: Path) -> bytes:
    import pyarrow as pa

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            content: bytes = stream.read()
    except OSError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return content


def _from_csv(path: Path) -> tuple[list[Column], list[str]]:
    from diffeo.data.tables.csv_text import parse_csv

    arrow, decimal_comma, notes = parse_csv(path, _content(path))
    return _from_arrow(arrow, notes, decimal_comma=decimal_comma)


def _from_parquet(path: Path) -> tuple[list[Column], list[str]]:
    from pyarrow import ArrowException, parquet

    try:
        arrow = parquet.ParquetFile(path).read()
    except (ArrowException, OSError) as error:
        raise ValueError(f"{path} is no Parquet file, or is damaged: {error}") from error
    return _from_arrow(arrow, [], decimal_comma=False)


def _from_arrow(arrow: Any, notes: list[str], *, decimal_comma: bool) -> tuple[list[Column], list[str]]:
    names, renamed = unique([str(name) for name in arrow.column_names])
    columns = [
        from_arrow(name, array, decimal_comma=decimal_comma) for name, array in zip(names, arrow.columns, strict=True)
    ]
    trailing = [not given.strip() and column.null_count == len(column)
                for given, column in zip(arrow.column_names, arrow.columns, strict=True)]  # fmt: skip
    columns = [column for column, empty in zip(columns, trailing, strict=True) if not empty]
    notes = notes + [f"two columns have one name, so some are called {', '.join(renamed)}"] * bool(renamed)
    return columns, notes


def unique(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names without two alike, and those that had to be made up.

    Example:
        >>> unique(["age", "age", ""])
        (['age', 'age.2', 'unnamed'], ['age.2'])
    """
    taken: list[str] = []
    renamed = []
    for given in names:
        name = wanted = composed(given.strip()) or "unnamed"
        n = 2
        while name in taken:
            name, n = f"{wanted}.{n}", n + 1
        if name != wanted:
            renamed.append(name)
        taken.append(name)
    return taken, renamed


def _from_numpy(path: Path, key: str | None) -> tuple[list[Column], list[str]]:
    try:
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            return _from_array(path, opened), []
        with opened:
            arrays = {name: opened[name] for name in opened.files}
    except Exception as error:  # numpy, zipfile and zlib each have errors of their own
        raise ValueError(f"{path} cannot be read: {error}") from error
    if key is None and "X" in arrays:
        key = "X"
    if key is None and len(arrays) == 1:
        key = next(iter(arrays))
    if key is None and len({array.shape for array in arrays.values()}) == 1 and next(iter(arrays.values())).ndim == 1:
        return [from_numpy(composed(name), array) for name, array in arrays.items()], []
    if key not in arrays:
        there = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        given = "choose one" if key is None else f"there is no {key!r}.{nearest(key, arrays)} Choose one"
        raise ValueError(
            f"{path.name} holds the arrays {there}: {given}, for example table:{path}#{next(iter(arrays), '')}"
        )
    others = [name for name in arrays if name != key]
    notes = [f"took the array {key} of {path.name}, not {', '.join(others)}"] if others else []
    return _from_array(path, arrays[key]), notes


def _from_array(path: Path, array: NDArray[Any]) -> list[Column]:
    if array.dtype.names:
        return [from_numpy(composed(name), array[name]) for name in array.dtype.names]
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"{path.name} holds an array of shape {array.shape}: a table has two dimensions, (rows, columns)"
        )
    return [from_numpy(f"x{i}", array[:, i]) for i in range(array.shape[1])]
