"""``diffeo edit`` of pictures of one's own, on a machine without data."""

from pathlib import Path

import numpy as np
import pytest
from command import environment, together
from PIL import Image, ImageDraw

from diffeo.cli.parse import _images

pytestmark = pytest.mark.whole

OUT = ("--out", "out.png")


def draw_seven(path: Path) -> None:
    picture = Image.new("RGB", (200, 150), "white")
    ImageDraw.Draw(picture).line([(60, 35), (115, 35), (80, 120)], fill="navy", width=10, joint="curve")
    picture.save(path)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    draw_seven(tmp_path / "my 7.png")
    draw_seven(tmp_path / "other.jpg")
    return tmp_path


def test_every_edit_of_images_takes_pictures_and_needs_no_data(desk: Path) -> None:
    assert "DIFFEO_DATA" not in environment()
    both = "my 7.png,other.jpg"
    cases = (
        ("class", "glow-mnist-classes", "--images", both, "--to", "1,7", "--rows", 200),
        ("levels", "glow-mnist", "--images", both, "-n", 2),
        ("reconstruct", "glow-mnist", "--images", both),
        ("mix", "glow-mnist", "--images", "my 7.png", "--with", "other.jpg"),
        ("interpolate", "glow-mnist-classes", "--from", "my 7.png", "--to", "other.jpg", "--steps", 3),
        ("temperature", "glow-mnist", "--images", both, "--at", "0.5,1"),
        ("temperature", "glow-mnist", "-n", 2, "--at", "0.5,1"),
        ("inpaint", "glow-digits", "--images", both, "-n", 2, "--steps", 4),
        ("denoise", "glow-digits", "--images", both, "-n", 2, "--steps", 4),
    )
    found = together(*(("edit", *case, "--out", f"{k}.png") for k, case in enumerate(cases)), cwd=desk)
    for k, (case, one) in enumerate(zip(cases, found, strict=True)):
        assert one.status == 0, (case, one)
        assert (desk / f"{k}.png").is_file()
        if any("7.png" in str(word) for word in case):
            assert "my 7.png: 200x150 pixels, made light on dark, fitted to" in one.errors
    assert "the flow takes them for class 7, 7: there they are likeliest" in found[0].errors
    shown = np.asarray(Image.open(desk / "0.png").convert("L"))
    assert shown.max() == 255


def test_what_own_pictures_cannot_do_is_said_in_plain_words(desk: Path) -> None:
    cases = {
        ("class", "glow-mnist", "--images", "other.jpg", *OUT): "--labels 7",
        (
            "class",
            "glow-mnist-classes",
            "--images",
            "other.jpg",
            "--labels",
            "7,1",
            *OUT,
        ): "each of the 1 images, got 2",
        ("class", "glow-mnist-classes", "--images", "other.jpg", "--labels", "12", *OUT): "has classes 0 to 9, got 12",
        ("class", "glow-mnist-classes", "--images", "3", "--labels", "7", *OUT): "--labels is for pictures of your own",
        ("levels", "glow-mnist", "--images", "3,other.jpg", *OUT): "give numbers of images, or files, not both",
        ("levels", "glow-mnist", "--images", "no.png", *OUT): "there is no file no.png",
        ("levels", "glow-mnist", "--images", "seven", *OUT): 'files such as mine.png, got "seven"',
        ("levels", "glow-mnist", "--images", "3", *OUT): "Pictures of your own need no data: --images mine.png",
        ("levels", "realnvp-moons", "--images", "other.jpg", *OUT): "images",
    }
    found = together(*(("edit", *case) for case in cases), cwd=desk)
    for (case, message), one in zip(cases.items(), found, strict=True):
        assert one.status in (1, 2), (case, one)
        assert message in one.errors, (case, one)
    assert not (desk / "out.png").exists()


def test_names_of_files_may_hold_commas_in_quotes() -> None:
    class Token:
        value = '"a, b.png",3.jpg,17'

    assert _images(None, [Token()]) == ["a, b.png", "3.jpg", 17]
