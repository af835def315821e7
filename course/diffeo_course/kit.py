"""The kit: what a student needs for the lesson without a network, and what its lecturer needs besides."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from diffeo import __version__
from diffeo_course.kit_data import MNIST, write_data
from diffeo_course.material import material
from diffeo_course.messages import Language, say
from diffeo_course.wheel import ROOTS, make_wheel, told_apart

TOOLS = ("typst", "jupytext", "nbformat")  # what slides and notebooks are made with
TEXTS = {"README.md": "start.md", "setup.md": "setup.md", "terms.md": "terms.md"}
LECTURER = "instructor"
# Parts of file names in the assignment's folders that only the lecturer sees.
ANSWERS = ("solution", "sample", "answer")


def write_kit(
    directory: Path, *, language: Language, instructor: bool = False, wheels: Sequence[Path] = ()
) -> dict[str, int]:
    """Write a kit into a new folder, or an empty one.

    Args:
        directory: where. It is filled at the end, at once; a kit that fails on the way leaves nothing behind.
        language: ``ko`` or ``en``.
        instructor: add solutions, the guide, and exam questions with answers.
        wheels: of diffeo, of diffeo-course, or of both; what is not given is made from this installation.

    Returns:
        The size in bytes of every file, by its path in the kit.

    Raises:
        FileExistsError: if there is something in the folder.
        ImportError: if what makes slides and notebooks is not installed.
    """
    _check_place(directory)
    given = told_apart(wheels)
    missing = [name for name in TOOLS if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'the kit is made with {", ".join(missing)}. Install: python -m pip install "diffeo-course[build]"'
        )
    there = directory.is_dir()
    with tempfile.TemporaryDirectory(dir=directory if there else directory.parent, prefix=".diffeo-kit-") as place:
        kit = Path(place) / "kit"
        kit.mkdir()
        _fill(kit, language, given)
        if instructor:
            _fill_for_the_lecturer(kit / LECTURER, language)
        written = {
            path.relative_to(kit).as_posix(): path.stat().st_size for path in sorted(kit.rglob("*")) if path.is_file()
        }
        if there:
            for child in kit.iterdir():
                child.rename(directory / child.name)
        else:
            kit.rename(directory)
    return written


def in_words(directory: Path, written: dict[str, int], language: str) -> str:
    """What was written: a line for every folder and file at the top, their sum, and what to do next.

    Example:
        >>> print(in_words(Path("flows"), {"README.md": 900, "data/mnist-subset/a.gz": 2_000_000}, "en"))
        README.md  0.9 kB
        data/      2.0 MB, 1 file
        In all 2.0 MB in flows. Begin with README.md there.
    """
    sizes: dict[str, list[int]] = {}
    for path, size in written.items():
        top, inside, _ = path.partition("/")
        sizes.setdefault(top + inside, []).append(size)
    width = max(map(len, sizes))
    lines = []
    for name, each in sizes.items():
        count = f", {say('kit-files' if len(each) > 1 else 'kit-file', language, count=len(each))}"
        lines.append(f"{name:{width}}  {_readable(sum(each))}{count if name.endswith('/') else ''}")
    lines.append(say("kit-written", language, size=_readable(sum(written.values())), folder=directory))
    if not any(path.startswith(f"data/{MNIST}/") for path in written):
        lines.append(say("kit-no-mnist", language))
    return "\n".join(lines)


def _check_place(directory: Path) -> None:
    if directory.is_dir() and any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty, and nothing is written over. Name a new folder")
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"{directory} is a file. Name a new folder")
    if not directory.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {directory.absolute().parent}. Make it first, or name another")


def _fill(kit: Path, language: Language, given: Mapping[str, Path]) -> None:
    from diffeo_course.notebooks import build as build_notebooks

    source = material()
    placed = _place_wheels(kit / "wheel", given)
    for name, text in TEXTS.items():
        content = (source / language / text).read_text(encoding="utf-8")
        for wheel in placed:  # their names as the texts have them, with their own version
            content = content.replace(f"{wheel.name.partition('-')[0]}-{__version__}-py3-none-any.whl", wheel.name)
        _write(kit / name, content)
    shutil.copyfile(source / "LICENSE.md", kit / "LICENSE.md")
    _place_fonts(kit / "fonts", source)
    _place_slides(kit, language, source)
    build_notebooks(kit / "notebooks", language)
    _copy(source / "reference", kit / "reference")
    for folder in (source / language / "assignment", source / "assignment"):
        _copy(folder, kit / "assignment", leave=ANSWERS)
    write_data(kit / "data", language)


def _fill_for_the_lecturer(folder: Path, language: Language) -> None:
    from diffeo_course.notebooks import build as build_notebooks

    source = material()
    build_notebooks(folder / "notebooks", language, version="solution")
    for name in ("guide.md", "exam.md"):
        shutil.copyfile(source / language / name, folder / name)
    for answers in (source / language / "assignment", source / "assignment"):
        _copy(answers, folder / "assignment", only=ANSWERS)


def _place_wheels(folder: Path, given: Mapping[str, Path]) -> list[Path]:
    folder.mkdir()
    return [
        Path(shutil.copyfile(given[name], folder / given[name].name)) if name in given else make_wheel(name, folder)
        for name in ROOTS
    ]


def _place_fonts(folder: Path, source: Path) -> None:
    from diffeo_course.fonts import korean

    folder.mkdir()
    for font in korean():
        shutil.copyfile(font, folder / font.name)
    shutil.copyfile(source / "fonts" / "OFL.txt", folder / "OFL.txt")


def _place_slides(kit: Path, language: Language, source: Path) -> None:
    from diffeo_course.fonts import gather
    from diffeo_course.slides import VERSIONS, Deck

    folder = kit / "slides"
    folder.mkdir()
    with tempfile.TemporaryDirectory() as fonts:
        deck = Deck(language, gather(Path(fonts)), source)
        for version in VERSIONS:
            (folder / f"{version}.pdf").write_bytes(deck.pdf(version))
    for moving in sorted((source / "figures" / language).glob("*.gif")):
        shutil.copyfile(moving, folder / moving.name)


def _copy(source: Path, target: Path, *, leave: tuple[str, ...] = (), only: tuple[str, ...] = ("",)) -> None:
    """Copy a folder's files: those with a part of `only`, and none of `leave`, in the path below it."""
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        name = inside.as_posix().lower()
        if not path.is_file() or "__pycache__" in inside.parts or path.name == ".gitkeep":
            continue
        if any(part in name for part in only) and not any(part in name for part in leave):
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / inside)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _readable(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
