"""Pictures made of characters: curves of braille dots, images of half blocks."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

from diffeo.data.image_files import read_pixels

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille sign, by row and column
BEYOND = 10.0  # heights of the picture: how far outside a point may lie, for the sake of time
SHADES = " .:-=+*#%@"
IMAGES_ACROSS = 4  # of a grid: rather fewer images than ones too small to be recognised


@dataclass(frozen=True)
class Line:
    """A curve: where its points are, and how it is drawn."""

    across: Sequence[float]
    up: Sequence[float]
    style: str


def curves(lines: Sequence[Line], low: float, high: float, *, width: int, height: int) -> Text:
    """Curves between `low` and `high`, as lines of at most `width` signs.

    There are `height` of them with a scale on the left, and one with a scale below. What is above or below is
    left out; later lines lie over earlier ones.

    Example:
        >>> print(curves([Line([0, 500], [0, 1], "")], 0, 1, width=18, height=2))
        1.00 ▕⠀⠀⠀⠀⠀⠀⣀⡠⠤⠔⠒⠉
             ▕⣀⠤⠔⠒⠊⠉⠀⠀⠀⠀⠀⠀
              0         500
    """
    ticks = _ticks(low, high, height)
    margin = max(map(len, ticks)) + 2
    columns = max(2, width - margin)
    signs, styles = np.zeros((height, columns), int), np.full((height, columns), "", object)
    end = max((x for line in lines for x in line.across if math.isfinite(x)), default=1.0)
    start = min([0.0, *(x for line in lines for x in line.across if math.isfinite(x))])
    for line in lines:
        for column, row in _dots(line, (start, end), (low, high), 2 * columns - 1, 4 * height - 1):
            cell = row // 4, column // 2
            signs[cell] |= DOTS[row % 4][column % 2]
            styles[cell] = line.style
    text = Text(no_wrap=True)
    for i in range(height):
        text.append(f"{ticks[i]:>{margin - 2}} ▕", "dim")
        for sign, style in zip(signs[i], styles[i], strict=True):
            text.append(chr(0x2800 + int(sign)), style)
        text.append("\n")
    text.append(f"{'':{margin}}{start:<10,.0f}{end:>{max(1, columns - 10)},.0f}", "dim")
    return text


def picture(path: Path, *, width: int, height: int, coloured: bool) -> Text:
    """A PNG in at most `width` signs and `height` lines; of a grid of images as many as can be recognised.

    Every sign shows two pixels, one above the other, by its colour and its background's; without colours, one shade.

    Raises:
        Unreadable: if it is no image, or not there.
    """
    from PIL import Image

    pixels = _first_images(read_pixels(path, 3).transpose(1, 2, 0), width, 2 * height)
    factor = min(width / pixels.shape[1], 2 * height / pixels.shape[0])
    factor = factor if factor < 1 else math.floor(factor)
    size = max(1, int(pixels.shape[1] * factor)), max(1, int(pixels.shape[0] * factor))
    way = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    small = np.asarray(Image.fromarray(pixels).resize(size, way))
    small = np.concatenate([small, small[-1:]])[: size[1] + size[1] % 2]  # an even number of rows: two a sign
    text = Text(no_wrap=True)
    for row in range(0, len(small), 2):
        if row:
            text.append("\n")
        for top, bottom in zip(small[row], small[row + 1], strict=True):
            if coloured:
                text.append("▀", Style(color=Color.from_rgb(*map(int, top)), bgcolor=Color.from_rgb(*map(int, bottom))))
            else:
                text.append(SHADES[int((int(top.sum()) + int(bottom.sum())) / 1531 * len(SHADES))])
    return text


def _ticks(low: float, high: float, height: int) -> list[str]:
    """The scale: a number on every third line, with as many digits as tell them apart."""
    digits = min(6, max(0, 2 - math.floor(math.log10(max(high - low, 1e-9)))))
    values = [high - (high - low) * i / max(1, height - 1) for i in range(height)]
    return [f"{value:.{digits}f}" if i % 3 == 0 else "" for i, value in enumerate(values)]


def _dots(
    line: Line, across: tuple[float, float], up: tuple[float, float], right: int, bottom: int
) -> set[tuple[int, int]]:
    """The dots that a line covers: every column between two points, and every row between two columns."""
    points = [
        (
            (x - across[0]) / ((across[1] - across[0]) or 1.0) * right,
            min(max((up[1] - y) / ((up[1] - up[0]) or 1.0), -BEYOND), BEYOND) * bottom,
        )
        for x, y in zip(line.across, line.up, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    found = {(round(x), round(y)) for x, y in points[:1]}
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        steps = max(1, round(abs(x1 - x0)), round(abs(y1 - y0)))
        found |= {(round(x0 + (x1 - x0) * i / steps), round(y0 + (y1 - y0) * i / steps)) for i in range(steps + 1)}
    return {(x, y) for x, y in found if 0 <= y <= bottom}


def _first_images(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Of a grid that :func:`diffeo.evaluation.image_grid` drew, its first images at their own size; others whole."""
    lines = (pixels == 128).all((0, 2))
    edges = np.flatnonzero(np.diff(np.r_[False, lines, False].astype(int)))  # where separators start and end
    if len(edges) < 6 or not lines[0]:
        return pixels
    thick = edges[1] - edges[0]
    cell = (edges[2] - edges[0]) // thick  # pixels of an image and a separator
    small = pixels[::thick, ::thick]
    images_across = max(IMAGES_ACROSS, (width - 1) // cell)
    images_down = max(1, (images_across * height) // width, (height - 1) // cell)
    return small[: images_down * cell + 1, : images_across * cell + 1]
