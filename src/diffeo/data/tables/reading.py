"""What holds for every kind of file that a table is read from: a limit of its size, and what a library's errors become.

The size is known before memory is taken, as far as a file tells, and looked at again while it is read.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diffeo.system.letters import readable
from diffeo.system.regular import NotRegular, check_regular, reason

SMALL = 512 * 10**6  # bytes that any table may take
TIMES = 20  # .. or so many times the bytes of its file
CELL, COLUMN = 8, 4096  # bytes: a number; the least that a column of its own takes
LONGEST = 200  # letters of a library's error
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Limit:
    """The most bytes that a table may take: unpacked, or as numbers of 8 bytes, whichever is more.

    Attributes:
        shown: the file, for messages.
        most: bytes.
    """

    shown: Path
    most: int

    @classmethod
    def of(cls, shown: Path, size: int, largest: int | None = None) -> "Limit":
        """What was given; or 512 MB, or 20 times the size of the file if that is more."""
        return cls(shown, max(SMALL, TIMES * size) if largest is None else largest)

    def check(self, size: int, *, exact: bool = True) -> None:
        """Raise ValueError if so many bytes are too many.

        Args:
            size: bytes.
            exact: whether it has them, or more.
        """
        if size > self.most:
            more = "" if exact else "more than "
            raise ValueError(
                f"{self.shown} takes {more}{in_words(size)} when it is unpacked, and the limit is "
                f"{in_words(self.most)}. Use --largest {in_words(max(size if exact else 4 * size, 1)).replace(' ', '')}"
            )

    def check_cells(self, rows: int, columns: int, size: int = 0) -> None:
        """Raise ValueError if so many cells, or all of their bytes, are too many."""
        self.check(max(size, CELL * rows * columns))
        if columns * COLUMN > self.most:
            raise ValueError(
                f"{self.shown} has {columns:,} columns, which take {in_words(columns * COLUMN)}, and the limit is "
                f"{in_words(self.most)}. Use --largest {in_words(columns * COLUMN).replace(' ', '')}"
            )


@contextmanager
def reading(shown: Path, kind: str) -> Iterator[None]:
    """Make one error of whatever a library raises within, and keep its warnings: with the file and what to do.

    Args:
        shown: the file, for messages.
        kind: what it is read as, such as ``"Parquet file"``.

    Raises:
        ValueError: if it does not fit into memory, is not of this kind, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError as error:
        raise ValueError(f"{shown} does not fit into memory. Leave out columns or rows in the file") from error
    except PermissionError as error:
        raise PermissionError(f"{shown} cannot be read: permission denied") from error
    except Exception as error:  # each library has errors of its own, and damaged files meet all of Python's
        text = " ".join(str(error).split())[:LONGEST].rstrip(". ") or type(error).__name__
        raise ValueError(f"{shown} is no {kind}, or is damaged: {text}. Write or get it again") from error


def in_words(size: int) -> str:
    """Bytes in the unit that suits them, rounded up.

    Example:
        >>> in_words(512 * 10**6), in_words(1_200_000_001), in_words(7)
        ('512 MB', '1.3 GB', '7 B')
    """
    unit = next((unit for unit in ("TB", "GB", "MB", "KB") if size >= UNITS[unit]), "B")
    tenths = -(-10 * size // UNITS[unit])
    return f"{tenths / 10:,.{0 if tenths % 10 == 0 or tenths >= 1000 else 1}f} {unit}"


def in_bytes(size: "int | float | str | None") -> int | None:
    """A size in bytes: a number, or text such as ``"8GB"`` or ``"500 MB"``.

    Raises:
        ValueError: if it is neither, or not positive.

    Example:
        >>> in_bytes("8GB"), in_bytes("1.5 mb"), in_bytes(300)
        (8000000000, 1500000, 300)
    """
    if size is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]?B?)\s*", str(size).upper())
    unit = found[2] if found else ""
    unit = unit if unit in UNITS else f"{unit}B"
    total = round(float(found[1]) * UNITS[unit]) if found else 0
    if total <= 0:
        raise ValueError(f"expected a size such as 800MB or 8GB, got {str(size)!r}")
    return total


def size_of(path: Path) -> int:
    """Bytes of a file, before it is opened.

    Raises:
        OSError: if there is none, or the system does not let one see it.
        ValueError: if it is something else, such as a named pipe.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.csv").write_text("a,b")
        3
        >>> size_of(folder / "a.csv")
        3
    """
    shown = readable(str(path))
    try:
        found = path.stat()
    except OSError as error:
        raise type(error)(f"{shown} cannot be read: {reason(error)}") from error
    except ValueError as error:  # letters that no name of a file can have
        raise FileNotFoundError(f"{shown!r} does not exist: it is no name that a file can have") from error
    try:
        check_regular(path, found)
    except NotRegular as error:
        raise ValueError(f"{shown} is {error.strerror}. Copy what it holds into a file") from error
    return found.st_size
