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
    """Whether an error says that there is no more memory; one that was made of it may know better what to say.

    Example:
        >>> ran_out(RuntimeError("[enforce fail ..] DefaultCPUAllocator: can't allocate memory: you tried to .."))
        True
        >>> ran_out(ValueError("lr must be positive, got -1"))
        False
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, (RuntimeError, ImportError)) and any(said in str(error).lower() for said in SAID)


@contextmanager
def saying(words: Callable[[], str]) -> Iterator[None]:
    """Inside, a lack of memory is an :class:`OutOfMemory` with these words, if there are any."""
    try:
        yield
    except Exception as error:
        if not ran_out(error) or isinstance(error, OutOfMemory) or not words():
            raise
        raise OutOfMemory(words()) from error
