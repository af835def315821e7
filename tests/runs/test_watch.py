"""A training in the terminal, from its files alone."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from rich.console import Console

from diffeo.evaluation import image_grid
from diffeo.runs import read_run, watch
from diffeo.runs.characters import Line, curves, picture
from diffeo.runs.watch import frame, watch_run


def shown(folder: Path, width: int = 120, height: int = 40, colours: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=colours,
        color_system="truecolor" if colours else None,
    )  # fmt: skip
    console.print(frame(read_run(folder), console))
    return console.file.getvalue()


def test_a_running_training_shows_where_it_is(running: Path) -> None:
    text = shown(running)
    assert "RealNVP on digits" in text
    assert "running: epoch 1 of 40, 15 steps" in text
    assert "validation 3.2500" in text
    assert "best 3.2500" in text
    assert "samples after epoch 1" in text
    assert any("⠁" <= sign <= "⣿" for sign in text)
    assert "@" in text  # samples in shades, without colours
    assert "▀" in shown(running, colours=True)


def test_a_frame_fits_its_terminal(running: Path) -> None:
    for width, height in ((60, 30), (80, 24), (120, 40), (200, 60)):
        console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
        lines = console.render_lines(frame(read_run(running), console), pad=False)
        assert len(lines) <= height
        assert max(sum(segment.cell_length for segment in line) for line in lines) <= width


def test_only_files_are_read_and_any_of_them_may_be_missing(running: Path) -> None:
    for name in ("metrics.jsonl", "samples/0001.png", "steps.csv"):
        (running / name).unlink()
        assert "RealNVP on digits" in shown(running)
    assert "no step yet" in shown(running)


def test_silence_flights_and_the_end_are_told(running: Path, trained: Path) -> None:
    for path in running.iterdir():
        os.utime(path, (0, 0))
    assert f"diffeo train --resume {running}" in shown(running, width=300).replace("\n", "")
    (running / "flight" / "step-000012").mkdir(parents=True)
    assert "step-000012/report.txt" in shown(running, width=300).replace("\n", "")
    text = shown(trained / "images")
    summary = json.loads((trained / "images" / "summary.json").read_text())
    assert "ended (all epochs done)" in text
    assert f"test {summary['test_bits_per_dim']:.4f}" in text


def test_watching_ends_with_the_training_or_with_an_interrupt(
    running: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True)
    looks = []

    def wait(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            shutil.copy(trained / "images" / "summary.json", running)

    monkeypatch.setattr(watch.time, "sleep", wait)
    watch_run(running, console, every=0.5)
    assert looks == [0.5, 0.5]
    assert "ended" in console.file.getvalue()
    (running / "summary.json").unlink()

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    watch_run(running, console)


def test_a_curve_goes_from_its_first_point_to_its_last() -> None:
    lines = curves([Line([0, 10], [2.0, 1.0], "")], 1.0, 2.0, width=26, height=5).plain.split("\n")
    assert len(lines) == 6
    assert lines[0].startswith("2.00 ▕⠉⠒⠤⣀")
    assert lines[4].endswith("⠉⠒⠤⣀")
    assert curves([Line([0, 1, 2], [1.0, float("nan"), 2.0], "")], 1.0, 2.0, width=20, height=3).plain


def test_a_picture_keeps_its_pixels_and_of_a_grid_whole_images_are_shown(tmp_path: Path) -> None:
    images = torch.zeros(64, 1, 8, 8, dtype=torch.uint8)
    images[0] = 16
    image_grid(images, 17).save(tmp_path / "grid.png")
    text = picture(tmp_path / "grid.png", width=60, height=23, coloured=False)
    lines = text.plain.split("\n")
    assert len(lines) <= 23
    assert (len(lines[0]) - 1) % 9 == 0  # whole images, a pixel a sign
    assert lines[1][1:9] == "@" * 8
    assert lines[1][10:18] == " " * 8
    Image.new("RGB", (300, 100), "white").save(tmp_path / "plain.png")
    coloured = picture(tmp_path / "plain.png", width=40, height=30, coloured=True)
    assert set(coloured.plain) == {"▀", "\n"}
    assert len(coloured.plain.split("\n")[0]) == 40
