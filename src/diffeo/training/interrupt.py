"""Ctrl-C and SIGTERM as a wish, which the loop grants after the step it is in."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Wish:
    """What a signal asked for.

    Attributes:
        signal: the number of the signal that came; None as long as none did.
    """

    signal: int | None = None


@contextmanager
def signals_as_wishes() -> Iterator[Wish]:
    """Inside, Ctrl-C or SIGTERM only fills in the wish; a second Ctrl-C interrupts at once.

    A signal that the handler before remembers (`came`) is a wish from the beginning: Python may have swallowed what it
    raised. Python delivers signals to the main thread alone; in others nothing changes.
    """
    wish = Wish()
    if threading.current_thread() is not threading.main_thread():
        yield wish
        return

    def note(number: int, frame: FrameType | None) -> None:
        if number == wish.signal == signal.SIGINT:
            raise KeyboardInterrupt
        wish.signal = number

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    wish.signal = wish.signal or next(
        (came for handler in before.values() if (came := getattr(handler, "came", None))), None
    )
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
