"""Processes that programs run in: nothing of them is left, and nothing outside their folder changes."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from diffeo_course.sandbox import integrity, process
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call
from diffeo_course.sandbox.process import run

pytestmark = pytest.mark.whole

SHORT = Limits(call=1, load=2, memory=1 << 30)


@pytest.fixture
def may_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without seccomp, for a program that calls the C library."""
    monkeypatch.setattr(process, "LAYERS", ("resources", "landlock"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.usefixtures("may_fork")
def test_what_a_program_starts_is_ended_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # so that its processes can be told from others
    program = """
import ctypes
def start():
    libc = ctypes.CDLL(None)  # a fork that Python does not see
    if libc.fork() == 0:
        libc.setsid()
        libc.sleep(1000)
    while True:
        pass
"""
    assert run(program, [Call("start", ())], limits=SHORT).answers[0].fault == "slow"
    living = [each for each in psutil.process_iter(["cmdline", "status"]) if alive(each)]
    commands = [" ".join(each.info["cmdline"] or []) for each in living]
    assert not [command for command in commands if str(tmp_path) in command]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing holds what has no parent left")
@pytest.mark.usefixtures("may_fork")
def test_what_a_program_leaves_without_a_parent_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = """
import ctypes
def leave():
    libc = ctypes.CDLL(None)
    if libc.fork() == 0:
        libc.setsid()
        if libc.fork() == 0:
            libc.setsid()
            libc.sleep(1000)
        libc._exit(0)
    libc.usleep(200000)
    libc._exit(0)
"""
    assert run(program, [Call("leave", ())], limits=SHORT).answers[0].fault == "died"
    living = [each for each in psutil.process_iter(["cmdline", "status"]) if alive(each)]
    commands = [" ".join(each.info["cmdline"] or []) for each in living]
    assert not [command for command in commands if str(tmp_path) in command]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process does not learn that its parent has ended")
def test_a_program_ends_with_the_checker(tmp_path: Path) -> None:
    checker = r"""
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call
from diffeo_course.sandbox.process import run
run("def loop():\n    open('looping', 'w').close()\n    while True: pass", [Call("loop", ())], limits=Limits(call=100))
"""
    checking = subprocess.Popen([sys.executable, "-c", checker, str(tmp_path)])
    while not list(tmp_path.glob("diffeo-grade-*/work/looping")):
        assert checking.poll() is None
        time.sleep(0.05)
    checking.kill()
    checking.wait()
    for _ in range(100):
        found = [each for each in psutil.process_iter(["cmdline", "status"]) if alive(each)]
        left = [each for each in found if str(tmp_path) in " ".join(each.info["cmdline"] or [])]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(left)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes with names on Windows")
def test_a_pipe_in_place_of_what_was_loaded_is_not_waited_for() -> None:
    program = "import os\nclass Never:\n    os.mkfifo('../loaded.json')\n    while True: pass\ndef f(): return 1.0\n"
    assert run(program, [Call("f", ())], limits=SHORT).answers[0].fault == "forged"


def test_an_answer_without_its_kinds_is_none_of_ours() -> None:
    program = """
import json, os, pathlib, torch
from safetensors.torch import save
def forge():
    said = {"values": 1, "kinds": [], "changed": False, "fault": "", "detail": "", "line": 0}
    pathlib.Path("../0.answer").write_bytes(save({"0": torch.ones(1)}, {"answer": json.dumps(said)}))
    os._exit(0)
"""
    assert run(program, [Call("forge", ())], limits=SHORT).answers[0].fault == "forged"


def alive(process: psutil.Process) -> bool:
    """Whether it still runs: one that was killed stays listed until its parent takes notice."""
    return process.info["status"] != psutil.STATUS_ZOMBIE  # type: ignore[no-any-return]


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is of Linux; elsewhere Python's own hook has to do")
@pytest.mark.usefixtures("may_fork")
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


@pytest.mark.usefixtures("may_fork")
def test_folders_too_deep_for_a_path_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = """
import ctypes, os
def deep():
    libc = ctypes.CDLL(None)
    for _ in range(3000):
        libc.mkdir(b"deeper", 0o700)
        libc.chdir(b"deeper")
    os._exit(0)
"""
    (deep,) = run(program, [Call("deep", ())], limits=Limits(memory=1 << 30)).answers
    assert deep.fault in ("died", "slow")  # slow where the file system is: what it made is as deep
    assert list(tmp_path.iterdir()) == []


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
