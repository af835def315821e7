"""Names of columns and files in pictures: a font that has Korean, where there is one, and signs that no font has."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KOREAN = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo", "AppleGothic")
LONGEST = 22  # signs of a name in a picture


@cache
def korean_family() -> str | None:
    """The first family with Korean letters that matplotlib finds on this machine; None if there is none.

    A font that was installed after matplotlib listed the machine's is looked for among the files. The user's
    rcParams stay as they are.
    """
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    for family in KOREAN:
        if family in known:
            return family
    wanted = {family.replace(" ", "").lower() for family in KOREAN}
    for path in font_manager.findSystemFonts():
        if Path(path).stem.replace(" ", "").replace("-Regular", "").lower() in wanted:
            font_manager.fontManager.addfont(path)
            return font_manager.fontManager.ttflist[-1].name
    return None


def use_fonts(figure: "Figure") -> None:
    """Let every text of a figure fall back to a font with Korean letters. Nothing else is changed."""
    from matplotlib.text import Text

    family = korean_family()
    if family is None:
        return
    for item in figure.findobj(Text):
        text: Text = item
        text.set_fontfamily([*text.get_fontfamily(), family])
    for axes in figure.axes:
        axes.tick_params(labelfontfamily=["sans-serif", family])


def drawable(text: str) -> str:
    """The text as a picture can show it: short, without signs that no font here has, and never read as mathematics."""
    glyphs = _glyphs()
    short = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "".join(sign if ord(sign) in glyphs else "?" for sign in short).replace("$", r"\$")


def labels(names: Sequence[str]) -> list[str]:
    """Names for axes; numbers from 1 for all of them if there is a sign in one that no font here has.

    Example:
        >>> labels(["height", "weight in kg"])
        ['height', 'weight in kg']
        >>> labels(["height", chr(0x13000)])
        ['1', '2']
    """
    if has_glyphs("".join(names)):
        return [drawable(name) for name in names]
    return [str(i) for i in range(1, len(names) + 1)]


def has_glyphs(text: str) -> bool:
    """Whether the fonts here have every sign of a text."""
    return {ord(sign) for sign in text} <= _glyphs()


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    found = frozenset[int]()
    for family in ("sans-serif", korean_family()):
        if family is not None:
            path = font_manager.findfont(font_manager.FontProperties(family=[family]))
            found |= frozenset(font_manager.get_font(path).get_charmap())
    return found
