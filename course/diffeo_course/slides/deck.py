"""A deck of slides: its files, what is missing of them, and what typst makes of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typst import Compiler

FILES = ("0-start", "1-flows", "2-realnvp", "3-glow", "4-end")
VERSIONS = ("slides", "handout", "print")
LABELS = ("slide", "part", "fit", "code", "wide")


class SlidesError(RuntimeError):
    """Slides that cannot be built as they are: every fault found, a line each."""

    def __init__(self, faults: list[str]):
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Deck:
    """A deck of slides in one language.

    Attributes:
        language: ``ko`` or ``en``.
        fonts: the folder that :func:`diffeo_course.fonts.gather` filled.
        root: the course's folder.
        files: what the deck is made of, in order, without ending.
    """

    language: str
    fonts: Path
    root: Path
    files: tuple[str, ...] = FILES

    @property
    def sources(self) -> list[Path]:
        """The files of the deck that exist, and the template."""
        folder = self.root / self.language / "slides"
        return [*(path for name in self.files if (path := folder / f"{name}.typ").is_file()), self.template]

    @property
    def template(self) -> Path:
        """What all decks share."""
        return self.root / "slides" / "template.typ"

    def compiler(self, version: str) -> "Compiler":
        """Typst, with this deck and these fonts only."""
        import typst

        return typst.Compiler(
            str(self.root / self.language / "slides" / "main.typ"),
            root=str(self.root),
            font_paths=[str(self.fonts)],
            ignore_system_fonts=True,
            sys_inputs={
                "language": self.language,
                "version": version,
                "parts": " ".join(self.files),
                "numbers": json.dumps(numbers(self.root)),
            },
        )

    def pdf(self, version: str) -> bytes:
        """A version as a PDF.

        Raises:
            SlidesError: if a file of the deck is missing, if it does not compile, or if typst warns: of a font, say.
        """
        import typst

        self.check_files()
        try:
            made, warnings = self.compiler(version).compile_with_warnings(format="pdf")
        except typst.TypstError as error:
            raise SlidesError([f"{self.language}, {version}: {error.diagnostic or error.message}"]) from error
        if warnings:
            raise SlidesError([f"{self.language}, {version}: {warning.diagnostic}" for warning in warnings])
        if not isinstance(made, bytes):
            raise TypeError(f"{self.language}, {version}: typst gave {type(made).__name__} instead of one PDF")
        return made

    def check_files(self) -> None:
        """Refuse a deck with a file, a figure or a number missing.

        Raises:
            SlidesError: naming all of them.
        """
        folder = self.root / self.language / "slides"
        missing = [f"{name}.typ" for name in self.files if not (folder / f"{name}.typ").is_file()]
        if missing:
            raise SlidesError([f"{self.language}: {', '.join(missing)} missing from {folder}"])
        written = "".join(path.read_text(encoding="utf-8") for path in self.sources if path != self.template)
        known, figures = numbers(self.root), self.root / "figures" / self.language
        faults = [
            f'{self.language}: no number "{key}" in figures/numbers/*.json. Write it there with drawing.number(..).'
            for key in sorted(set(re.findall(r'\bnum\("([^"]+)"', written)) - set(known))
        ] + [
            f"{self.language}: no figure {figures / name}. Draw it with drawing.figure(..)."
            for each in sorted(set(re.findall(r'\bfig\("([^"]+)"', written)))
            if not (figures / (name := each if "." in each else f"{each}.svg")).is_file()
        ]
        if faults:
            raise SlidesError(faults)

    @cached_property
    def records(self) -> Mapping[str, list[dict[str, Any]]]:
        """What the template wrote down while compiling: slides, parts, heights, code blocks, what is too wide."""
        compiler = self.compiler("slides")
        return {label: json.loads(compiler.query(f"<{label}>", field="value")) for label in LABELS}

    def minutes(self) -> tuple[float, float]:
        """Of the whole lecture, and of the path without slides that may be skipped."""
        slides = self.records["slide"]
        return sum(s["minutes"] for s in slides), sum(s["minutes"] for s in slides if not s["skip"])


def numbers(root: Path) -> dict[str, Any]:
    """All figures that slides may show, by key, from ``figures/numbers/*.json``.

    Raises:
        SlidesError: if two files hold one key.
    """
    found: dict[str, Any] = {}
    for path in sorted((root / "figures" / "numbers").glob("*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        twice = sorted(set(read) & set(found))
        if twice:
            raise SlidesError([f"{path.name}: {', '.join(twice)} are in another file of numbers too. Rename them."])
        found |= read
    return found
