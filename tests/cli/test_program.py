"""The program itself: how it is started, what it is called, and how it warns."""

import subprocess
import sys
from pathlib import Path

import pytest
from command import DIFFEO, environment, together


def started(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=environment(),
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--version"], ["models", "--help"], ["smaple"], ["edit", "clas"], ["models"]])
def test_python_m_diffeo_is_the_same_program(arguments: list[str], tmp_path: Path) -> None:
    module, script = started("-m", "diffeo", *arguments, cwd=tmp_path), started(*DIFFEO[1:], *arguments, cwd=tmp_path)
    assert (module.returncode, module.stdout, module.stderr) == (script.returncode, script.stdout, script.stderr)
    assert module.stdout + module.stderr
    assert "__main__" not in module.stdout + module.stderr


WARNING = """
import warnings, diffeo.models.cards as cards
figure = cards.figure
def warned(found):
    for number in range(3):
        warnings.warn("what is\\n  odd (Triggered internally at /x/y.cpp:3.)", UserWarning, stacklevel=number + 1)
    return figure(found)
cards.figure = warned
"""


def test_a_warning_is_one_plain_sentence_however_often_it_is_given(tmp_path: Path) -> None:
    first, second = together(("models",), ("models",), cwd=tmp_path, before=WARNING)
    assert first.errors == second.errors == "diffeo: warning: what is odd\n"
    assert first.out.startswith("name")


def test_what_is_no_run_and_what_cannot_be_written_is_said_in_plain_words(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("text")
    for name, text in (("other", "{}"), ("list", '{"data": []}'), ("broken", '{"data":')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(text)
    nowhere = Path("/proc") if Path("/proc/self").exists() else tmp_path / "file.txt"  # nobody can write there
    cases = {
        ("info", "file.txt"): "file.txt is no run folder",
        ("watch", "."): "is no run folder",
        ("info", "other"): "other/run.json is damaged",
        ("watch", "other"): "other/run.json is damaged",
        ("info", "list"): "list/run.json is damaged",
        ("watch", "broken"): "broken/run.json is damaged",
        ("sample", "realnvp-moons", "-n", 2, "--out", nowhere / "x.csv"): f"{nowhere}",
    }
    for (arguments, message), one in zip(cases.items(), together(*cases, cwd=tmp_path), strict=True):
        assert one.status == 1, (arguments, one)
        assert message in one.errors, (arguments, one)
        assert one.errors.startswith("diffeo: ")
        assert one.errors.count("\n") == 1
        assert "Errno" not in one.errors
