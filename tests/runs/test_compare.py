"""Runs side by side."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from diffeo.runs import compare_runs, read_run, write_comparison_picture


def test_the_paired_difference_is_known_better_than_the_figures(trained: Path) -> None:
    first, second = compare_runs([read_run(trained / name) for name in ("plane", "plane-2")])
    assert first["mean"] == pytest.approx(read_run(trained / "plane").summary["test_log_likelihood"])
    assert first["difference"] is None
    assert second["difference"]["mean"] == pytest.approx(second["mean"] - first["mean"])
    assert second["difference"]["standard_error"] < 0.8 * second["standard_error"]
    assert (first["unit"], first["rows"], first["finished"], first["steps"]) == ("nats", 10_000, True, 200)
    same = compare_runs([read_run(trained / "images")] * 2)[1]
    assert set(same["difference"].values()) == {0.0}  # the noise of integers is the same as well
    assert same["wrong_values"] == 0


def test_a_stopped_run_is_compared_as_it_is(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "plane", tmp_path / "stopped")
    run = read_run(trained / "plane")
    (tmp_path / "stopped" / "summary.json").unlink()
    (tmp_path / "stopped" / "run.json").write_text('{"data": {"name": "moons", "options": {}}, "seed": 0}')
    found = compare_runs([run, read_run(tmp_path / "stopped")])[1]
    assert (found["finished"], found["difference"]["mean"], found["steps"]) == (False, 0.0, 200)


def test_what_cannot_be_compared_is_said(trained: Path) -> None:
    plane, images = read_run(trained / "plane"), read_run(trained / "images")
    with pytest.raises(ValueError, match=r"plane on moons; .*images on digits"):
        compare_runs([plane, images])
    with pytest.raises(ValueError, match="diffeo compare RUN RUN"):
        compare_runs([plane])


def test_the_picture_has_curves_over_seconds_and_epochs(trained: Path, tmp_path: Path) -> None:
    write_comparison_picture([read_run(trained / name) for name in ("plane", "plane-2")], tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.size[0] > 1000
