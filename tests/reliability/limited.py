"""A call in a process of its own, with limits of time and memory: whatever it does, it is known how it ended."""

import functools
import multiprocessing
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

SECONDS, MEMORY = 10.0, 2 << 30
OWN = re.compile(r"[/\\](src[/\\]diffeo|diffeo_\w+)[/\\]")  # a file of the library, or of a package beside it


@dataclass(frozen=True)
class Ended:
    """How a call ended.

    Attributes:
        how: "returned", "raised", "hung" (longer than its seconds of computing, or six times as long in all), "memory"
            (more than its bytes) or "died".
        error: the name of the exception's class, or the exit status of a process that died.
        message: what the exception says.
        own: whether a `raise` of diffeo's own raised it.
        value: what was returned, as text.
        seconds: what it took.
        grown: bytes that the process grew by, at its largest.
    """

    how: str
    error: str = ""
    message: str = ""
    own: bool = False
    value: str = ""
    seconds: float = 0.0
    grown: int = 0


def limited(
    function: Callable[..., Any], *arguments: Any, seconds: float = SECONDS, memory: int = MEMORY, **options: Any
) -> Ended:
    """Call a function of a module in a fresh process that has torch and diffeo imported."""
    here, there = _context().Pipe(duplex=False)
    process = _context().Process(target=_call, args=(there, function, arguments, options), daemon=True)
    process.start()
    there.close()
    try:
        begun = here.recv() if here.poll(60) else None  # the server imports torch before the first
        since = time.monotonic()
        watched = psutil.Process(process.pid)
        how, largest = "", 0
        while not how and not here.poll(0.02):
            try:
                largest = max(largest, watched.memory_info().rss)
                times = watched.cpu_times()
            except psutil.Error:
                break
            if times.user + times.system > seconds or time.monotonic() - since > 6 * seconds:
                how = "hung"
            elif largest - (begun or 0) > memory:
                how = "memory"
        taken = time.monotonic() - since
        if how:
            return Ended(how, seconds=taken, grown=largest - (begun or 0))
        try:
            told = here.recv()
        except EOFError:
            process.join(10)
            return Ended("died", error=str(process.exitcode), seconds=taken)
        return Ended(**told)
    finally:
        process.kill()
        process.join()
        here.close()


@functools.cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "diffeo", "diffeo.data", "diffeo.saving.io", "scipy.io", "PIL.Image"])
    return context


def _call(pipe: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    os.setpgid(0, 0)
    before = psutil.Process().memory_info().rss
    pipe.send(before)
    since = time.monotonic()
    try:
        told: dict[str, Any] = {"how": "returned", "value": str(function(*arguments, **options))[:2000]}
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        told = {
            "how": "raised",
            "error": type(error).__name__,
            "message": str(error)[:2000],
            "own": bool(frames)
            and OWN.search(frames[-1].filename) is not None
            and (frames[-1].line or "").startswith("raise"),
        }
    pipe.send({**told, "seconds": time.monotonic() - since, "grown": max(0, peak() - before)})


def peak() -> int:
    """The most bytes that this process had in memory."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
