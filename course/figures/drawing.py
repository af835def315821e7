"""What the scripts of this folder draw with: one font, one palette, both languages, the same file from every run.

from drawing import PALETTE, figure, number, text

def stretch():
    fig, axes = plt.subplots(figsize=(9, 4))
    axes.set_xlabel(text(ko="데이터 x", en="data x"))
    return fig

figure("stretch", stretch)                          # ko/stretch.svg and en/stretch.svg
number("flows", "moons_nll", 0.27, "diffeo evaluate realnvp-moons")
"""

import argparse
import io
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib import font_manager

from diffeo.system.writing import write_atomically
from diffeo_course.fonts import korean
from diffeo_course.messages import LANGUAGES

FOLDER = Path(__file__).parent
# Okabe and Ito's colours; pairs of them differ in lightness too, for grey prints.
PALETTE = {
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#009e73",
    "sky": "#56b4e9",
    "yellow": "#e69f00",
    "pink": "#cc79a7",
    "black": "#000000",
    "grey": "#767676",
}
SETTINGS = {
    "font.family": ["NanumGothic", "DejaVu Sans"],
    "font.size": 14,
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(
        color=[PALETTE[name] for name in ("blue", "orange", "green", "yellow", "sky", "pink")]
    ),
    "figure.constrained_layout.use": True,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": 110,
    "svg.fonttype": "path",
    "svg.hashsalt": "diffeo",
}

_language = "ko"


def text(*, ko: str, en: str) -> str:
    """The text of the language that is being drawn."""
    return ko if _language == "ko" else en


@contextmanager
def drawing(name: str):
    """Draw in a language, with the font; afterwards matplotlib's settings are what they were.

    A character that the fonts do not have is an error.
    """
    global _language
    before = _language
    for path in korean():
        font_manager.fontManager.addfont(str(path))
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*Glyph.*missing.*")
        warnings.filterwarnings("error", message=".*findfont.*")
        _language = name
        try:
            yield
        finally:
            _language = before


def figure(name: str, draw: Callable[[], plt.Figure], folder: Path = FOLDER) -> list[Path]:
    """Draw a figure in both languages: ``ko/NAME.svg`` and ``en/NAME.svg``. `draw` returns a new matplotlib figure."""
    paths = []
    for each in LANGUAGES:
        with drawing(each):
            made = draw()
            buffer = io.BytesIO()
            made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
            plt.close(made)
        path = folder / each / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _shorter(buffer.getvalue()))
        paths.append(path)
    return paths


def animation(
    name: str,
    draw: Callable[[float], plt.Figure],
    frames: list[float],
    *,
    milliseconds: int = 80,
    pixels: int = 380,
    folder: Path = FOLDER,
) -> list[Path]:
    """Draw ``ko/NAME.gif`` and ``en/NAME.gif``: `draw` makes the figure of each of `frames`."""
    from PIL import Image

    paths = []
    for each in LANGUAGES:
        pictures = []
        with drawing(each):
            for moment in frames:
                made = draw(moment)
                buffer = io.BytesIO()
                made.savefig(buffer, format="png", dpi=pixels / made.get_figwidth())
                plt.close(made)
                # A palette gives a transparent picture coloured fringes.
                opaque = Image.open(buffer).convert("RGB")
                pictures.append(opaque.quantize(32, dither=Image.Dither.NONE))
        buffer = io.BytesIO()
        pictures[0].save(buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
        path = folder / each / f"{name}.gif"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, buffer.getvalue())
        paths.append(path)
    return paths


def asked(known: Iterable[str], about: str | None) -> list[str]:
    """The names on the command line, or all that are known if there are none; an unknown one is an error."""
    names = list(known)
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    return list(parser.parse_args(sys.argv[1:] or names).names)


def number(part: str, key: str, value: float | str, command: str, folder: Path = FOLDER) -> None:
    """Write down a number of the slides and the command that printed it: ``numbers/PART.json``."""
    path = folder / "numbers" / f"{part}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[key] = {"value": value, "command": command}
    written = json.dumps(dict(sorted(known.items())), ensure_ascii=False, indent=2) + "\n"
    write_atomically(path, written.encode())


def _shorter(svg: bytes) -> bytes:
    """Coordinates to two decimals, scales as they are: a picture of 700 points is as sharp, in a third of the bytes."""
    return re.sub(rb"(scale\([^)]*\))|(-?\d+\.\d\d)\d+", lambda found: found[1] or found[2], svg)
