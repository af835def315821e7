"""Processes that programs run in: nothing of them is left, and nothing outside their folder changes."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from diffeo.course.sandbox import integrity
from diffeo.course.sandbox.limits import Limits
from diffeo.course.sandbox.messages import Call
from diffeo.course.sandbox.process import run

SHORT = Limits(call=1, load=2, memory=1 << 30)


def test_what_a_program_starts_is_ended_with_it(tmp_path: Path) -> None:
    # _posixsubprocess is what subprocess is made of, and raises no audit event of its own
    started = f"""
import os, sys, threading, _posixsubprocess
def start():
    read, write = os.pipe()
    command = [os.fsencode(sys.executable), b"-c", b"import time; time.sleep(1000) # {tmp_path.name}"]
    _posixsubprocess.fork_exec(command, [command[0]], True, (), None, None, -1, -1, -1, -1, -1, -1, read, write,
        False, True, -1, None, None, None, -1, None, False)
    while True:
        pass
"""
    outcome = run(started, [Call("start", ())], limits=SHORT)
    assert outcome.answers[0].fault in ("slow", "raised")
    time.sleep(0.2)
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if tmp_path.name in " ".join(each.info["cmdline"] or [])
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is of Linux; elsewhere Python's own hook has to do")
def test_the_kernel_refuses_writes_that_python_does_not_see(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("as it was")
    program = f"""
import ctypes
def remove():
    libc = ctypes.CDLL(None)
    return libc.unlink({str(kept).encode()!r}), libc.unlink(b"mine.txt")
"""
    answer = run(program, [Call("remove", ())], limits=SHORT).answers[0]
    assert kept.read_text() == "as it was", answer


def test_a_function_that_ends_the_process_takes_no_other_along() -> None:
    program = "import os\ndef ends(): os._exit(3)\ndef stays(): return 7.0\n"
    ends, stays = run(program, [Call("ends", ()), Call("stays", ())], limits=SHORT).answers
    assert (ends.fault, ends.detail) == ("died", "3")
    assert [float(value) for value in stays.values] == [7.0]


def test_output_is_cut_off_not_stored() -> None:
    outcome = run("def talk():\n    print('x' * 10**7)\n    return 1.0\n", [Call("talk", ())], limits=SHORT)
    assert len(outcome.printed) == SHORT.output
    assert not outcome.answers[0].fault


def test_a_changed_file_of_the_checker_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "course" / "sandbox").mkdir(parents=True)
    file = tmp_path / "course" / "sandbox" / "child.py"
    file.write_text("a")
    monkeypatch.setattr(integrity, "HERE", tmp_path / "course" / "sandbox")
    before = integrity.state()
    assert integrity.changed(before) == []
    file.write_text("ab")
    assert integrity.changed(before) == ["sandbox/child.py"]
