"""Files that end: a named pipe, a socket or a device is not opened, as reading it might wait for ever."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class NotRegular(OSError):
    """What is there is no file with an end."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        NotRegular: if it is something else than a file; ``strerror`` says what.
        OSError: if it cannot be opened.
    """
    _check(os.stat(path).st_mode, path)  # opening alone may do something to a device
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check(os.fstat(handle).st_mode, path)  # a pipe may have been put there since
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegular(0, f"{KINDS.get(stat.S_IFMT(mode), 'something else')}, no file", str(path))
