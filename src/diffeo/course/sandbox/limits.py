"""How long a student's program may take, and how much."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one process; times are wall-clock seconds.

    Args:
        start: until Python and torch are imported; it is not the program's fault.
        load: until the program's definitions are executed.
        call: for one call of a function.
        whole: for everything, restarts included.
        memory: bytes.
        processes: that the program may have started.
        output: characters of what it prints that are kept.
    """

    start: float = 120
    load: float = 20
    call: float = 10
    whole: float = 240
    memory: int = 4 << 30
    processes: int = 8
    output: int = 2000
