"""npy and npz: what their headers promise is compared with the file before an array is made."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.tables.reading import Limit, in_words, reading

MAGIC, ZIP = b"\x93NUMPY", b"PK"
LONGEST = 10_000  # bytes of a header, as numpy has it
DEEPEST = 20  # brackets within one another in a header


@dataclass(frozen=True)
class Header:
    """What an array's header says.

    Attributes:
        shape: of the array.
        dtype: of its entries.
    """

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


class Arrays:
    """The arrays of a npy or npz file, by name; the one of a npy is called ``""``. Close it after use.

    Args:
        path: the file.
        shown: the same, for messages.
        limit: of its size.

    Raises:
        ValueError: if it is neither, or damaged.
    """

    def __init__(self, path: Path, shown: Path, limit: Limit):
        self.path, self.shown, self.limit = path, shown, limit
        self.headers: dict[str, Header] = {}
        self._members: dict[str, zipfile.ZipInfo] = {}
        with self._reading(), path.open("rb") as file:
            begins = file.read(len(MAGIC))
        self._archive = None
        if begins.startswith(ZIP):
            with self._reading():
                self._archive = zipfile.ZipFile(path)
        elif begins != MAGIC:
            raise ValueError(
                f"{shown} is no npy or npz file: it begins with {begins!r}. Write it with numpy.save or numpy.savez"
            )
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Arrays":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def packed(self) -> bool:
        """Whether it is a npz."""
        return self._archive is not None

    def close(self) -> None:
        """Close the file."""
        if self._archive is not None:
            self._archive.close()

    def read(self, name: str) -> NDArray[Any]:
        """One of them.

        Raises:
            ValueError: if it holds Python's objects, is too large, or damaged.
        """
        header = self.headers[name]
        if header.dtype.hasobject:
            raise ValueError(
                f"{self._named(name)} holds objects of Python, which are not read, as they could run programs. "
                f"Save numbers: numpy.save(.., array.astype(float))"
            )
        rows = header.shape[0] if header.shape else 1
        columns = len(header.dtype.names or ()) or (math.prod(header.shape[1:]) if rows else 1)
        self.limit.check_cells(rows, columns, header.size)
        with self._reading(), self._open(name) as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        return array

    def _look(self) -> None:
        if self._archive is None:
            self.headers[""] = self._header("", self.path.stat().st_size)
            return
        with self._reading():
            members = [one for one in self._archive.infolist() if not one.is_dir()]
        self.limit.check_cells(0, len(members))
        for one in members:
            with self._reading(), self._archive.open(one) as file:
                begins = file.read(len(MAGIC))
            if begins == MAGIC:  # others, such as a text beside the arrays, are none
                name = one.filename.removesuffix(".npy")
                self._members[name] = one
                self.headers[name] = self._header(name, one.file_size)

    def _header(self, name: str, size: int) -> Header:
        with self._reading(), self._open(name) as file:
            version = np.lib.format.read_magic(file)
            wide = 2 if version == (1, 0) else 4
            text = file.read(wide + LONGEST + 1)
        length = int.from_bytes(text[:wide], "little")
        if length > LONGEST or _depth(text[wide : wide + length]) > DEEPEST:
            raise ValueError(
                f"{self._named(name)} has a header of more than {LONGEST:,} bytes, or of brackets more than {DEEPEST} "
                f"deep: it is damaged, or no table. Save an array of two dimensions"
            )
        with self._reading(), self._open(name) as file:
            np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if wide == 2 else np.lib.format.read_array_header_2_0
            try:
                shape, _, dtype = read(file)
            except MemoryError:  # so Python's parser says that something is too deep; as a cause it would be told
                raise ValueError("its header is no header") from None
        header, left = Header(shape, dtype), size - len(MAGIC) - 2 - wide - length
        if any(n < 0 for n in shape) or (header.size > left and not dtype.hasobject):
            raise ValueError(
                f"{self._named(name)} is damaged: of shape {shape} and type {dtype} it takes "
                f"{in_words(max(0, header.size))}, and there are {in_words(max(0, left))}. Write or get it again"
            )
        return header

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        with self.path.open("rb") if self._archive is None else self._archive.open(self._members[name]) as file:
            yield file

    def _reading(self) -> AbstractContextManager[None]:
        return reading(self.shown, "npy or npz file")

    def _named(self, name: str) -> str:
        return f"{self.shown}: {name}" if self.packed else f"{self.shown}"


def _depth(text: bytes) -> int:
    deepest = depth = 0
    for letter in text:
        depth += (letter in b"([{") - (letter in b")]}")
        deepest = max(deepest, depth)
    return deepest
