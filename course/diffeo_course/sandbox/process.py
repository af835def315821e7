"""Running a student's program from outside: started, watched, ended with everything it started, started again."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

import diffeo
from diffeo_course.material import material
from diffeo_course.sandbox import integrity, messages
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.confine import LAYERS, Confinement
from diffeo_course.sandbox.limits import WAITING, Limits
from diffeo_course.sandbox.messages import Call
from diffeo_course.sandbox.reading import rules
from diffeo_course.sandbox.removing import remove
from diffeo_course.sandbox.syscalls import filter_program
from diffeo_course.sandbox.watching import memory, threads, written

COPY = "checker"  # the package that the process runs: what this one was when it was imported
PAUSE = 0.03  # seconds between two looks
ANSWERS = 256 << 20  # bytes of all answers of a process
OWN = 2 if sys.platform == "linux" else 1  # processes that are none of the program's doing
RIGHT = ("diffeo", "diffeo_course")  # packages that say what is right


@dataclass
class Outcome:
    """What came of a program.

    Args:
        answers: one for each call, in order.
        errors: of loading: line and error.
        printed: the beginning of what it printed.
        changed: files of the checker that changed meanwhile.
        seconds: by the clock, without starting.
    """

    answers: list[Answer]
    errors: list[tuple[int, str]] = field(default_factory=list)
    printed: str = ""
    changed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(source: str, calls: list[Call], *, files: Mapping[str, Path] | None = None, limits: Limits) -> Outcome:
    """Run a program and call its functions; whatever it does, every call has an answer at the end.

    A call that takes too long or ends the process is answered by what happened. The other calls of that function are
    not tried; those of other functions are made in a new process. Where an answer is none of ours, the program wrote
    into the answers of others: from then on every function has a process of its own.

    Args:
        source: definitions in Python, to be executed; it has to parse.
        calls: what to call.
        files: copied into the program's folder, by name.
        limits: of time and memory.
    """
    answers: dict[int, Answer] = {}
    outcome = Outcome([])
    spent, forged = 0.0, False
    while pending := [number for number in range(len(calls)) if number not in answers]:
        if spent > limits.whole:
            answers |= {number: Answer(fault="whole", detail=f"{limits.whole:g}") for number in pending}
            break
        if forged:
            pending = [number for number in pending if _asked(calls[number]) == _asked(calls[pending[0]])]
        with _Run(source, [calls[number] for number in pending], files or {}, limits) as process:
            process.watch(limits.whole - spent)
        spent += process.seconds
        outcome.errors, outcome.printed = process.errors or outcome.errors, outcome.printed or process.printed
        outcome.changed += process.changed
        answers |= {pending[index]: answer for index, answer in process.answers.items()}
        left = [number for number in pending if number not in answers]
        if process.fault is None or not left:
            continue
        if process.forged and not forged:
            forged = True
            continue
        if not process.loaded:
            answers |= dict.fromkeys(left, process.fault)
        else:
            same = [number for number in left if _asked(calls[number]) == _asked(calls[left[0]])]
            answers |= dict.fromkeys(same, process.fault)
    outcome.answers, outcome.seconds = [answers[number] for number in range(len(calls))], spent
    return outcome


def _asked(call: Call) -> tuple[str, str]:
    return call.function, call.question


def right() -> list[str]:
    """Where what is right stands: what runs here, the course's material, and copies in folders of the path.

    A development installation leaves such a copy of the material among the installed packages.
    """
    here = [Path(diffeo.__file__).parent, Path(__file__).parents[1], material()]
    copies = [Path(place, name) for place in sys.path if place for name in RIGHT]
    return [str(place) for place in [*here, *copies] if place.exists()]


class _Run:
    """One process, from its start until it and all its descendants are gone."""

    def __init__(self, source: str, calls: list[Call], files: Mapping[str, Path], limits: Limits):
        self.limits, self.count = limits, len(calls)
        self.answers: dict[int, Answer] = {}
        self.fault: Answer | None = None
        self.errors: list[tuple[int, str]] = []
        self.loaded = self.forged = False
        self.seconds = 0.0  # since it began with the program
        self.room = ANSWERS
        self.printed = ""
        self.changed: list[str] = []
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="diffeo-grade-")))
        (self.folder / messages.WORK).mkdir()
        (self.folder / messages.CALLS).write_bytes(messages.pack_calls(calls))
        (self.folder / messages.SOURCE).write_text(source, encoding="utf-8", newline="")
        for name, path in files.items():
            shutil.copyfile(path, self.folder / messages.WORK / name)
        reading = rules((*right(), *limits.closed), (str(self.folder),))
        confinement = Confinement(limits.memory, reading, filter_program().hex(), LAYERS)
        (self.folder / messages.CONFINEMENT).write_text(confinement.to_json(), encoding="utf-8")
        self.seen: dict[int, psutil.Process] = {}

    def __enter__(self) -> "_Run":
        integrity.write_copy(self.folder / COPY)
        self.before = integrity.state()
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{COPY}.child", str(self.folder)],
            cwd=self.folder / messages.WORK,
            env=_environment(self.folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end()
        self.reader.join(timeout=2)
        self._collect()
        self.changed = integrity.changed(self.before)
        remove(self.folder)

    def watch(self, seconds: float) -> None:
        """Wait until everything is answered or a limit is passed; then `fault` says which."""
        phase, since, base, began = "start", time.monotonic(), 0.0, None
        while self.fault is None:
            ended = self.process.poll() is not None  # before looking for answers: what it wrote last counts
            before = (phase, len(self.answers))
            self._collect()
            family = self._family()
            used = sum(_computed(each) for each in family)
            if phase == "start" and (self.folder / messages.READY).exists():
                phase, began = "load", time.monotonic()
            if phase == "load" and self.loaded:
                phase = "call"
            if before != (phase, len(self.answers)):
                since, base = time.monotonic(), used
            self.seconds = time.monotonic() - began if began is not None else 0.0
            if len(self.answers) == self.count or self.fault is not None:
                return
            if ended:
                self.fault = Answer(fault="died" if phase != "start" else "start", detail=str(self.process.returncode))
            elif self.seconds > seconds:
                self.fault = Answer(fault="whole", detail=f"{self.limits.whole:g}")
            else:
                self.fault = self._broken(phase, time.monotonic() - since, used - base, family)
                time.sleep(PAUSE)

    def _broken(self, phase: str, waited: float, used: float, family: list[psutil.Process]) -> Answer | None:
        allowed = getattr(self.limits, phase)
        if used > allowed or waited > WAITING * allowed:
            fault = {"start": "start", "load": "load", "call": "slow"}[phase]
            return Answer(fault=fault, detail=f"{allowed:g}")
        if len(family) - OWN > self.limits.processes:
            return Answer(fault="crowd", detail=str(len(family) - OWN))
        if (started := threads(family)) > self.limits.threads:
            return Answer(fault="crowd", detail=str(started))
        if memory(family[OWN - 1 :]) > self.limits.memory:
            return Answer(fault="memory", detail=f"{self.limits.memory >> 20} MB")
        if written(family, self.folder) > self.limits.disk:
            return Answer(fault="disk", detail=f"{self.limits.disk >> 20} MB")
        return None

    def _family(self) -> list[psutil.Process]:
        """The process and its descendants; who was seen once is ended later, even if its parent is gone."""
        try:
            me = psutil.Process(self.process.pid)
            family = [me, *me.children(recursive=True)]
        except psutil.Error:
            return []
        self.seen |= {each.pid: each for each in family}
        return family

    def _collect(self) -> None:
        try:
            if not self.loaded and (errors := messages.read_errors(self.folder)) is not None:
                self.loaded, self.errors = True, errors
            while self.loaded and self.fault is None and len(self.answers) < self.count:
                answer = messages.read_answer(self.folder, len(self.answers), self.room)
                if answer is None:
                    return
                self.room -= sum(value.nbytes for value in answer.values)
                self.answers[len(self.answers)] = answer
        except messages.Forged as error:  # what lies beside it is the program's work too
            self.fault, self.forged = self.fault or Answer(fault="forged", detail=str(error)), True

    def _end(self) -> None:
        while self._family() and sum(_ended(each) for each in list(self.seen.values())[1:]):
            pass  # what a program goes on starting meanwhile is found by the next look
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, 9)
        for each in self.seen.values():
            with contextlib.suppress(psutil.Error):
                each.kill()  # psutil compares start times: a number given anew is another process
        self.process.wait()

    def _read(self, pipe: IO[bytes]) -> None:
        kept = b""
        with pipe:
            while data := pipe.read1(65536):  # type: ignore[attr-defined]
                kept += data[: max(0, 4 * self.limits.output - len(kept))]
        self.printed = kept.decode("utf-8", "replace")[: self.limits.output]


def _ended(process: psutil.Process) -> bool:
    """End a process; whether it was still running."""
    try:
        running = bool(process.status() != psutil.STATUS_ZOMBIE)
        process.kill()  # psutil compares start times: a number given anew is another process
    except psutil.Error:
        return False
    return running


def _computed(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _environment(folder: Path) -> dict[str, str]:
    """Nothing of the lecturer's but what Python needs to start; one thread, no GPU, no home."""
    kept = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")
    own = {name: os.environ[name] for name in kept if name in os.environ}
    places = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR")
    homes = dict.fromkeys(places, str(folder / messages.WORK))
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return (
        own
        | homes
        | one
        | {
            "PYTHONPATH": os.pathsep.join([str(folder), *(place for place in sys.path if place)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "MPLBACKEND": "Agg",
            "CUDA_VISIBLE_DEVICES": "",
        }
    )
