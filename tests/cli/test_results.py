"""Looking at runs, as a user does: evaluate, score, compare, watch, info."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.whole

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]


def diffeo(*arguments: object, cwd: Path, status: int = 0, columns: int = 200) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": str(columns)}
    done = subprocess.run(
        [*DIFFEO, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs: toy and other on moons, digits on images, and stopped, whose training did not end."""
    folder = tmp_path_factory.mktemp("place")
    toy = ("train", "realnvp", "moons", "--batch-size", 500, "--model.width", 16, "--quiet")
    diffeo(*toy, "--epochs", 1, "--model.couplings", 2, "--out", "toy", cwd=folder)
    diffeo(*toy, "--epochs", 2, "--model.couplings", 4, "--out", "other", cwd=folder)
    diffeo("train", "nice", "digits", "--epochs", 1, "--out", "digits", "--model.width", 32, "--quiet", cwd=folder)
    shutil.copytree(folder / "other", folder / "stopped")
    (folder / "stopped" / "summary.json").unlink()
    record = {"format": 1, "data": {"name": "moons", "options": {}}, "seed": 0, "settings": {"epochs": 9}}
    (folder / "stopped" / "run.json").write_text(json.dumps(record))
    return folder


def summary(run: Path) -> dict:
    return json.loads((run / "summary.json").read_text())


def test_evaluate_repeats_the_summary_and_names_its_units(place: Path) -> None:
    done = diffeo("evaluate", "toy", cwd=place)
    assert f"{summary(place / 'toy')['test_log_likelihood']:.4f}" in done.stdout
    assert "in standardised units" in done.stdout
    assert "gaussian" in done.stdout
    done = diffeo("evaluate", "digits", "--samples", 4, cwd=place)
    assert "upper bound by 4 draws" in done.stdout
    assert "0 wrong values" in done.stdout


def test_evaluate_looks_for_copies_of_training_images(place: Path) -> None:
    done = diffeo("evaluate", "digits", "--samples", 4, "--neighbours", "pairs.png", cwd=place)
    assert "by 1 draw: " in done.stdout
    assert "Memorisation, distances: samples are " in done.stdout
    assert "nearer to a training image than to any test image" in done.stdout
    assert "wrote pairs.png" in done.stdout
    with Image.open(place / "pairs.png") as picture:
        assert picture.width >= 640
    assert "pairs.png exists" in diffeo("evaluate", "digits", "--neighbours", "pairs.png", cwd=place, status=1).stderr
    refused = diffeo("evaluate", "digits", "--neighbours", "pairs.jpg", cwd=place, status=1).stderr
    assert "a picture is a .png, got pairs.jpg. Use --neighbours pairs.png" in refused
    refused = diffeo("evaluate", "toy", "--neighbours", "toy.png", cwd=place, status=1).stderr
    assert "--neighbours is for runs on images" in refused
    found = json.loads(diffeo("evaluate", "digits", "--json", cwd=place).stdout)["memorisation"]
    assert 0 <= found["nearer_p_value"] <= 1
    assert found["test_groups"] == 360
    assert "memorisation" not in json.loads(diffeo("evaluate", "toy", "--json", cwd=place).stdout)


def test_evaluate_gives_json_of_any_part_and_of_other_data(place: Path) -> None:
    done = diffeo("evaluate", "toy", "circles", "--part", "validation", "--json", "--out", "e.json", cwd=place)
    found = json.loads(done.stdout)
    assert (found["run"], found["data"], found["part"], found["rows"]) == ("toy", "circles", "validation", 2000)
    assert json.loads((place / "e.json").read_text()) == found
    own = json.loads(diffeo("evaluate", "digits", "--json", cwd=place).stdout)
    assert own["bits_per_dim"]["mean"] == pytest.approx(summary(place / "digits")["test_bits_per_dim"])
    assert own["bits_per_dim"]["standard_error"] > 0
    assert "e.json exists" in diffeo("evaluate", "toy", "--out", "e.json", cwd=place, status=1).stderr


def test_score_marks_rows_and_says_what_that_costs(place: Path) -> None:
    done = diffeo("score", "toy", "moons", "--threshold", 0.05, "--out", "s.csv", cwd=place)
    assert "false alarms: a cut set on 2,000 validation rows marks" in done.stdout
    assert "95 % interval" in done.stdout
    with (place / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "log_prob", "quantile", "marked", "reason"]
    assert len(rows) == 10_000
    marked = [row for row in rows if row["marked"] == "true"]
    assert len(marked) == pytest.approx(500, abs=60)
    assert all((float(row["quantile"]) < 0.05) == (row["marked"] == "true") for row in rows)


def test_score_prints_json_and_nothing_else(place: Path) -> None:
    def told(*arguments: object) -> dict:
        return json.loads(diffeo("score", *arguments, "--json", cwd=place).stdout)

    found = told("toy", "moons", "--part", "validation")
    assert (found["run"], found["data"], found["part"], found["rows"]) == ("toy", "moons", "validation", 2000)
    assert (found["bits_per_dim"], found["marked"], found["false_alarms"], found["out"]) == (None, None, None, None)
    found = told("toy", "moons", "--threshold", 0.05, "--out", "j.csv")
    with (place / "j.csv").open() as file:
        rows = list(csv.DictReader(file))
    log_prob = [float(row["log_prob"]) for row in rows]
    assert found["log_likelihood"]["mean"] == pytest.approx(sum(log_prob) / len(rows))
    assert found["log_likelihood"]["standard_error"] > 0
    assert found["least_likely"][0]["log_prob"] == pytest.approx(min(log_prob))
    assert len(found["least_likely"]) == 5
    assert found["marked_rows"] == [int(row["row"]) for row in rows if row["marked"] == "true"]
    assert found["marked"] == len(found["marked_rows"])
    assert found["threshold"] == 0.05
    assert found["false_alarms"]["low"] <= found["false_alarms"]["rate"] <= found["false_alarms"]["high"]
    assert found["out"] == "j.csv"
    found = told("digits", "digits")
    assert found["bits_per_dim"]["mean"] == pytest.approx(summary(place / "digits")["test_bits_per_dim"])


def test_score_writes_parquet_for_integers(place: Path) -> None:
    import pyarrow.parquet

    diffeo("score", "digits", "digits", "--part", "validation", "--samples", 2, "--out", "s.parquet", cwd=place)
    table = pyarrow.parquet.read_table(place / "s.parquet")
    assert table.column_names == ["row", "log_prob", "bits_per_dim", "quantile", "reason"]
    assert table.num_rows == 180
    assert "s.parquet exists" in diffeo("score", "digits", "digits", "--out", "s.parquet", cwd=place, status=1).stderr


def test_compare_pairs_runs_in_a_table_a_picture_and_json(place: Path) -> None:
    shutil.copytree(place / "other", place / "runs" / "realnvp-mnist")
    done = diffeo("compare", "toy", "runs/realnvp-mnist", "stopped", "--out", "c.png", cwd=place, columns=80)
    assert "runs/realnvp-mnist" in done.stdout
    assert "(stopped)" in done.stdout
    assert "paired over the same rows" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    with Image.open(place / "c.png") as picture:
        assert picture.size[0] > 1000
    first, second, stopped = json.loads(diffeo("compare", "toy", "other", "stopped", "--json", cwd=place).stdout)
    assert first["difference"] is None
    assert second["difference"]["standard_error"] < second["standard_error"]
    assert second["difference"] == stopped["difference"]
    assert not stopped["finished"]


def test_watch_prints_one_frame_where_there_is_no_terminal(place: Path) -> None:
    done = diffeo("watch", "toy", cwd=place, columns=100)
    assert "ended (all epochs done): epoch 1" in done.stdout
    assert "validation" in done.stdout
    assert "\x1b" not in done.stdout
    assert "epoch 2 of 9" in diffeo("watch", "stopped", "--once", cwd=place).stdout


def test_info_tells_of_a_run_that_was_stopped_how_to_go_on(place: Path) -> None:
    done = diffeo("info", "stopped", cwd=place)
    assert "diffeo train --resume stopped" in done.stdout
    assert "Coupling(2" in done.stdout
    done = diffeo("evaluate", "stopped", "--json", cwd=place)
    assert "the training of stopped has not ended" in done.stderr
    assert json.loads(done.stdout)["rows"] == 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "nowhere"), "diffeo train realnvp digits --out nowhere"),
        (("evaluate", "toy", "digits"), "rows of shape (2,), but digits has rows of shape (1, 8, 8)"),
        (("evaluate", "toy", "moon"), "Did you mean moons?"),
        (("evaluate", "toy", "--samples", 0), "--samples 1"),
        (("evaluate", "toy", "--out", "no/e.json"), "no folder no"),
        (("score", "toy", "moons", "--threshold", 1), "--threshold 0.01"),
        (("score", "toy", "moons", "--out", "s.txt"), "use .csv or .parquet"),
        (("score", "toy", "digits"), "shape"),
        (("compare", "toy"), "diffeo compare RUN RUN"),
        (("compare", "toy", "digits"), "different data, and their figures cannot be compared: toy on moons"),
        (("compare", "toy", "other", "--out", "c.jpg"), "use .png"),
        (("watch", "nowhere"), "nowhere does not exist"),
        (("watch", "toy", "--every", 0), "--every 2"),
    ],
)
def test_a_mistake_ends_in_a_line_that_says_what_to_do(place: Path, arguments: tuple, message: str) -> None:
    done = diffeo(*arguments, cwd=place, status=1)
    assert message in done.stderr
    assert done.stderr.startswith("diffeo: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_of_every_verb_needs_no_torch(tmp_path: Path) -> None:
    for verb in ("evaluate", "score", "compare", "watch", "info"):
        code = (
            "import sys\nfrom diffeo.cli.app import app\n"
            f"try:\n    app([{verb!r}, '--help'])\nexcept SystemExit:\n    pass\nsys.exit('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, verb + done.stderr
        assert "Usage" in done.stdout
