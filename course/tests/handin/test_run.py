"""The assignment's run.py, as a student starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from diffeo_course.material import material

pytestmark = pytest.mark.whole

ASSIGNMENT = material() / "assignment"


def _run(place: Path, code: str, student: str = "20230042") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ASSIGNMENT / "run.py"), "--id", student, "--name", "홍길동", "--epochs", "1"]
    return subprocess.run(
        [*command, "--code", code],
        cwd=place,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_notebook_is_run_like_a_program(tmp_path: Path) -> None:
    source = (ASSIGNMENT / "solution.py").read_text(encoding="utf-8")
    cells = [{"cell_type": "code", "source": text} for text in (source, "%matplotlib inline\nraise SystemExit")]
    (tmp_path / "submission.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    done = _run(tmp_path, "submission.ipynb")
    assert done.returncode == 0, done.stderr
    assert {"report.json", "weights.safetensors", "samples.png"} <= {path.name for path in tmp_path.iterdir()}


def test_a_missing_inverse_is_named_before_the_training_and_costs_only_the_pictures(tmp_path: Path) -> None:
    source = (ASSIGNMENT / "solution.py").read_text(encoding="utf-8")
    gap = "def inverse(self, z):\n        raise NotImplementedError\n"
    (tmp_path / "submission.py").write_text(source.replace("def inverse(self, z):\n", gap), encoding="utf-8")
    done = _run(tmp_path, "submission.py")
    assert 0 <= done.stdout.find("RealNVP.inverse") < done.stdout.find("seed: ")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["seed"] == 30042


def test_code_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    done = _run(tmp_path, "submision.py")
    assert done.returncode == 1
    assert "submision.py" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("student", ["", "Gildong", "20231234a", "12"])
def test_what_is_no_student_id_is_named_before_any_training(tmp_path: Path, student: str) -> None:
    done = _run(tmp_path, str(ASSIGNMENT / "solution.py"), student)
    assert done.returncode == 1
    assert repr(student) in done.stderr
    assert "Traceback" not in done.stderr
    assert "seed: " not in done.stdout
