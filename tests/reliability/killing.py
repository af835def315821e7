"""A hand on every operation on the files of a folder: to count them, to kill there, to let the disk be full there."""

import builtins
import errno
import functools
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEEDS_ROOM = ("open", "write", "half a write", "fsync", "mkdir")
Before = Callable[[int, str], None]


class Operations:
    """Calls `before` with the number and the kind of each operation that changes something below `folder`.

    A write is two: its two halves. `marked` is called with a folder's new name once it has been renamed.
    """

    def __init__(self, folder: Path, before: Before, marked: Callable[[str], None] = lambda name: None):
        self.folder, self.before, self.marked = os.path.realpath(folder), before, marked
        self.number, self.mine = 0, set[int]()

    def happens(self, kind: str) -> None:
        self.number += 1
        self.before(self.number, kind)

    def concerns(self, path: Any, dir_fd: int | None = None) -> bool:
        if isinstance(path, int) or dir_fd is not None:
            return (path if dir_fd is None else dir_fd) in self.mine
        return os.path.realpath(os.path.dirname(os.path.abspath(os.fspath(path)))).startswith(self.folder) or (
            os.path.realpath(os.fspath(path)) == self.folder
        )

    def install(self, put: Callable[[Any, str, Any], None] = setattr) -> None:
        """For the rest of this process's life, or as long as `put` (of a test's monkeypatch) lets it."""
        for name in ("mkdir", "unlink", "remove", "rmdir", "chmod", "fsync", "ftruncate", "truncate"):
            put(os, name, self._before(name, getattr(os, name)))
        for name in ("rename", "replace"):
            put(os, name, self._renaming(name, getattr(os, name)))
        put(os, "open", self._opening(os.open))
        put(os, "close", self._closing(os.close))
        put(os, "write", self._writing(os.write))
        file = self._file(io.open)
        put(builtins, "open", file)
        put(io, "open", file)

    def _before(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def called(path: Any, *given: Any, dir_fd: int | None = None, **more: Any) -> Any:
            if self.concerns(path, dir_fd):
                self.happens(name)
            return real(path, *given, **more, **({} if dir_fd is None else {"dir_fd": dir_fd}))

        return called

    def _renaming(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def called(source: Any, target: Any, **more: Any) -> None:
            if not self.concerns(source):
                return real(source, target, **more)
            self.happens(name)
            real(source, target, **more)
            self.marked(os.path.basename(target))
            return None

        return called

    def _opening(self, real: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(real)
        def called(path: Any, flags: int, *given: Any, dir_fd: int | None = None, **more: Any) -> int:
            mine = self.concerns(path, dir_fd)
            if mine and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
                self.happens("open")
            handle = real(path, flags, *given, dir_fd=dir_fd, **more)
            if mine:
                self.mine.add(handle)
            return handle

        return called

    def _closing(self, real: Callable[[int], None]) -> Callable[[int], None]:
        @functools.wraps(real)
        def called(handle: int) -> None:
            self.mine.discard(handle)
            real(handle)

        return called

    def _writing(self, real: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(real)
        def called(handle: int, content: Any) -> int:
            if handle not in self.mine:
                return real(handle, content)
            self.happens("write")
            half = real(handle, content[: len(content) // 2])
            self.happens("half a write")
            return half + real(handle, content[half:])

        return called

    def _file(self, real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def called(path: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
            if not set(mode) & set("wax+") or not self.concerns(path):
                return real(path, mode, *given, **more)
            self.happens("open")
            return _Halves(real(path, mode, *given, **more), self)

        return called


class _Halves:
    """A file that is written half by half."""

    def __init__(self, file: Any, operations: Operations):
        self.file, self.operations = file, operations

    def write(self, content: Any) -> int:
        self.operations.happens("write")
        half = len(content) // 2
        self.file.write(content[:half])
        self.file.flush()
        self.operations.happens("half a write")
        self.file.write(content[half:])
        return len(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "_Halves":
        return self

    def __exit__(self, *raised: object) -> None:
        self.file.close()


def kill_at(number: int) -> Before:
    """SIGKILL, before the operation of this number."""

    def before(now: int, kind: str) -> None:
        if now == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return before


class Killed(BaseException):
    """Stands for SIGKILL where the process is to live on: nothing more reaches the disk."""


def gone_at(number: int) -> Before:
    """As `kill_at`, for a test in its own process."""

    def before(now: int, kind: str) -> None:
        if now >= number:
            raise Killed

    return before


def full_at(number: int, operations: float) -> Before:
    """A disk that is full from this operation on, for so many of them."""

    def before(now: int, kind: str) -> None:
        if number <= now < number + operations and kind in NEEDS_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return before
