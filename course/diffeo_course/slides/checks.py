"""What makes a deck unfit to be shown, found before anyone sees it: faults that name slide and word."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from diffeo_course.fonts import undrawable
from diffeo_course.slides.deck import FILES, Deck

BODY, CODE, FOOTER = 20.0, 16.0, 12.0  # points; notes below a figure are as small as code
MOST_LINES, MOST_SLIDES = 18, 12
FULL, SHORT, PART = 60.0, 50.0, 20.0  # minutes
EDGE = 30.0  # points of a page's border that stay free
HANGUL = "[가-힣]"


def faults(deck: Deck, pdf: bytes) -> list[str]:
    """All faults of a deck: of what its sources say, of how it was laid out, and of the pages that came out."""
    return [
        f"{deck.language}: {fault}"
        for fault in (*sources(deck), *layout(deck), *(minutes(deck) if deck.files == FILES else ()), *pages(deck, pdf))
    ]


def sources(deck: Deck) -> Iterator[str]:
    """Characters that no font has; slides without a note; ids used twice."""
    for path in deck.sources:
        where = "-"
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if begun := re.match(r'\s*#slide\(\s*"([^"]+)"', text):
                where = begun[1]
            for sign in undrawable(text):
                word = next(word for word in text.split() if sign in word)
                yield f"{path.name} line {line}, slide {where}: no font has {sign!r} (U+{ord(sign):04X}) of {word!r}"
    for slide in deck.records["slide"]:
        if not slide["noted"]:
            yield f"slide {slide['id']}: no notes, so the handout says nothing. Write notes: [..]"
    for id_, times in Counter(slide["id"] for slide in deck.records["slide"]).items():
        if times > 1:
            yield f"slide {id_}: {times} slides have this id. Rename one."


def layout(deck: Deck) -> Iterator[str]:
    """Slides that are too full, lines that are too wide, code that is too long."""
    for fit in deck.records["fit"]:
        if fit["needed"] > fit["room"] + 0.5:
            sizes = f"{fit['needed']:.0f} pt high, {fit['room']:.0f} pt are there"
            yield f"slide {fit['id']}: {sizes}. Say less, or split it."
        if fit["title"] > fit["title-room"] + 0.5:
            yield f"slide {fit['id']}: the title takes more than one line. Shorten it."
    for wide in deck.records["wide"]:
        sizes = f"{wide['needed']:.0f} pt wide, {wide['room']:.0f} pt are there"
        yield f"slide {wide['id']}: a {wide['kind']} {sizes}. Break its lines."
    for code in deck.records["code"]:
        if code["lines"] > MOST_LINES:
            yield f"slide {code['id']}: {code['lines']} lines of code, at most {MOST_LINES}. Show what matters."


def minutes(deck: Deck) -> Iterator[str]:
    """Minutes that do not add up, and parts with too many slides."""
    full, short = deck.minutes()
    if abs(full - FULL) > 1e-6:
        yield f"the slides take {full:g} minutes, not {FULL:g}"
    if abs(short - SHORT) > 1e-6:
        yield f"without those that may be skipped the slides take {short:g} minutes, not {SHORT:g}"
    for part in deck.records["part"]:
        mine = [slide for slide in deck.records["slide"] if slide["part"] == part["title"]]
        taken = sum(slide["minutes"] for slide in mine)
        if abs(taken - part["minutes"]) > 1e-6:
            yield f"part {part['title']}: its slides take {taken:g} minutes, it says {part['minutes']:g}"
        core = sum(not slide["backup"] for slide in mine)
        if core > MOST_SLIDES:
            yield f"part {part['title']}: {core} slides, at most {MOST_SLIDES} before its backups"
    big = [part for part in deck.records["part"] if part["minutes"] == PART]
    if len(big) != 2:
        yield f"two parts take {PART:g} minutes each, and the first as much with start and end; {len(big)} say so"


@dataclass(frozen=True)
class Sign:
    """A character of a page: where it is, how large, in which font."""

    text: str
    size: float
    font: str
    box: tuple[float, float, float, float]


def pages(deck: Deck, pdf: bytes) -> Iterator[str]:
    """Faults of the pages that came out: torn words, boxes for missing glyphs, small text, what runs off the page."""
    import pypdfium2

    ids = {slide["page"]: slide["id"] for slide in deck.records["slide"]}
    words = vocabulary("\n".join(path.read_text(encoding="utf-8") for path in deck.sources))
    for number, page in enumerate(pypdfium2.PdfDocument(pdf), start=1):
        where = f"page {number}, slide {ids.get(number, '(divider)')}"
        text = page.get_textpage()
        lines = [line.strip() for line in text.get_text_bounded().splitlines() if line.strip()]
        for halves in torn(lines, words):
            yield f"{where}: {halves} is torn across two lines"
        width = page.get_width()
        for word in grouped(list(signs(text))):
            spelled = "".join(sign.text for sign in word).replace("\x02", "-")  # a hyphen at the end of a line
            if "\0" in spelled:
                yield f"{where}: no font has a character of {spelled.replace(chr(0), '□')!r}"
            smallest = min(sign.size for sign in word)
            least = CODE if "Mono" in word[0].font else BODY
            allowed = smallest > least - 0.05 or any(abs(smallest - size) < 0.05 for size in (CODE, FOOTER))
            if not allowed and "Math" not in word[0].font and re.search(f"{HANGUL}|[A-Za-z]{{2}}", spelled):
                rule = f"Text takes {BODY:g}, code and note-small {CODE:g}"
                yield f"{where}: {spelled!r} is set in {smallest:g} pt. {rule}."
            left, right = min(sign.box[0] for sign in word), max(sign.box[2] for sign in word)
            if left < EDGE or right > width - EDGE:
                yield f"{where}: {spelled!r} runs off the page"


def vocabulary(source: str) -> frozenset[str]:
    """The words of a source, without its markup."""
    plain = re.sub(r"[*_`\[\]#\"“”{}]", " \\g<0>", source)
    pieces = set(source.split())
    bare = {re.sub(r"[*_`\[\]#\"“”{}\\]", "", piece) for piece in pieces | set(plain.split())}
    inside = {part for piece in pieces for part in re.split(r"[\[\]]", piece)}
    return frozenset({core(word) for word in bare | inside} - {""})


def core(word: str) -> str:
    """A word without the marks around it."""
    return re.sub(r"^\W+|\W+$", "", re.sub(r"[*_`#\"“”{}\\]", "", word))


def torn(lines: list[str], words: frozenset[str]) -> Iterator[str]:
    """Words with Hangul that begin on one line and end on the next."""
    for above, below in pairwise(lines):
        first, second = core(above.split()[-1]), core(below.split()[0])
        whole = first + second
        if first and second and re.search(HANGUL, whole) and whole in words and not {first, second} <= words:
            yield f"{first}|{second}"


def signs(text: object) -> Iterator[Sign]:
    """The characters of a page's text, as they were set."""
    import ctypes

    import pypdfium2.raw as raw

    for i in range(text.count_chars()):  # type: ignore[attr-defined]
        name = ctypes.create_string_buffer(128)
        raw.FPDFText_GetFontInfo(text, i, name, 128, None)
        yield Sign(
            chr(raw.FPDFText_GetUnicode(text, i)),
            raw.FPDFText_GetFontSize(text, i),
            name.value.decode("latin-1"),
            text.get_charbox(i),  # type: ignore[attr-defined]
        )


def grouped(page: list[Sign]) -> Iterator[list[Sign]]:
    """The words of a page: runs of characters without a space."""
    word: list[Sign] = []
    for sign in page:
        if sign.text.isspace():
            if word:
                yield word
            word = []
        else:
            word.append(sign)
    if word:
        yield word


def same_ids(one: Deck, other: Deck) -> list[str]:
    """Slides that only one of two decks has, in another order, or with other minutes."""
    first, second = (
        [(slide["id"], slide["minutes"], slide["skip"]) for slide in deck.records["slide"]] for deck in (one, other)
    )
    faults = [
        f"slide {id_}: in {one.language} alone, or with other minutes or in another order than in {other.language}"
        for id_, _, _ in (slide for slide in first if slide not in second)
    ] + [
        f"slide {id_}: in {other.language} alone, or with other minutes or in another order than in {one.language}"
        for id_, _, _ in (slide for slide in second if slide not in first)
    ]
    if not faults and first != second:
        faults.append(f"the slides of {one.language} and {other.language} are in different orders")
    return faults
