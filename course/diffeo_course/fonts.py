"""The fonts of slides and figures: NanumGothic from an installed package, and DejaVu from matplotlib."""

import shutil
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

PACKAGE = "koreanize-matplotlib"
KOREAN = ("NanumGothic.ttf", "NanumGothicBold.ttf")
SIGNS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")


class FontMissing(RuntimeError):
    """A font that the course needs is not installed."""


def korean() -> list[Path]:
    """NanumGothic, regular and bold, where the package :data:`PACKAGE` has put them; the package is never imported.

    Raises:
        FontMissing: with the command that installs it.

    Example:
        >>> [path.name for path in korean()]
        ['NanumGothic.ttf', 'NanumGothicBold.ttf']
    """
    advice = f'Install it: python -m pip install "{PACKAGE}>=0.1.1"'
    try:
        installed = {Path(str(file)).name: Path(str(file.locate())) for file in files(PACKAGE) or ()}
    except PackageNotFoundError as error:
        raise FontMissing(
            f"the Korean font NanumGothic is in the package {PACKAGE}, which is missing. {advice}"
        ) from error
    missing = [name for name in KOREAN if name not in installed or not installed[name].is_file()]
    if missing:
        raise FontMissing(f"{', '.join(missing)}: not in the installed {PACKAGE}. {advice}")
    return [installed[name] for name in KOREAN]


def signs() -> list[Path]:
    """DejaVu Sans and DejaVu Sans Mono, out of matplotlib: for code, and for signs that NanumGothic has not."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [folder / name for name in SIGNS]


def gather(folder: Path) -> Path:
    """Copy the fonts into a folder of their own: beside them, the package holds faces that would be taken for bold."""
    folder.mkdir(parents=True, exist_ok=True)
    for font in [*korean(), *signs()]:
        copy = folder / font.name
        if not copy.exists() or copy.stat().st_size != font.stat().st_size:
            shutil.copyfile(font, copy)
    return folder


@cache
def characters() -> frozenset[int]:
    """Code points that at least one of the fonts can draw."""
    from fontTools.ttLib import TTFont

    found: set[int] = set()
    for path in [*korean(), *signs()]:
        with TTFont(path, lazy=True) as font:
            found |= set(font.getBestCmap())
    return frozenset(found)


def undrawable(text: str) -> list[str]:
    """Characters that none of the fonts has.

    Example:
        >>> undrawable("정규화 흐름, ∫ p(x) dx = 1")
        []
        >>> undrawable("안녕 👋")
        ['👋']
    """
    return sorted({sign for sign in text if sign.isprintable() and ord(sign) not in characters()})
