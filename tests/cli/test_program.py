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
