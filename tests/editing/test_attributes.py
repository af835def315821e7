"""Attributes of drawings, on strokes whose width and lean are known."""

import math

import pytest
import torch
from torch import Tensor

from diffeo.editing import ATTRIBUTES, brightness, grey, lighting, slant, thickness


def stroke(width: float, degrees: float, *, side: int = 64, length: float = 40) -> Tensor:
    """A stroke through the middle, with soft edges: one image, ``(1, side, side)``, from 0 to 255."""
    at = torch.arange(side) - (side - 1) / 2
    down, across = torch.meshgrid(at, at, indexing="ij")
    lean = math.radians(degrees)
    beside = across * math.cos(lean) + down * math.sin(lean)
    along = across * math.sin(lean) - down * math.cos(lean)
    ink = (width / 2 + 0.5 - beside.abs()).clamp(0, 1) * (length / 2 + 0.5 - along.abs()).clamp(0, 1)
    return 255 * ink[None]


@pytest.mark.parametrize("width", [2, 3, 4, 6])
@pytest.mark.parametrize("degrees", [0, 20, 45, 90])
def test_thickness_is_a_strokes_width(width: int, degrees: int) -> None:
    found = float(thickness(stroke(width, degrees)))
    assert found == pytest.approx(width, abs=0.12 * width + 0.15)


def test_thickness_does_not_depend_on_ink_or_place() -> None:
    one = stroke(4, 10)
    assert float(thickness(one / 3)) == pytest.approx(float(thickness(one)), abs=1e-4)
    assert float(thickness(one.roll((5, -7), (1, 2)))) == pytest.approx(float(thickness(one)), abs=1e-4)


def test_a_stroke_at_the_border_ends_there() -> None:
    full = torch.zeros(1, 28, 28)
    full[:, :, :4] = 255
    assert float(thickness(full)) == pytest.approx(4, abs=0.4)


@pytest.mark.parametrize("degrees", [-40, -15, 0, 15, 40])
def test_slant_is_the_angle_from_upright_positive_to_the_right(degrees: int) -> None:
    assert float(slant(stroke(2, degrees))) == pytest.approx(degrees, abs=1.5)


def test_slant_does_not_depend_on_ink_or_place() -> None:
    one = stroke(4, 25)
    assert float(slant(one / 3)) == pytest.approx(float(slant(one)), abs=1e-3)
    assert float(slant(one.roll((5, -7), (1, 2)))) == pytest.approx(float(slant(one)), abs=1e-3)


def test_brightness_is_the_mean() -> None:
    assert brightness(torch.tensor([[[0, 4]], [[8, 8]]], dtype=torch.uint8)).tolist() == [2.0, 8.0]


@pytest.mark.parametrize("width", [6, 7])
def test_lighting_is_the_right_half_less_the_left(width: int) -> None:
    faces = torch.zeros(2, 4, width)
    faces[0, :, -3:], faces[1, :, :3] = 30, 20
    faces[:, :, 3 : width - 3] = 99  # of an odd width
    assert lighting(faces).tolist() == [30.0, -20.0]
    assert torch.equal(lighting(faces.flip(2)), -lighting(faces))


def test_an_empty_drawing_has_no_width_and_no_lean() -> None:
    empty = torch.zeros(2, 8, 8, dtype=torch.uint8)
    for measure in ATTRIBUTES.values():
        assert measure(empty).tolist() == [0.0, 0.0]
        assert measure(empty[:0]).shape == (0,)


def test_channels_are_refused_with_what_to_do() -> None:
    for measure in ATTRIBUTES.values():
        with pytest.raises(ValueError, match=r"\(N, H, W\), got \(2, 1, 8, 8\)"):
            measure(torch.zeros(2, 1, 8, 8))
    assert grey(torch.tensor([0, 3, 6], dtype=torch.uint8).view(1, 3, 1, 1)).tolist() == [[[3.0]]]
