"""Files that end: a named pipe, a socket or a device is not opened, as reading it might wait for ever."""

import os
import stat
from typing import BinaryIO

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class NotRegular(OSError):
    """What is there is no file with an end; ``strerror`` says what it is."""


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read its bytes.

    Raises:
        NotRegular: if it is something else than a file.
        OSError: if it cannot be opened.

    Example:
        >>> open_regular(os.curdir)
        Traceback (most recent call last):
        diffeo.system.regular.NotRegular: [Errno 0] a folder, no file: '.'
    """
    check_regular(path, os.stat(path))  # opening alone may do something to a device
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        check_regular(path, os.fstat(handle))  # a pipe may have been put there since
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_regular(path: str | os.PathLike[str], found: os.stat_result) -> None:
    """Refuse what the system says of a path, where that is no file.

    Raises:
        NotRegular: saying what it is.
    """
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise NotRegular(0, f"{kind}, no file", os.fspath(path))


def reason(error: OSError) -> str:
    """Why the system refused something, in its words, without a number.

    Example:
        >>> reason(PermissionError(13, "Permission denied", "a.csv"))
        'permission denied'
    """
    text = error.strerror or str(error)
    return f"{text[:1].lower()}{text[1:]}"
