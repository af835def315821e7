"""Whether a machine is ready: every line, its fix, both languages, any terminal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import DIFFEO, environment

from diffeo_course import check
from diffeo_course.messages import LANGUAGES, say

GIB = 2**30
NAMES = ("python", "torch", "disk", "memory", "data", "notebook", "font")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_is_named_and_a_machine_with_everything_is_ready(language: str) -> None:
    found = check.examine(language)
    assert [one.what for one in found] == [say(f"check-{name}", language) for name in NAMES]
    assert all((one.status == "ok") == (not one.fix) and one.found for one in found)
    good = [check.Finding(one.what, "ok", one.found) for one in found]
    assert check.in_words(good, language).splitlines()[-1] == say("check-ready", language)
    assert len(check.in_words(good, language).splitlines()) == len(NAMES) + 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_comes_with_its_fix(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "PYTHON", (99, 0))
    monkeypatch.setattr(check, "TORCH", (99, 0))
    monkeypatch.setattr(check, "DISK", 1e9)
    monkeypatch.setattr(check, "memory", lambda: 2 * GIB)
    monkeypatch.setattr(check, "find_spec", lambda name: name if name == "torch" else None)
    monkeypatch.setattr("diffeo.evaluation.fonts.korean_family", lambda: None)
    found = check.examine(language)
    for name, one in zip(NAMES, found, strict=True):
        assert one.status == "missing", name
        assert one.fix == say(f"check-{name}-fix", language), name
    text = check.in_words(found, language)
    assert text.count(say("check-fix", language) + ": ") == len(NAMES)
    assert all(one.what in text.splitlines()[-1] for one in found)
    assert "2.0 GiB" in text


def test_a_torch_that_does_not_load_is_told_from_one_that_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if there was none
    assert check._torch("en").fix == say("check-torch-fix", "en")
    monkeypatch.setattr(check, "find_spec", lambda name: name)
    broken = check._torch("en")
    assert broken.fix == say("check-torch-broken-fix", "en")
    assert "torch" in broken.found


@pytest.mark.parametrize(("gib", "enough"), [(3.8, True), (3.0, False), (16.0, True)])
def test_a_machine_of_four_gigabytes_is_enough(gib: float, enough: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "memory", lambda: int(gib * GIB))
    assert (check._memory("en").status == "ok") is enough


def test_a_system_that_does_not_say_its_memory_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "memory", lambda: None)
    assert check._memory("ko").status == "ok"


def test_this_machine_says_how_much_memory_it_has() -> None:
    size = check.memory()
    assert size is None or GIB / 4 < size < 2**16 * GIB


HIDDEN = "import sys\nfor name in {hidden!r}: sys.modules[name] = None\nsys.argv[1:] = {arguments!r}\n" + DIFFEO[2]


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_in_a_korean_folder_a_terminal_of_any_encoding_reads_it(encoding: str, tmp_path: Path) -> None:
    folder = tmp_path / "바탕 화면" / "10주차 과제"
    folder.mkdir(parents=True)
    narrow = environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    code = HIDDEN.format(hidden=["torch"], arguments=["course", "check", "--lang", "ko"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=folder, env=narrow, check=False)
    text = done.stdout.decode(encoding)
    assert done.returncode == 1, done.stderr
    assert say("check-torch-fix", "ko") in text
    assert "?" not in text
    assert text.splitlines()[0].startswith(f"[{say('check-ok', 'ko')}] 파이썬: 3.")
    assert done.stderr == b""


def test_the_exit_status_is_one_only_if_something_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DIFFEO, "course", "check", "--lang", "en", "--json"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment()}, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert [one["what"] for one in found][:2] == ["Python", "PyTorch"]
    assert done.returncode == int(any(one["status"] == "missing" for one in found)), done.stderr
