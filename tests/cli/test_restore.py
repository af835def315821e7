"""Flows conditioned on images, from the command line; and ``diffeo edit inpaint``, ``denoise`` and ``upscale``."""

from pathlib import Path

import numpy as np
import pytest
from command import diffeo, together
from PIL import Image

pytestmark = pytest.mark.whole

FAST = ("--epochs", 1, "--model.steps", 1, "--model.width", 4, "--quiet")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs on digits, one of them conditioned on small images."""
    folder = tmp_path_factory.mktemp("place")
    done = together(
        ("train", "glow", "digits", *FAST, "--out", "plain"),
        ("train", "glow", "digits", "--condition", "downscaled", *FAST, "--out", "up"),
        ("train", "nice", "moons", "--epochs", 1, "--model.width", 4, "--quiet", "--out", "moons"),
        cwd=folder,
    )
    assert {one.status for one in done} == {0}, done
    return folder


def test_a_run_on_conditions_is_used_like_any_other(place: Path) -> None:
    evaluated, compared, turns, chosen, beyond, checked = together(
        ("evaluate", "up", "--json"),
        ("compare", "plain", "up", "--json"),
        ("sample", "up", "-n", 4, "--temperature", 0, "--out", "turns.npy"),
        ("sample", "up", "-n", 2, "--temperature", 0, "--condition", 3, "--out", "third.npy"),
        ("sample", "up", "--condition", 360, "--out", "beyond.npy"),
        ("verify", "up", "--rows", 8, "--json"),
        cwd=place,
    )
    assert evaluated.json["rows"] == 360
    runs = compared.json["runs"] if isinstance(compared.json, dict) else compared.json
    assert runs[1]["mean"] == pytest.approx(evaluated.json["bits_per_dim"]["mean"])
    assert turns.status == chosen.status == checked.status == 0
    third = np.load(place / "third.npy")
    assert (third == np.load(place / "turns.npy")[3]).all()
    assert "test rows by number, from 0 to 359" in beyond.errors
    assert (place / "up" / "samples.png").is_file()


def test_the_condition_stands_in_the_config(place: Path) -> None:
    written, both = together(
        ("config", "glow", "digits", "--condition", "downscaled"),
        ("config", "glow", "digits", "--condition", "downscaled", "--conditional"),
        cwd=place,
    )
    assert "\ncondition: downscaled" in written.out
    assert both.status == 1
    assert "--conditional is on classes, --condition downscaled on something else" in both.errors


def test_damaged_images_are_restored_measured_and_drawn(place: Path) -> None:
    filled, clean, larger, said = together(
        ("edit", "inpaint", "plain", "--images", "5,7", "-n", 2, "--steps", 6, "--hide", "middle", "--json"),
        ("edit", "denoise", "plain", "--images", 3, "-n", 2, "--steps", 6, "--sigma", 4, "--json"),
        ("edit", "upscale", "up", "--images", "0,1,2", "-n", 2, "--json"),
        ("edit", "upscale", "up", "--images", "0,1", "-n", 2, "--out", "second.png"),
        cwd=place,
    )
    assert filled.json["images"] == [2, 5]
    assert filled.json["spread"]["mean"] > 0
    assert clean.json["images"] == [1, 7]
    assert 5 < clean.json["psnr_noisy"]["mean"] < 25
    assert clean.json["psnr_best_blur"]["mean"] >= clean.json["psnr_noisy"]["mean"]
    assert larger.json["images"] == [3, 6]
    assert larger.json["inconsistency_original"]["mean"] <= 0.5
    assert "PSNR, bicubic" in said.out
    assert "± " in said.out
    for name in ("inpainting.png", "denoising.png", "upscaling.png", "second.png"):
        with Image.open(place / name) as image:
            assert image.size[0] >= 640


def test_mistakes_are_found_before_anything_is_computed(place: Path) -> None:
    (place / "there.png").write_bytes(b"mine")
    wrong = (
        (("inpaint", "plain", "--out", "there.png"), "there.png exists"),
        (("inpaint", "plain", "--out", "x.gif"), "cannot write rows of results to x.gif: use .png"),
        (("inpaint", "plain", "--hide", "half"), "must be left, right, top, bottom, middle or a share"),
        (("inpaint", "plain", "--images", "360"), "there is no image 360"),
        (("inpaint", "plain", "-n", "1"), "-n is at least 2"),
        (("inpaint", "plain", "--steps", "3"), "at least 4 steps"),
        (("denoise", "plain", "--sigma", "0"), "sigma must be a positive number"),
        (("denoise", "moons",), "editing is of images"),
        (("upscale", "plain",), "Train one: diffeo train glow mnist --condition downscaled"),
    )  # fmt: skip
    done = together(
        *(("edit", *words, *(() if "--out" in words else ("--out", "w.png"))) for words, _ in wrong), cwd=place
    )
    for one, (words, expected) in zip(done, wrong, strict=True):
        assert one.status == 1, words
        assert expected in one.errors, words
    assert (place / "there.png").read_bytes() == b"mine"
    assert not (place / "w.png").exists()


def test_only_images_are_conditioned_on_small_ones(place: Path) -> None:
    failed = diffeo("train", "realnvp", "moons", "--condition", "downscaled", cwd=place, status=1)
    assert "the condition downscaled is for images of integers" in failed.stderr
    assert not (place / "runs").exists()
