"""A training beside a notebook goes on without it."""

import subprocess
import sys
from pathlib import Path

import pytest

from diffeo.runs import read_run
from diffeo_course import background

pytestmark = pytest.mark.whole

START = """
import sys
from pathlib import Path
from diffeo_course import background
training = background.start(["realnvp", "moons", "--epochs", "1", "--model.couplings", "2"], Path(sys.argv[1]))
import psutil
print([child.pid for child in psutil.Process().children(recursive=True)])
"""


def test_a_training_outlives_the_process_that_started_it_and_starts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp949")
    folder = tmp_path / "바탕 화면" / "runs" / "lab"
    done = subprocess.run([sys.executable, "-c", START, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"  # a kernel ends its children when it is restarted: this is none
    training = background.start(["nothing"], folder)  # as when the cell is run again
    assert training.wait(seconds=300)
    assert training.status == 0, training.log.read_text(encoding="utf-8")
    assert read_run(training.folder).summary is not None


def test_a_training_that_fails_says_why(tmp_path: Path) -> None:
    training = background.start(["realnvp", "moon"], tmp_path / "run")
    assert training.wait(seconds=300)
    assert training.status not in (0, None)
    assert "moons" in training.log.read_text(encoding="utf-8")


def test_a_lab_trains_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIFFEO_LAB_EPOCHS", raising=False)
    assert background.length(fast=True) == ["--time-budget", "4m"]
    assert background.length(fast=False) == []
    monkeypatch.setenv("DIFFEO_LAB_EPOCHS", "2")
    assert background.length(fast=True) == ["--epochs", "2"]
