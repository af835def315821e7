"""One input in a forked process of its own, with limits, as the command would take it; and how it ended."""

import contextlib
import faulthandler
import io
import json
import os
import re
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from reliability.limited import MEMORY, OWN, SECONDS, peak

READ, CLEAR, DEPTHS, BARE, HANG, LARGE, CRASH, PROGRAM = COLUMNS = (
    "read", "clear error", "from the depths", "bare traceback", "hang", "> 2 GB", "crash", "starts a program"
)  # fmt: skip
LOOK = 0.02  # seconds between two looks at memory
PATIENCE = 6  # so many times its seconds on the clock, where it waits instead of computing
ALWAYS = ("fc-list",)  # matplotlib asks it for fonts, whatever is read
PROGRAMS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn")


@dataclass(frozen=True)
class Outcome:
    """How an input ended.

    Attributes:
        column: one of :data:`COLUMNS`.
        text: the last line of what was said, or what gave it away.
        where: the innermost function, with its file; nothing where there is none.
        error: the exception's class.
        seconds: on the clock.
    """

    column: str
    text: str = ""
    where: str = ""
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Given:
    """An input: what takes it, and the words of which an error has to say one (none: any will do).

    What takes it is a function, whose errors are told as the command tells its own; or the words of a command.
    """

    take: Callable[[], Any] | tuple[str, ...]
    names: tuple[str, ...] = ()


def attempt(make: Callable[[], Given], *, seconds: float = SECONDS, memory: int = MEMORY) -> Outcome:
    """Make an input and take it, in a fork of this process, which must have no other thread that computes.

    Args:
        make: makes the input; its time and memory are not counted.
        seconds: of processor time; :data:`PATIENCE` times as many on the clock.
        memory: bytes that it may grow by.
    """
    here, there = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        os.close(here)
        _in_child(make, there)
    os.close(there)
    try:
        return _watched(child, here, seconds, memory)
    finally:
        os.close(here)


def _watched(child: int, pipe: int, seconds: float, memory: int) -> Outcome:
    watched, told = psutil.Process(child), b""
    since, before, used, limit = time.monotonic(), 0, 0.0, ""
    while not limit:
        ready, _, _ = select.select([pipe], [], [], LOOK)
        if ready:
            piece = os.read(pipe, 1 << 16)
            if not piece:
                break
            if not told:  # made: from here on it counts
                since, before, used = time.monotonic(), watched.memory_info().rss, _computed(watched)
            told += piece
        elif told:
            with contextlib.suppress(psutil.Error):
                if watched.memory_info().rss - before > memory:
                    limit = LARGE
                elif _computed(watched) - used > seconds or time.monotonic() - since > PATIENCE * seconds:
                    limit = HANG
        elif time.monotonic() - since > 600:
            raise TimeoutError("the harness could not make an input in ten minutes")
    taken = time.monotonic() - since
    if limit:
        told += _asked(child, pipe)
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if limit:
                end(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    text = told.decode("utf-8", "replace")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    found = next((line for line in lines if "program" in line), None)
    if found:
        return Outcome(PROGRAM, found["program"], found["where"], seconds=taken)
    if limit:
        return Outcome(limit, lines[-1].get("input", ""), _dumped(text), seconds=taken)
    last = lines[-1] if lines else {}
    if "harness" in last:
        raise RuntimeError(f"the harness failed to make an input: {last['harness']}")
    if "column" not in last:
        end = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"
        return Outcome(CRASH, f"the process ended with {end}", _dumped(text), seconds=taken)
    if last.pop("grown") > memory:
        return Outcome(LARGE, last["text"], last["where"], last["error"], taken)
    return Outcome(**last, seconds=taken)


def _asked(child: int, pipe: int) -> bytes:
    """Where a process is that is about to be ended, as far as it can say."""
    told = b""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGUSR1)
    while select.select([pipe], [], [], 0.5)[0] and (piece := os.read(pipe, 1 << 16)):
        told += piece
    return told


def _dumped(text: str) -> str:
    """The innermost function of diffeo's, and of all, in what faulthandler wrote."""
    frames = re.findall(r'File "([^"]*)", line (\d+) in (\S+)', text)
    own = next((frame for frame in frames if OWN.search(frame[0])), None)
    inner = [f"{Path(file).name}:{line} {function}" for file, line, function in filter(None, (own, *frames[:1]))]
    return " > ".join(dict.fromkeys(inner))


def _computed(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _in_child(make: Callable[[], Given], pipe: int) -> None:
    def tell(**what: Any) -> None:
        os.write(pipe, json.dumps(what).encode() + b"\n")

    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        try:
            given = make()
        except BaseException:
            tell(harness=traceback.format_exc())
            os._exit(1)
        faulthandler.enable(pipe, all_threads=False)
        faulthandler.register(signal.SIGUSR1, pipe, all_threads=False)
        sys.addaudithook(_Programs(tell))
        before = _resident()
        tell(input=" ".join(given.names if callable(given.take) else ("diffeo", *given.take))[:400])
        ended = ending(given)
        tell(**ended, grown=peak() - before)
    finally:
        os._exit(0)


class _Programs:
    """Notes what starts a program, and refuses it."""

    def __init__(self, tell: Callable[..., None]):
        self.tell = tell

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROGRAMS and not (event == "subprocess.Popen" and Path(str(arguments[0])).name in ALWAYS):
            stack = traceback.extract_stack()[:-1]
            self.tell(program=f"{event} {arguments!r}"[:300], where=_place(stack))
            raise PermissionError("a reader may start no program")


def ending(given: Given) -> dict[str, str]:
    """Take an input as the command would, and say how that ended."""
    import diffeo.cli.app  # noqa: F401

    command: Any = sys.modules["diffeo.cli.app"]
    error: BaseException | None = None
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    verbs, streams, arguments = command.app, (sys.stdout, sys.stderr), sys.argv
    sys.stdout, sys.stderr = out, err
    bare = False
    try:
        if callable(given.take):
            command.app = lambda *_, **__: given.take()
            command.main(["data"])  # a verb of diffeo's own: those of others are not looked for
        else:
            sys.argv = ["diffeo", *given.take]
            command.main(list(given.take))
    except SystemExit as end:
        error = end.__context__
    except BaseException as end:
        error, bare = end, True
    finally:
        sys.stdout, sys.stderr = streams
        sys.argv, command.app = arguments, verbs
    err.flush()
    said = err.buffer.getvalue().decode("utf-8", "replace")
    text = said.strip() or str(error or "")
    bare = bare or "Traceback (most recent call last)" in said
    frames = traceback.extract_tb(error.__traceback__) if error is not None else traceback.StackSummary()
    found = {"text": _last(text), "where": _place(frames), "error": type(error).__name__ if error is not None else ""}
    if bare:
        return {"column": BARE, **found, "text": f"{found['error']}: {_last(str(error))}"}
    if error is None:
        return {"column": READ, "text": "", "where": "", "error": ""}
    own = type(error).__module__.partition(".")[0] == "cyclopts" or _raised_by_own(frames)
    named = not given.names or any(name in text for name in given.names)
    if own and not named:
        found["text"] = f"(names no {' or '.join(given.names)}) {found['text']}"
    return {"column": CLEAR if own and named else DEPTHS, **found}


def _raised_by_own(frames: traceback.StackSummary) -> bool:
    """Whether a `raise` of diffeo's own is the innermost line."""
    return bool(frames and OWN.search(frames[-1].filename)) and (frames[-1].line or "").startswith("raise")


def _place(frames: traceback.StackSummary) -> str:
    """The innermost function of diffeo's, and the innermost of all."""
    own = next((frame for frame in reversed(frames) if OWN.search(frame.filename)), None)
    inner = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in (own, *frames[-1:]) if frame]
    return " > ".join(dict.fromkeys(inner))


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    wanted = next((line for line in reversed(lines) if line.startswith("diffeo: ")), lines[-1] if lines else "")
    return wanted.removeprefix("diffeo: ")[:400]


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)
