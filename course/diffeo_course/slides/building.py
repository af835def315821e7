"""The slides, built: both languages, each for the screen, as a handout with notes, and black on white for print."""

import shutil
from pathlib import Path

from diffeo_course.fonts import gather
from diffeo_course.material import material
from diffeo_course.messages import LANGUAGES
from diffeo_course.slides.checks import faults, same_ids
from diffeo_course.slides.deck import FILES, VERSIONS, Deck, SlidesError


def contact_sheet(pdf: bytes, *, columns: int = 4, width: int = 480) -> bytes:
    """All pages of a PDF in one PNG, in rows."""
    import io

    import pypdfium2
    from PIL import Image

    document = pypdfium2.PdfDocument(pdf)
    pages = [page.render(scale=width / page.get_width()).to_pil() for page in document]
    height = max(page.height for page in pages)
    rows = -(-len(pages) // columns)
    sheet = Image.new("RGB", (columns * (width + 8) + 8, rows * (height + 8) + 8), "#888888")
    for i, page in enumerate(pages):
        sheet.paste(page, (8 + i % columns * (width + 8), 8 + i // columns * (height + 8)))
    buffer = io.BytesIO()
    sheet.quantize(64).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def build(folder: Path, *, root: Path | None = None, files: tuple[str, ...] = FILES) -> list[str]:
    """Check both decks, then write every version of them, their contact sheets and their animations.

    Returns:
        A line a file: its pages, and its minutes.

    Raises:
        SlidesError: with every fault of both decks; nothing is written then.
    """
    root = root or material()
    fonts = gather(folder / "fonts")
    decks = [Deck(language, fonts, root, files) for language in LANGUAGES]
    for deck in decks:
        deck.check_files()
    made = {(deck.language, version): deck.pdf(version) for deck in decks for version in VERSIONS}
    found = [fault for deck in decks for fault in faults(deck, made[deck.language, "slides"])]
    if found := found + same_ids(*decks):
        raise SlidesError(found)
    lines = []
    for deck in decks:
        full, short = deck.minutes()
        for version in VERSIONS:
            pdf = made[deck.language, version]
            (folder / f"{deck.language}-{version}.pdf").write_bytes(pdf)
            times = f"{full:g} minutes, {short:g} without what may be skipped"
            lines.append(f"{deck.language}-{version}.pdf: {pages(pdf)} pages, {times}")
        (folder / f"{deck.language}-contact.png").write_bytes(contact_sheet(made[deck.language, "slides"]))
        for moving in sorted((root / "figures" / deck.language).glob("*.gif")):
            shutil.copyfile(moving, folder / f"{deck.language}-{moving.name}")
            lines.append(f"{deck.language}-{moving.name}")
    return lines


def pages(pdf: bytes) -> int:
    """How many pages a PDF has."""
    import pypdfium2

    return len(pypdfium2.PdfDocument(pdf))
