"""Reading what a program may have written: sizes before memory, no pipes and links, values of the right type."""

import json
import os
import stat
from pathlib import Path
from typing import Any

DEEPEST = 32  # lists and objects in one another
LARGEST_HEADER = 1 << 20  # bytes of a safetensors file's description
MOST_TENSORS = 4096
TYPES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I8": 1, "I16": 2, "I32": 4, "I64": 8, "U8": 1, "BOOL": 1}
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends


def read_plain(path: Path, most: int) -> bytes:
    """A file that a program may have had its hands on: a pipe in its place would be waited for without end.

    Raises:
        OSError: if it is not there, or a link.
        ValueError: if it is anything but a file of at most `most` bytes.
    """
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | _BINARY)
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("not a file")
        if found.st_size > most:
            raise ValueError(f"{found.st_size:,} bytes, at most {most:,}")
        content = file.read(most + 1)  # it may grow meanwhile
    if len(content) > most:
        raise ValueError(f"more than {most:,} bytes")
    return content


def parsed(text: str | bytes, *, deepest: int = DEEPEST) -> Any:
    """A JSON value of at most so many lists and objects in one another.

    Raises:
        ValueError: if it is none, or nests deeper.

    Example:
        >>> parsed('{"a": [1, 2]}')
        {'a': [1, 2]}
        >>> parsed("[" * 100_000)
        Traceback (most recent call last):
        ValueError: lists or objects nested more than 32 deep
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(_deeper(deepest)) from None
    layer = [value]
    for _ in range(deepest + 1):
        layer = [inner for each in layer for inner in _inside(each)]
        if not layer:
            return value
    raise ValueError(_deeper(deepest))


def _inside(value: Any) -> list[Any]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [each for each in inner if isinstance(each, (dict, list))]


def _deeper(deepest: int) -> str:
    return f"lists or objects nested more than {deepest} deep"


def described(data: bytes) -> dict[str, Any]:
    """The description at the beginning of a safetensors file, ``{name: {dtype, shape, data_offsets}}`` and metadata.

    `data` may be the beginning of it alone.

    Raises:
        ValueError: if it is none, has more tensors than a model needs, or tensors of other types than numbers.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > LARGEST_HEADER:
        raise ValueError(f"a header of {size:,} bytes, at most {LARGEST_HEADER:,}")
    header = parsed(data[8 : 8 + size], deepest=4)
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise ValueError(f"more than {MOST_TENSORS:,} tensors")
    for name, tensor in header.items():
        if name != "__metadata__" and not (isinstance(tensor, dict) and tensor.get("dtype") in TYPES):
            raise ValueError(f"a tensor of none of the types {', '.join(TYPES)}")
    return header


def one_line(text: object, most: int = 300) -> str:
    """What can be printed of a text, in one line."""
    printable = (letter if letter.isprintable() else " " for letter in str(text)[: 2 * most])
    return " ".join("".join(printable).split())[:most]
