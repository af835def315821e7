"""Pictures of one's own, as a flow's images have them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import diffeo
from diffeo.editing import read_pictures
from diffeo.editing.pictures import looks_of


@pytest.fixture(scope="module")
def mnist() -> diffeo.Flow:
    return diffeo.load("glow-mnist")


def a_seven(size: tuple[int, int], *, paper: int, pen: int, at: float = 1.0) -> Image.Image:
    """A seven whose corner lies at a share of the picture."""
    picture = Image.new("L", size, paper)
    width, height = size
    line = [(0.3 * width * at, 0.25 * height), (0.6 * width * at, 0.25 * height), (0.4 * width * at, 0.8 * height)]
    ImageDraw.Draw(picture).line(line, fill=pen, width=max(1, height // 20), joint="curve")
    return picture


def centre(x: torch.Tensor) -> tuple[float, float]:
    weight = x[0].double() / x.sum()
    at = torch.arange(28) + 0.5
    return float((weight.sum(1) * at).sum()), float((weight.sum(0) * at).sum())


def test_samples_show_what_a_flow_of_digits_has_in_common(mnist: diffeo.Flow) -> None:
    looks = looks_of(mnist)
    assert looks is not None
    assert looks.background < 0.02
    assert 18 <= looks.extent * 28 <= 21  # MNIST fits digits into 20 pixels
    assert [share * 28 for share in looks.centre] == pytest.approx([14, 14], abs=1)  # and centres their mass


@pytest.mark.parametrize(("paper", "pen"), [(255, 0), (0, 255), (235, 60), (20, 180)])
def test_any_paper_and_pen_become_light_on_dark_in_the_middle(
    paper: int, pen: int, mnist: diffeo.Flow, tmp_path: Path
) -> None:
    a_seven((400, 300), paper=paper, pen=pen, at=0.6).save(tmp_path / "seven.png")
    x, (note,) = read_pictures(mnist, [tmp_path / "seven.png"])
    assert x.shape == (1, 1, 28, 28)
    assert mnist.check(x) is None
    assert int(x.max()) == 255
    assert float((x == 0).double().mean()) > 0.7
    assert centre(x[0]) == pytest.approx((14.5, 14.5), abs=1.2)
    rows = torch.nonzero(x[0, 0].amax(1) > 100)
    assert 17 <= int(rows[-1] - rows[0]) + 1 <= 21
    assert ("made light on dark" in note) == (paper > 127)
    assert "400x300 pixels" in note


def test_colours_transparency_and_uneven_light_do_not_matter(mnist: diffeo.Flow, tmp_path: Path) -> None:
    seven = a_seven((400, 300), paper=255, pen=0)
    seven.save(tmp_path / "plain.png")
    mask = Image.fromarray(255 - np.asarray(seven))
    clear = Image.new("RGBA", seven.size, (0, 0, 0, 0))
    clear.paste((20, 20, 90, 255), mask=mask)
    clear.save(tmp_path / "clear.png")
    light = np.linspace(0.75, 1, 400)[None, :, None]
    photo = np.stack([np.asarray(seven)] * 3, -1) * light + np.random.default_rng(0).normal(0, 5, (300, 400, 3))
    Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(tmp_path / "photo.jpg", quality=85)
    x, _ = read_pictures(mnist, [tmp_path / name for name in ("plain.png", "clear.png", "photo.jpg")])
    for other in x[1:]:
        assert np.corrcoef(x[0].flatten(), other.flatten())[0, 1] > 0.9


def test_a_picture_of_the_right_size_and_background_is_taken_as_it_is(mnist: diffeo.Flow, tmp_path: Path) -> None:
    x = mnist.sample(1, temperature=0.8, generator=torch.Generator().manual_seed(2))
    Image.fromarray(x[0, 0].numpy().astype(np.uint8)).save(tmp_path / "one.png")
    np.save(tmp_path / "one.npy", x.numpy())
    both, notes = read_pictures(mnist, [tmp_path / "one.png", tmp_path / "one.npy"])
    assert torch.equal(both[:1], x)
    assert torch.equal(both[1:], x)
    assert all(note.endswith("taken as it is") for note in notes)


def test_photographs_are_cropped_to_their_middle_and_keep_their_light(tmp_path: Path) -> None:
    torch.manual_seed(0)
    flow = diffeo.Glow((3, 8, 8), values=256, levels=1, steps=1, width=4)
    flow.initialize(torch.randint(256, (64, 3, 8, 8)))
    left, middle = np.zeros((40, 20, 3), np.uint8), np.full((40, 40, 3), (250, 120, 10), np.uint8)
    Image.fromarray(np.concatenate([left, middle, left], 1)).save(tmp_path / "wide.png")
    x, (note,) = read_pictures(flow, [tmp_path / "wide.png"])
    assert x[0, :, 4, 4].tolist() == [250, 120, 10]
    assert x[0, :, 0, 0].tolist() == pytest.approx([250, 120, 10], rel=0.1)  # not the black beside it
    assert note.endswith("80x40 pixels, its middle resized to 8x8")


def test_a_picture_of_too_many_pixels_is_named(
    mnist: diffeo.Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffeo.editing.pictures.MOST_PIXELS", 2_000_000)
    Image.new("L", (2000, 1001), 255).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match=r"wide\.png cannot be .*: 2,000x1,001 pixels: too large; at most 2 million"):
        read_pictures(mnist, [tmp_path / "wide.png"])


def test_what_is_no_picture_is_named(mnist: diffeo.Flow, tmp_path: Path) -> None:
    Image.new("L", (50, 50), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("text")
    np.save(tmp_path / "points.npy", np.zeros((5, 2)))
    np.save(tmp_path / "high.npy", np.full((1, 1, 28, 28), 300))
    for name, kind, message in (
        ("blank.png", ValueError, "blank.png shows nothing"),
        ("text.png", ValueError, "text.png cannot be read as a picture: no image"),
        ("points.npy", ValueError, r"holds float64 of shape \(5, 2\): expected integers of shape \(N, 1, 28, 28\)"),
        ("none.png", FileNotFoundError, "there is no file"),
    ):
        with pytest.raises(kind, match=message):
            read_pictures(mnist, [tmp_path / name])
    with pytest.raises(ValueError, match="from 0 to 255"):
        read_pictures(mnist, [tmp_path / "high.npy"])
    with pytest.raises(ValueError, match="the images of this flow are not"):
        read_pictures(diffeo.Glow((1, 8, 8), levels=1, steps=1, width=4), [tmp_path / "blank.png"])
