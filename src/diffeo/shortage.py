"""Out of memory, whoever says so: Python, NumPy, torch, the system that loads a library."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SAID = (
    "can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory", "unable to allocate",
    "bad_alloc", "bad allocation", "failed to map segment", "can't start new thread",
)  # fmt: skip


class OutOfMemory(MemoryError):
    """There was not enough memory; it says for what, and how to go on."""


def ran_out(error: BaseException) -> bool:
    """Whether an error, or what led to it, says that there is no more memory.

    Example:
        >>> ran_out(RuntimeError("[enforce fail ..] DefaultCPUAllocator: can't allocate memory: you tried to .."))
        True
        >>> ran_out(ValueError("lr must be positive, got -1"))
        False
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MemoryError) or (isinstance(found, OSError) and found.errno == errno.ENOMEM):
            return True
        if isinstance(found, (RuntimeError, ImportError)) and any(said in str(found).lower() for said in SAID):
            return True
        found = found.__cause__
    return False


@contextmanager
def saying(words: Callable[[], str]) -> Iterator[None]:
    """Inside, a lack of memory is an :class:`OutOfMemory` with these words, if there are any."""
    try:
        yield
    except Exception as error:
        if not ran_out(error) or isinstance(error, OutOfMemory) or not words():
            raise
        raise OutOfMemory(words()) from error
