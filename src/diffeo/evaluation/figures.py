"""Figures as files: PNG, and SVG that takes its ink from the page it stands in."""

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from diffeo.evaluation.fonts import use_fonts
from diffeo.evaluation.numbers import plain_numbers
from diffeo.system.writing import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, DATA, SAMPLE = "#222222", "#777777", "#d55e00"  # safe for red-green blindness (Okabe and Ito)
SERIES = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")  # the same authors'


def save_figure(figure: "Figure", path: Path | BinaryIO) -> None:
    """Write a matplotlib figure as PNG; to a path whole or not at all."""
    use_fonts(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    if isinstance(path, Path):
        write_atomically(path, buffer.getvalue())
    else:
        path.write(buffer.getvalue())


def svg(figure: "Figure") -> str:
    """A figure as SVG to stand inside an HTML page.

    Text stays text, the background is the page's, and what is black or `INK` takes the CSS variable ``--ink``,
    so that one picture serves a light and a dark page. It is as wide as there is room, and at most
    as wide as the figure.
    """
    import matplotlib

    use_fonts(figure)
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "diffeo"}):  # ends with the block
        figure.savefig(buffer, format="svg", transparent=True, dpi=160, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    size = f'style="max-width: {figure.get_figwidth() * 96:.0f}px"'
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', rf"\1 {size}", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    return re.sub(r"#(000000|222222)\b", "var(--ink)", text)


def plain(axes: "Axes") -> None:
    """Take away the frame's upper and right line, and write numbers out."""
    axes.spines[["top", "right"]].set_visible(False)
    plain_numbers(axes)
