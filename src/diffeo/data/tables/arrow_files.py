"""Parquet and Feather, a batch at a time: what they promise is looked at first, and what comes is counted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffeo.data.tables.reading import COLUMN, Limit, reading

CELLS = 2**22  # of a batch
FEW = 2**10  # rows of a batch, where a cell may be a list of any length


def read_parquet(path: Path, shown: Path, limit: Limit) -> Any:
    """Pyarrow's table; its columns of text may have dictionaries.

    Raises:
        ValueError: if it is none, damaged, or too large.
    """
    import pyarrow as pa
    from pyarrow import parquet

    most = max(1, limit.most // COLUMN)  # entries of a list in what describes the file, such as that of its columns
    with reading(shown, "Parquet file"), path.open("rb") as opened:
        file = parquet.ParquetFile(opened, thrift_container_size_limit=most)
        about, schema = file.metadata, file.schema_arrow
        size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))  # damaged ones of a column
        rows, columns = about.num_rows, about.num_columns  # end the interpreter
        nested = columns > len(schema) or any(pa.types.is_nested(field.type) for field in schema)
        texts = [field.name for field in schema if _repeats(field.type)]  # long ones that repeat stay short
    limit.check_cells(rows, columns, size)
    with path.open("rb") as opened:
        with reading(shown, "Parquet file"):
            file = parquet.ParquetFile(opened, read_dictionary=texts, thrift_container_size_limit=most)
            batches = file.iter_batches(batch_size=max(1, min(FEW if nested else 2**16, CELLS // max(1, columns))))
            schema = file.schema_arrow
        return _gathered(batches, schema, shown, "Parquet file", limit)


def read_feather(path: Path, shown: Path, limit: Limit) -> Any:
    """Pyarrow's table.

    Raises:
        ValueError: if it is none, damaged, or too large.
    """
    from pyarrow import ipc

    with path.open("rb") as opened:
        with reading(shown, "Feather file"):
            file = ipc.open_file(opened)
            schema = file.schema
        limit.check_cells(0, len(schema))
        batches = (file.get_batch(i) for i in range(file.num_record_batches))
        return _gathered(batches, schema, shown, "Feather file", limit)


def index_columns(schema: Any) -> list[str]:
    """The columns that pandas says are the index; none where what it says is damaged."""
    try:
        told = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [name for name in told if isinstance(name, str)] if isinstance(told, list) else []


def _gathered(batches: Iterator[Any], schema: Any, shown: Path, kind: str, limit: Limit) -> Any:
    import pyarrow as pa

    found, size = [], 0
    while True:
        with reading(shown, kind):
            batch = next(batches, None)
            if batch is None:
                break
            batch.validate(full=True)  # what it holds is given to functions that trust it
            found.append(batch)
            size += sum(_bytes(column) for column in batch.columns)
        limit.check(size, exact=False)
    with reading(shown, kind):
        return pa.Table.from_batches(found, schema)


def _repeats(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _bytes(array: Any) -> int:
    """What a column takes when it has no dictionary any more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(array.type) or not _repeats(array.type.value_type):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary).cast(pa.int64())
    return 4 * len(array) + int(pc.sum(lengths.take(array.indices)).as_py() or 0)
