"""The failure gallery: one script, one mistake at a time, every model scored by the right formula."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole

FIGURES = Path(__file__).parents[1] / "figures"
SCRIPT = FIGURES / "failures.py"
BUGS = ["wrong-sign", "one-mask", "no-dequant", "batch-sum", "mse"]


def run(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, encoding="utf-8", cwd=folder
    )


def test_one_mistake_is_laid_beside_the_right_model(tmp_path: Path) -> None:
    done = run("--bug", "batch-sum", "--epochs", "5", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    right, wrong = (line for line in done.stdout.splitlines() if " bits/dim (17 values)" in line)
    scores = [float(line.split("test ")[1].split(" ")[0].replace(",", "")) for line in (right, wrong)]
    assert right.startswith("right")
    assert wrong.startswith("batch-sum")
    assert scores[0] < 4.09 < scores[1]  # a uniform guess is between them
    assert (tmp_path / "failure-batch-sum.png").read_bytes().startswith(b"\x89PNG")
    again = run("--bug", "batch-sum", folder=tmp_path)
    assert again.returncode == 2
    assert "failure-batch-sum.png is there already" in again.stderr


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_figure_is_there_in_both_languages(language: str) -> None:
    picture = FIGURES / language / "failures.svg"
    assert 10_000 < picture.stat().st_size < 200_000


def test_every_mistake_has_numbers_and_costs_bits() -> None:
    numbers = json.loads((FIGURES / "numbers" / "reference.json").read_text(encoding="utf-8"))
    right = numbers["failures.right.bits_per_dim"]["value"]
    assert right < numbers["failures.histogram"]["value"] < numbers["failures.uniform"]["value"]
    for bug in BUGS:
        found = numbers[f"failures.{bug}.bits_per_dim"]
        assert found["command"] == "python course/figures/failures.py"
        assert found["value"] > right, bug
    assert numbers["failures.mse.last_loss"]["value"] < numbers["failures.right.last_loss"]["value"]


def test_it_builds_on_the_reference_code() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    assert not any(isinstance(node, ast.ClassDef) for node in ast.walk(tree))
    assert "import realnvp" in SCRIPT.read_text(encoding="utf-8")
