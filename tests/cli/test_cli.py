"""The command line, run as a user runs it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]


def diffeo(*arguments: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment.pop("DIFFEO_DATA", None)
    done = subprocess.run(
        [*DIFFEO, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on a toy and one, conditional, on images."""
    folder = tmp_path_factory.mktemp("place")
    diffeo("train", "realnvp", "moons", "--epochs", 1, "--batch-size", 200, "--out", "toy", "--model.width", 16,
           "--model.couplings", 4, cwd=folder)  # fmt: skip
    diffeo("train", "glow", "digits", "--epochs", 1, "--out", "digits", "--conditional", "--model.steps", 1,
           "--model.width", 8, "--seed", 5, cwd=folder)  # fmt: skip
    return folder


def width(picture: Path) -> int:
    with Image.open(picture) as image:
        return image.size[0]


def test_help_needs_no_torch(tmp_path: Path) -> None:
    code = """
import sys
from diffeo.cli.app import app
app(["--help"], exit_on_error=False)
sys.exit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0
    for verb in ("train", "sample", "score", "info", "demo"):
        assert verb in done.stdout
        assert "Usage" in diffeo(verb, "--help", cwd=tmp_path).stdout


def test_a_run_folder_holds_what_it_should(place: Path) -> None:
    for name, figure in (("toy", "test_log_likelihood"), ("digits", "test_bits_per_dim")):
        files = {path.name for path in (place / name).iterdir()}
        assert files == {
            "run.json", "config.json", "model.safetensors", "metrics.jsonl", "steps.csv", "summary.json",
            "samples", "samples.png", "curves.png", "report.html",
        }  # fmt: skip
        summary = json.loads((place / name / "summary.json").read_text())
        assert {
            figure, "standard_error", "baselines", "round_trip_error", "wrong_values", "seconds", "steps", "parameters",
            "seed", "versions", "log_det_error", "command",
        } <= set(summary)  # fmt: skip
        assert summary["round_trip_error"] < 0.01
        assert summary["log_det_error"] < 1e-9
        metrics = [json.loads(line) for line in (place / name / "metrics.jsonl").read_text().splitlines()]
        assert len(metrics) == 1
        assert f"{abs(summary[figure]):.4f}" in (place / name / "report.html").read_text(encoding="utf-8")
        for picture in ("samples.png", "curves.png"):
            assert width(place / name / picture) > 300
    assert summary["wrong_values"] == 0
    assert summary["seed"] == 5


def test_an_existing_run_is_not_overwritten(place: Path) -> None:
    before = {path.name: path.read_bytes() for path in (place / "toy").iterdir()}
    done = diffeo("train", "realnvp", "moons", "--out", "toy", cwd=place, status=1)
    assert "not empty" in done.stderr
    assert {path.name: path.read_bytes() for path in (place / "toy").iterdir()} == before


def test_sample_draws_pictures_and_numbers_by_seed(place: Path) -> None:
    run = ("sample", "digits", "-n", 20, "--temperature", 0.7, "--seed", 1, "--out")
    diffeo(*run, "one.png", cwd=place)
    diffeo(*run, "other.png", cwd=place)
    assert (place / "one.png").read_bytes() == (place / "other.png").read_bytes()
    assert "exists" in diffeo(*run, "one.png", cwd=place, status=1).stderr
    diffeo("sample", "digits", "-n", 3, "--condition", 7, "--out", "seven.npy", cwd=place)
    seven = np.load(place / "seven.npy")
    assert seven.shape == (3, 1, 8, 8)
    assert seven.dtype == np.uint8
    diffeo("sample", "toy", "-n", 6, "--out", "points.csv", cwd=place)
    diffeo("sample", "toy", "-n", 60, "--out", "points.png", cwd=place)
    assert width(place / "points.png") > 300
    with (place / "points.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["x0", "x1"]
    assert len(rows) == 7
    assert "use .csv or .npy for vectors" in diffeo("sample", "toy", "--out", "x.txt", cwd=place, status=1).stderr
    assert "no folder" in diffeo("sample", "toy", "--out", "nowhere/x.csv", cwd=place, status=1).stderr
    assert (
        "from 0 to 9" in diffeo("sample", "digits", "--condition", 10, "--out", "ten.npy", cwd=place, status=1).stderr
    )
    assert not (place / "ten.npy").exists()


def test_score_repeats_the_summary_and_writes_a_line_a_row(place: Path) -> None:
    summary = json.loads((place / "digits" / "summary.json").read_text())
    done = diffeo("score", "digits", "digits", "--seed", summary["seed"], "--out", "scores.csv", cwd=place)
    assert f"bits/dim {summary['test_bits_per_dim']:.4f}" in done.stdout
    with (place / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 360
    assert np.mean([float(row["bits_per_dim"]) for row in rows]) == pytest.approx(
        summary["test_bits_per_dim"], abs=1e-4
    )
    assert "shape" in diffeo("score", "digits", "moons", cwd=place, status=1).stderr


def test_info_shows_the_plan_and_what_was_reached(place: Path) -> None:
    done = diffeo("info", "digits", cwd=place)
    assert "InvertibleConv1x1(4)" in done.stdout
    assert "network passes" in done.stdout
    assert "histogram" in done.stdout
    assert "--conditional" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "realnpv", "digits"), "Did you mean realnvp?"),
        (("train", "realnvp", "digit"), "Did you mean digits?"),
        (("train", "realnvp", "mnist"), "set DIFFEO_DATA"),
        (("train", "realnvp", "moons", "--model.widht", 3), "Did you mean width?"),
        (("train", "realnvp", "moons", "--model.couplings", "many"), "couplings"),
        (("train", "realnvp", "moons", "--conditional"), "no classes"),
        (("train", "realnvp", "moons", "--epochs", 0), "epochs must be at least 1"),
        (("train", "glow", "moons"), "RealNVP(2)"),
        (("train", "realnvp", "moons", "--device", "nowhere"), "no device 'nowhere'"),
        (("train", "realnvp", "moons", "--out", "toy/config.json/x"), "not a folder"),
        (("train", "glow", "digits", "--model.steps", 0), "steps must be at least 1"),
        (("train", "glow", "digits", "--model.levels", 4), "allows 3 levels"),
        (("info", "nowhere"), "nowhere does not exist"),
        (("trian",), "train"),
        (("train", "realnvp"), "data"),
        (("sample", "toy", "-n", -1), "negative"),
    ],
)
def test_a_mistake_ends_in_a_line_that_says_what_to_do(place: Path, arguments: tuple, message: str) -> None:
    usage = (arguments[:2] == ("train", "realnvp") and len(arguments) == 2) or arguments[0] == "trian"
    done = diffeo(*arguments, cwd=place, status=2 if usage else 1)
    assert message.lower() in (done.stderr + done.stdout).lower()
    assert not (place / "runs").exists()
