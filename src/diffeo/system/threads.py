"""How many threads to compute with: what the user said, or what turns out to be the fastest; and how they wait.

Torch is imported inside of functions only: how its threads wait has to be said before it starts them.
"""

import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # any of them says how threads wait
NUMBERS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # any of them says how many there are
GAIN = 1.15  # how much faster more threads must be: they cost processor time, and others may want it soon
CLOSE = 1.5  # how much slower than the best a number may be to be measured again
LEAST = 2**16  # numbers in rows from which measuring is worth it; below, one thread is right
PIECE = 2**13  # numbers in the rows that a measurement is made of
REMEMBERED = 60.0  # seconds: then a machine may be busy that was not, or the other way round

_decided: ContextVar[bool] = ContextVar("decided", default=False)  # an outer part of the program has chosen
_fastest: "WeakKeyDictionary[object, dict[str, tuple[int, float]]]" = WeakKeyDictionary()


def sleep_while_waiting() -> None:
    """Let threads that wait for others sleep, unless the user said how they wait, or torch is imported already.

    By default they spin for milliseconds. Where another program uses a core, all of them spin until that program's
    turn is over, at every layer.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in WAITING):
        os.environ["OMP_WAIT_POLICY"] = "passive"


def cores() -> int:
    """How many cores this process may use, by its affinity and by the share of time that its cgroups grant."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, _granted())))


def candidates() -> list[int]:
    """The numbers of threads that are compared: one, and powers of two up to all cores.

    Example:
        >>> candidates()[0]
        1
    """
    most = cores()
    return sorted({*(2**i for i in range(most.bit_length())), most})


def given() -> int | None:
    """The number that the user has chosen: by an environment variable or ``torch.set_num_threads``.

    None if neither: then torch has its default number, which says nothing.
    """
    import torch

    number = torch.get_num_threads()
    chosen = _decided.get() or any(os.environ.get(name) for name in NUMBERS) or number not in _defaults()
    return number if chosen else None


def fastest(seconds: Mapping[int, float]) -> int:
    """Of numbers of threads with their times the one to use: more of them only where they are much faster.

    Example:
        >>> fastest({1: 1.0, 2: 0.95, 4: 0.5}), fastest({1: 1.0, 2: 0.9})
        (4, 1)
    """
    best = min(seconds)
    for number in sorted(seconds):
        if seconds[number] * GAIN < seconds[best]:
            best = number
    return best


@contextmanager
def computing_with(number: int | None) -> Iterator[None]:
    """Compute with so many threads inside, and choose no other number there; None changes nothing."""
    import torch

    if number is None:
        yield
        return
    token, before = _decided.set(True), torch.get_num_threads()
    _set(number)
    try:
        yield
    finally:
        _set(before)
        _decided.reset(token)


def measured(
    work: Callable[[], object], numbers: Sequence[int], rounds: Callable[[float], int], *, first: int | None = None
) -> dict[int, float]:
    """Seconds that a piece of work takes by numbers of threads: the median of some rounds.

    Numbers are tried in ascending order as long as they help, and what is far slower is not tried again.

    Args:
        work: what is measured, again and again.
        numbers: of threads.
        rounds: how many there may be, by the seconds that the work took last: when it was done for the first time, to
            warm up, and, of several numbers, after the first round. If none, the first time is all that is known.
        first: with how many threads that is; the least if not given.
    """

    def once(number: int) -> float:
        with computing_with(number):
            began = time.perf_counter()
            work()
            return time.perf_counter() - began

    first = min(numbers) if first is None else first
    cold = once(first)
    left, turns, done = sorted(numbers), rounds(cold), 0
    found: dict[int, list[float]] = {}
    while done < turns:
        for number in left:
            found.setdefault(number, []).append(once(number))
            if not done and found[number] > min(found.values()):
                break  # nor would more help
        if not done and len(numbers) > 1:
            best = min(found.values())[0]
            left = [number for number in found if found[number][0] <= CLOSE * best]
            turns = min(turns, 1 + rounds(max(found[number][0] for number in left)))
        done += 1
    return {number: statistics.median(times) for number, times in found.items()} or {first: cold}


@contextmanager
def slices(owner: object | None, work: str, rows: int, shape: tuple[int, ...], most: int) -> Iterator[Iterator[slice]]:
    """Places of `rows` rows, up to `most` at a time, while the number of threads is the best for them.

    Little work is done by one thread. Of more the first rows are done with each number that may be the best, and the
    rest with the fastest, which is remembered for a minute for this kind of work of the owner. What the user has said
    holds; the number is put back at the end.

    Args:
        owner: whose work it is; it is not kept alive. None where threads are not what computes.
        work: its kind.
        rows: how many.
        shape: of a row.
        most: rows at a time.

    Raises:
        TypeError: if `most` is no whole number.
        ValueError: if it is not positive.
    """
    import torch

    if not hasattr(most, "__index__"):
        raise TypeError(f"batch_size must be a whole number, how many rows at a time, got {most!r}")
    if most < 1:
        raise ValueError(f"batch_size must be at least 1, got {most}")
    if owner is None or given() is not None or cores() == 1:
        yield (slice(start, start + most) for start in range(0, max(rows, 1), most))
        return
    before = torch.get_num_threads()
    try:
        yield _paced(_fastest.setdefault(owner, {}), work, rows, math.prod(shape), most)
    finally:
        _set(before)


def _paced(known: dict[str, tuple[int, float]], work: str, rows: int, width: int, most: int) -> Iterator[slice]:
    numbers, piece = candidates(), min(most, max(1, PIECE // width))
    start, plan, seconds = 0, list[int](), dict[int, float]()
    while start < max(rows, 1):
        best, until = known.get(work, (1, -math.inf))
        enough = (rows - start) * width >= LEAST and (rows - start) > piece * (len(numbers) + 1)
        if not plan and enough and time.monotonic() > until:
            plan, seconds = [1, *numbers], {}
        number, size = (plan[0], piece) if plan else (best if rows * width >= LEAST else 1, most)
        _set(number)
        began = time.perf_counter()
        yield slice(start, start + size)
        if plan:
            warm = len(plan) > len(numbers)  # the first piece is not counted
            seconds |= {} if warm else {number: time.perf_counter() - began}
            slower = not warm and seconds[number] > min(seconds.values())
            plan = [] if slower else plan[1:]
            if not plan:
                known[work] = fastest(seconds), time.monotonic() + REMEMBERED
        start += size


def _set(number: int) -> None:
    import torch

    if torch.get_num_threads() != number:
        torch.set_num_threads(number)


@cache
def _defaults() -> set[int]:
    """The numbers that torch may have by itself, by the library that it asks: of processors, or of whole cores."""
    import psutil

    everything, allowed = os.cpu_count() or 1, psutil.Process().cpu_affinity() if sys.platform == "linux" else None
    processors = {everything, len(allowed or range(everything))}
    whole = psutil.cpu_count(logical=False) or everything
    return processors | {max(1, number * whole // everything) for number in processors}


def _granted(membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> float:
    """Cores' worth of time that the cgroups of this process may use."""
    own = _words(membership)[-1:]  # the second version's is the last: 0::/PATH
    group = root / own[0].rpartition("::")[2].lstrip("/") if own else root
    limits = [_words(place / "cpu.max") for place in (group, *group.parents) if place.is_relative_to(root)]
    limits.append([word for name in ("quota", "period") for word in _words(root / f"cpu/cpu.cfs_{name}_us")])  # first
    return min((int(a) / int(b) for a, b in (each for each in limits if len(each) == 2) if a not in ("max", "-1")),
               default=math.inf)  # fmt: skip


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []
