"""Runs whose flows are conditioned on vectors or images, as a user has them whose data is made by code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

MADE = """
import sys, torch
from diffeo.data import Dataset, Part, sources
from diffeo.data.sources import Source

def part(n, seed, shape):
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(n, *shape, generator=generator)
    mean = torch.stack([c.flatten(1)[:, 0], c.flatten(1).mean(1)], 1)
    return Part(mean + 0.3 * torch.randn(n, 2, generator=generator), c)

def few(shape, test):
    return lambda: Dataset("made", part(200, 0, shape), part(30, 1, shape), part(test, 2, shape))

shape, test = tuple(map(int, sys.argv[1].split(","))), int(sys.argv[2])
sources.SOURCES["made"] = Source("made", (200, 30, test), (2,), "none", few(shape, test))
"""

TRAIN = """
from pathlib import Path
import diffeo
from diffeo.runs import train_run
torch.manual_seed(0)
flow = diffeo.RealNVP(2, couplings=2, width=8, condition_shape=shape)
train_run(flow, diffeo.data.load("made"), Path("run"), epochs=2, batch_size=50, progress=False)
"""

EVALUATE = """
from diffeo.cli import main
main(["evaluate", "run", *sys.argv[3:]])
"""


def python(code: str, *arguments: object, cwd: Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    command = [sys.executable, "-W", "error", "-c", MADE + code, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("shape", ["3", "2,10,10"])
def test_they_are_evaluated_and_reported_with_regions_of_each_rows_condition(tmp_path: Path, shape: str) -> None:
    python(TRAIN, shape, 40, cwd=tmp_path)
    found = json.loads(python(EVALUATE, shape, 40, "--json", cwd=tmp_path))["calibration"]
    assert found["coverage_rows"] == found["rows"] == 40
    shown = python(EVALUATE, shape, 40, cwd=tmp_path)
    assert "(40 rows, each beside at least 99 samples)" in shown
    assert "Classifier: tells samples from data in" in shown
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "given each row's condition" in page
    assert "(40 rows, each beside at least 99 samples)" in page


def test_too_few_rows_are_told_in_the_terminal_and_in_the_report(tmp_path: Path) -> None:
    python(TRAIN, 3, 15, cwd=tmp_path)
    words = "calibration: too few rows (15): needs 20"
    assert words in python(EVALUATE, 3, 15, cwd=tmp_path)
    assert json.loads(python(EVALUATE, 3, 15, "--json", cwd=tmp_path))["calibration"] is None
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert words in page
    assert "given each row's condition" not in page
