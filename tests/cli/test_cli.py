"""A run, as the command line leaves it and looks at it."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from command import diffeo
from PIL import Image


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
    before = {path: path.read_bytes() for path in (place / "toy").rglob("*") if path.is_file()}
    done = diffeo("train", "realnvp", "moons", "--out", "toy", cwd=place, status=1)
    assert "not empty" in done.stderr
    assert {path: path.read_bytes() for path in (place / "toy").rglob("*") if path.is_file()} == before


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
    told = json.loads(diffeo("info", "digits", "--json", cwd=place).stdout)
    assert told["asked"]["data"]["name"] == "digits"
    assert told["reached"] == json.loads((place / "digits" / "summary.json").read_text())
    assert told["last"]["epoch"] == 1
