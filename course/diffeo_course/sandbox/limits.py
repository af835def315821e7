"""How long a student's program may take, and how much."""

from dataclasses import dataclass

WAITING = 4  # a program that only waits is ended after so many times the seconds that one that computes is given


@dataclass(frozen=True)
class Limits:
    """Limits of one process.

    Seconds are of computing, so that a busy machine takes nothing from anybody; four times as long by the clock ends a
    program that computes nothing.

    Args:
        start: seconds until Python and torch are imported, which is not the program's doing.
        load: seconds until the program's definitions are executed.
        call: seconds for one call of a function.
        whole: seconds by the clock for everything but starting, restarts included.
        memory: bytes.
        disk: bytes that the program may write in all.
        processes: that the program may have started.
        threads: that it may have at a time.
        output: characters of what it prints that are kept.
        closed: folders and files that it may not read, wherever they lie: what others handed in.
    """

    start: float = 60
    load: float = 20
    call: float = 10
    whole: float = 240
    memory: int = 4 << 30
    disk: int = 512 << 20
    processes: int = 8
    threads: int = 64
    output: int = 2000
    closed: tuple[str, ...] = ()
