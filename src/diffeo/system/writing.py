"""Files that are written, and lines that are added, whole or not at all; and what kills leave of them."""

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from diffeo.system.regular import reason

FULL = {errno.ENOSPC, errno.EFBIG} | {getattr(errno, "EDQUOT", errno.ENOSPC)}
UNFINISHED = ".unfinished-"
OWN = re.compile(re.escape(UNFINISHED) + r"[0-9a-f]{8}(-.+)?", re.DOTALL)


class DiskFull(OSError):
    """There is no room for what was to be written.

    Attributes:
        said: which file, how large, and why not.
        then: the way on, once there is room.
    """

    def __init__(self, number: int | None, said: str, then: str = "try again"):
        super().__init__(said)
        self.errno, self.said, self.then = number, said, then

    def __str__(self) -> str:
        remedy = "Raise the limit on the size of a file (ulimit -f)" if self.errno == errno.EFBIG else "Make room"
        return f"{self.said}. {remedy}, then {self.then}"


@contextmanager
def advising(then: Callable[[], str]) -> Iterator[None]:
    """Whatever finds the disk full inside says so, with this way on."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        said = error.said if isinstance(error, DiskFull) else f"{error.filename or 'a file'}: {reason(error)}"
        raise DiskFull(error.errno, said, then()) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the whole new one.

    Who may read it is the user's umask to say.

    Raises:
        DiskFull: naming `path`, if there is no room for it.
        OSError: naming `path`, if its folder cannot be written to.
    """
    with _naming(path, content):
        handle, temporary = _claim(path)
        try:
            with _closing(handle):
                _write(handle, content)
                if sys.platform != "win32":  # which renames no open file
                    os.replace(temporary, path)
            if sys.platform == "win32":
                os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def append(path: Path, content: bytes, whole: int) -> int:
    """Add to a file of so many whole bytes; gives how many it has then.

    What lies behind them is of a write that failed, and is cut off; what this one leaves half written is taken back.

    Raises:
        DiskFull: naming `path`, if there is no room.
        FileNotFoundError: if somebody removed the file.
    """
    with _naming(path, content), _closing(os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))) as handle:
        if os.fstat(handle).st_size < whole:  # somebody cut it
            whole = path.read_bytes().rfind(b"\n") + 1
        os.ftruncate(handle, whole)
        os.lseek(handle, whole, os.SEEK_SET)
        try:
            _write(handle, content)
        except BaseException:
            os.ftruncate(handle, whole)
            raise
    return whole + len(content)


def unfinished_folder(folder: Path) -> Path:
    """Make a new folder in `folder` that :func:`sweep` removes, should nobody rename it."""
    path = folder / f"{UNFINISHED}{secrets.token_hex(4)}"
    path.mkdir()
    return path


def remove(folder: Path) -> None:
    """Remove a folder at once, as others see it: one that is half removed is none any more."""
    aside = folder.with_name(f"{UNFINISHED}{secrets.token_hex(4)}")
    with suppress(OSError):
        os.replace(folder, aside)
        shutil.rmtree(aside, ignore_errors=True)


def is_unfinished(path: Path) -> bool:
    """Whether it has the name of what diffeo has not finished writing."""
    return OWN.fullmatch(path.name) is not None


def sweep(folder: Path) -> None:
    """Remove what was left unfinished in a folder by processes that are no more; what is being written stays."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if not is_unfinished(path) or path.is_symlink():
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with suppress(OSError), _closing(os.open(path, os.O_RDWR)) as handle:
            if _held(handle):
                path.unlink()
        if sys.platform == "win32":  # which removes no file that is open
            with suppress(OSError):
                path.unlink()


def sync(folder: Path) -> None:
    """See to it that the names in a folder are on the disk."""
    if os.name == "posix":
        with _closing(os.open(folder, os.O_RDONLY)) as handle:
            os.fsync(handle)


def _claim(path: Path) -> tuple[int, Path]:
    """A new file beside `path`, which no sweep removes as long as it is open."""
    for _ in range(100):
        temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{path.name[-40:]}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with suppress(FileExistsError):
            handle = os.open(temporary, flags, 0o666)
            if _held(handle) is not False and temporary.exists():  # no sweep came between
                return handle, temporary
            os.close(handle)
    raise FileExistsError(errno.EEXIST, "no name is free for a temporary file", str(path))


def _held(handle: int) -> bool | None:
    """Lock an open file until it is closed, however that comes; False if another holds it, None without locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without them
        return None
    return True


@contextmanager
def _closing(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        os.close(handle)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)


@contextmanager
def _naming(path: Path, content: bytes) -> Iterator[None]:
    """Errors name the file that is meant, not the temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            said = f"{path} could not be written ({len(content):,} bytes): {reason(error)}"
            raise DiskFull(error.errno, said) from error
        raise type(error)(error.errno, error.strerror, str(path)) from error
