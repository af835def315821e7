"""How a signal ends a command that trains: with a line that says how to go on, and nothing behind it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def ending_by_signal() -> Iterator[None]:
    """Inside, SIGTERM interrupts as Ctrl-C does, and either ends the command as the signal would have."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    if threading.current_thread() is not threading.main_thread():  # which gets no signals
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt as stopped:
        number = stopped.args[0] if stopped.args else signal.SIGINT
        _end(
            f"stopped by {signal.Signals(number).name} before the training began: start the same command again", number
        )
    finally:
        signal.signal(signal.SIGTERM, before)


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
