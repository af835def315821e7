"""Everything that was tried to get out of the grader's sandbox, and what came out: a table for docs/reliability.md.

python course/tests/reliability/escapes.py      (from the repository's root; Linux; a minute or two)

Attempts are functions of course/tests/grading/escape_attempts.py; write one more there and it is tried. What is not
about a process (answers that are read, images that are drawn) is in course/tests/reliability/left_to_read.py.
"""

import functools
import inspect
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    tests = Path(__file__).resolve().parents[1]
    sys.path[:0] = [str(tests), str(tests.parents[1] / "tests")]

import pytest
import torch

from diffeo_course.sandbox import process
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.confine import LAYERS
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call
from grading import escape_attempts

SECRET = b"# of 20239999, for nobody else"
KERNEL, HOOK = ("resources", "landlock", "filter"), ("resources", "hook")
LIMITS = Limits(call=20, load=20, whole=600, memory=1 << 30, disk=256 << 20)
# what an attempt may get: up to the limit it has got nowhere
AMOUNTS = {
    **dict.fromkeys(("memory_files", "shared_maps", "shared_maps_in_c", "children", "children_in_c"), LIMITS.memory),
    **dict.fromkeys(("segments",), 0),
    "limits_raised": LIMITS.memory,
    **dict.fromkeys(("many_files", "deleted_files"), LIMITS.disk),
    "many_threads": 3 * LIMITS.threads,  # some start between two looks
}
PLAIN = "plain Python"


def _static() -> bytes:
    """The smallest program that is not linked to anything (x86-64): it writes a line, and ends."""
    said = b"program_in_memory executed\n"
    write = bytes.fromhex("b801000000bf01000000488d3510000000ba") + struct.pack("<I", len(said)) + b"\x0f\x05"
    code = write + bytes.fromhex("b83c00000031ff0f05") + said
    size, at = 120 + len(code), 0x400000
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, at + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    )
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, at, at, size, size, 4096) + code


@dataclass
class World:
    """What is outside: servers, files, a process; and what of it was reached.

    Attributes:
        received: by the servers.
        values: places and numbers, as attempts are told them.
    """

    received: list[bytes] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def open(self, folder: Path) -> None:
        """Set it up in a folder that is nobody's home."""
        inbox, library = folder / "inbox", folder / "library"
        inside = library / "inbox" / "handed-in.py"
        for place in (inbox, inside.parent):
            place.mkdir(parents=True)
            (place / "handed-in.py").write_bytes(SECRET)
        kept = folder / "kept.txt"
        kept.write_text("as it was", encoding="utf-8")
        kept.chmod(0o644)
        waits = [sys.executable, "-c", "import time; time.sleep(600)", str(inbox / "handed-in.py")]
        self.other = subprocess.Popen(waits, env={**os.environ, "SECRET": SECRET.decode()})
        self.sockets = [
            _listening(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            _listening(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            _listening(socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "s")),
        ]
        for each in self.sockets:
            threading.Thread(target=self._listen, args=(each,), daemon=True).start()
        self.library, self.closed = library, (str(inside.parent),)
        self.values = {
            "udp": self.sockets[0].getsockname()[1],
            "tcp": self.sockets[1].getsockname()[1],
            "unix": str(folder / "s"),
            "secret": str(inbox / "handed-in.py"),
            "inside": str(inside),
            "kept": str(kept),
            "test": str(Path(__file__).resolve()),
            "process": self.other.pid,
            "static": _static().decode("latin-1"),
        }

    def close(self) -> None:
        """End what it started."""
        self.other.kill()
        self.other.wait()
        for each in self.sockets:
            each.close()

    def _listen(self, listening: socket.socket) -> None:
        while True:
            try:
                if listening.type == socket.SOCK_DGRAM:
                    self.received.append(listening.recv(1000))
                else:
                    came, _ = listening.accept()
                    with came:
                        came.settimeout(2)
                        self.received.append(came.recv(1000))
            except TimeoutError:
                continue
            except OSError:  # closed
                return


def _listening(family: int, kind: int, address: Any) -> socket.socket:
    made = socket.socket(family, kind)
    made.bind(address)
    if kind == socket.SOCK_STREAM:
        made.setsockopt(socket.IPPROTO_TCP, 23, 5) if family == socket.AF_INET else None  # TCP_FASTOPEN
        made.listen()
    return made


@dataclass(frozen=True)
class Tried:
    """What came of an attempt.

    Attributes:
        out: what got out; "" if nothing did.
        how: what ended it.
    """

    name: str
    out: str
    how: str


def attempts() -> dict[str, tuple[str, str]]:
    """Each attempt's name, with what it does and what it needs."""
    found = {}
    for name, function in vars(escape_attempts).items():
        if inspect.isfunction(function) and not name.startswith("_"):
            what, _, needs = (function.__doc__ or "").partition(" | ")
            found[name] = what, needs
    return found


@functools.cache
def tried(layers: tuple[str, ...] = LAYERS, only: tuple[str, ...] = ()) -> dict[str, Tried]:
    """Every attempt in turn, with these layers; with the hook alone, those in plain Python alone."""
    names = [name for name, (_, needs) in attempts().items() if needs == PLAIN or layers != HOOK]
    names = list(only) or names
    world = World()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as changed:
        world.open(Path(os.path.realpath(folder)))
        changed.setattr(process, "LAYERS", layers)
        changed.setenv("LD_LIBRARY_PATH", str(world.library))  # so a folder that may be read
        try:
            source = f"WORLD = {world.values!r}\n{Path(escape_attempts.__file__).read_text(encoding='utf-8')}"
            limits = replace(LIMITS, closed=world.closed)
            outcome = process.run(source, [Call(name, ()) for name in names], limits=limits)
            ends = zip(names, outcome.answers, strict=True)
            return {name: Tried(name, _out(name, answer, world, outcome), _how(answer)) for name, answer in ends}
        finally:
            world.close()


def _how(answer: Answer) -> str:
    return answer.detail if answer.fault == "raised" else f"{answer.fault} {answer.detail}".strip()


def _out(name: str, answer: Answer, world: World, outcome: process.Outcome) -> str:
    """What got out."""
    got = answer.values[0] if answer.values else torch.zeros(0)
    content = bytes(got.tolist()) if got.dtype == torch.uint8 else b""
    amount = float(got) if got.numel() == 1 and got.is_floating_point() else 0.0
    there = Path(world.values["kept"])
    ended = world.other.poll() is not None
    effects = {
        "the secret": SECRET in content or b"handed-in.py" in content or b"def attempts" in content,
        "a message": name.encode() in world.received or any(f"/{name} ".encode() in each for each in world.received),
        "a program ran": f"{name} executed" in outcome.printed,
        "another process ended": ended and name in ("signal_to_another", "signal_in_c", "limits_of_another"),
        "a file changed": name in ("modes_in_c", "written_in_c", "written_outside") and _changed(there),
        f"{amount:g}": amount > AMOUNTS.get(name, 0),
    }
    return ", ".join(what for what, so in effects.items() if so)


def _changed(file: Path) -> bool:
    return file.read_text(encoding="utf-8") != "as it was" or file.stat().st_mode & 0o777 != 0o644


def table() -> str:
    """Each attempt, with what came of it: with all layers, with the kernel's alone, with Python's alone."""
    rows = ["| escape | needs | result | kernel alone | hook alone |", "| --- | --- | --- | --- | --- |"]
    each = [tried(layers) for layers in (LAYERS, KERNEL, HOOK)]
    for name, (what, needs) in attempts().items():
        results = [_cell(found.get(name)) for found in each]
        rows.append(f"| {what} | {needs} | {' | '.join(results)} |")
    from reliability.left_to_read import ROWS

    return "\n".join([*rows, *(f"| {' | '.join(other())} | | |" for other in ROWS)])


def _cell(found: Tried | None) -> str:
    if found is None:
        return "not tried"
    if found.out:
        return f"**out: {found.out}**"
    how = re.sub(r"'?<?/(?!proc')[\w.]+/\S+|tmp\w+/", "", found.how).replace("|", "/").strip(": ")
    return f"held ({how})" if how else "held"


if __name__ == "__main__":
    from reliability import page

    made = table()
    page.put("escapes", made)
    sys.stdout.write(f"{made}\n")
    sys.exit("**out" in made)
