"""How a signal ends a command that trains: with a line that says how to go on, and nothing behind it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Interrupting:
    """A handler that interrupts, and remembers what came.

    Python swallows what is raised where nobody can catch it: the training that begins then asks what came.

    Attributes:
        came: the number of the last signal; None as long as none did.
    """

    came: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Interrupt as Ctrl-C does."""
        self.came = number
        raise KeyboardInterrupt(number)


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """Inside, SIGTERM interrupts as Ctrl-C does, and either ends the command as the signal would have."""
    if threading.current_thread() is not threading.main_thread():  # which gets no signals
        yield
        return
    interrupt = Interrupting()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt as stopped:
        number = stopped.args[0] if stopped.args else signal.SIGINT
        _end(
            f"stopped by {signal.Signals(number).name} before the training began: start the same command again", number
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """Inside, a training that was stopped ends the command, and says how to go on."""
    from diffeo.runs.going_on import TrainingInterrupted

    try:
        yield
    except TrainingInterrupted as stopped:
        _end(str(stopped), stopped.signal)


def _end(line: str, number: int) -> NoReturn:
    for one in (signal.SIGINT, signal.SIGTERM):  # it is ending already
        signal.signal(one, signal.SIG_IGN)
    print(f"diffeo: {line}", file=sys.stderr)
    sys.exit(128 + number)
