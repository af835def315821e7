"""Slides that cannot be shown are not built, and the message says where and why."""

import json
import re
import shutil
from pathlib import Path

import pytest

from diffeo_course import fonts
from diffeo_course.material import material
from diffeo_course.slides import FILES, Deck, SlidesError, build, numbers
from diffeo_course.slides.checks import faults, minutes, same_ids

MAIN = """#import "/slides/template.typ": *
#show: deck
#for name in sys.inputs.parts.split(" ") { include name + ".typ" }
"""
HEAD = '#import "/slides/template.typ": *\n#part("1부", minutes: 1, page: false)\n'
GOOD = (
    HEAD
    + '#slide("good", title: [좋은 슬라이드], notes: [말할 내용입니다.])'
    + "[정규화 흐름(normalizing flow)의 *가역변환*을 설명]"
)


def with_body(body: str, *, title: str = "[제목]", notes: str = "[내용]") -> str:
    """A deck of one slide."""
    return HEAD + f'#slide("planted", title: {title}, notes: {notes})[{body}]\n'


@pytest.fixture(scope="session")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fonts.gather(tmp_path_factory.mktemp("fonts"))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of one good file in each language."""
    (tmp_path / "slides").mkdir()
    shutil.copy(material() / "slides" / "template.typ", tmp_path / "slides")
    for language in ("ko", "en"):
        write(tmp_path, GOOD, language)
    return tmp_path


def write(course: Path, source: str, language: str = "ko", name: str = "0-start") -> None:
    folder = course / language / "slides"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.typ").write_text(MAIN, encoding="utf-8")
    (folder / f"{name}.typ").write_text(source, encoding="utf-8")


def found(course: Path, gathered: Path) -> list[str]:
    """The faults of the Korean deck."""
    deck = Deck("ko", gathered, course, ("0-start",))
    return faults(deck, deck.pdf("slides"))


def test_a_good_deck_has_no_faults(course: Path, gathered: Path) -> None:
    assert found(course, gathered) == []


PLANTED = {
    "too much text": (with_body("#lorem(260)"), r"slide planted: \d+ pt high, 410 pt are there"),
    "a long title": (
        with_body("글", title="[" + "아주 긴 제목 " * 12 + "]"),
        "slide planted: the title takes more than one line",
    ),
    "a wide line of code": (with_body("```python\n" + "x = 1; " * 20 + "\n```"), r"slide planted: a code \d+ pt wide"),
    "a wide formula": (with_body("$ " + "alpha + " * 60 + "beta $"), r"slide planted: a formula \d+ pt wide"),
    "long code": (
        with_body("```python\n" + "x = 1\n" * 18 + "y = 2\n```"),
        "slide planted: 19 lines of code, at most 18",
    ),
    "a character without a glyph": (
        with_body("안녕𓀀하세요"),
        r"line 3, slide planted: no font has '𓀀' \(U\+13000\) of '.*안녕𓀀하세요",
    ),
    "a sign without a glyph": (
        with_body("안녕 #str.from-unicode(0x13000)"),
        "page 1, slide planted: no font has a character of",
    ),
    "small text": (with_body("#text(size: 14pt)[작은 글씨]"), "slide planted: '작은' is set in 14 pt"),
    "text beside the page": (
        with_body("#place(dx: 800pt, box(width: 300pt)[" + "가" * 12 + "])"),
        "slide planted: '가+' runs off the page",
    ),
    "no notes": (HEAD + '#slide("planted", title: [제목])[글]', "slide planted: no notes"),
    "one id twice": (GOOD + '#slide("good", title: [제목], notes: [내용])[글]', "slide good: 2 slides have this id"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named(name: str, course: Path, gathered: Path) -> None:
    source, expected = PLANTED[name]
    write(course, source)
    assert re.search(expected, "\n".join(found(course, gathered))), found(course, gathered)


def test_a_word_torn_across_lines_is_named(course: Path, gathered: Path) -> None:
    sentence = "변수변환공식과야코비안행렬식과로그우도를 " * 4
    write(course, with_body(sentence))
    assert found(course, gathered) == []
    template = course / "slides" / "template.typ"
    kept = template.read_text(encoding="utf-8")
    rule = next(line for line in kept.splitlines() if "show regex" in line)
    template.write_text(kept.replace(rule, ""), encoding="utf-8")
    assert re.search(r"slide planted: \w+\|\w+ is torn across two lines", "\n".join(found(course, gathered)))


def test_korean_text_of_the_pdf_can_be_searched(course: Path, gathered: Path) -> None:
    import pypdfium2

    page = pypdfium2.PdfDocument(Deck("ko", gathered, course, ("0-start",)).pdf("slides"))[0]
    assert "정규화 흐름(normalizing flow)의 가역변환을 설명" in page.get_textpage().get_text_bounded()


def test_a_missing_font_is_named(course: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SlidesError, match="unknown font family: nanumgothic"):
        Deck("ko", empty, course, ("0-start",)).pdf("slides")


def test_a_missing_file_is_named(course: Path, gathered: Path) -> None:
    with pytest.raises(SlidesError, match=r"ko: 1-flows.typ, 2-realnvp.typ, 3-glow.typ, 4-end.typ missing"):
        Deck("ko", gathered, course).pdf("slides")


def test_numbers_and_figures_that_nobody_made_are_named(course: Path, gathered: Path) -> None:
    write(course, with_body('#num("bits", digits: 2) #fig("scatter") #let key = "nats"; #num(key)'))
    with pytest.raises(SlidesError, match='no number "bits" in figures/numbers') as raised:
        Deck("ko", gathered, course, ("0-start",)).pdf("slides")
    assert [re.split("[.,] ", fault)[0].split("/")[-1] for fault in raised.value.faults] == ["*.json", "scatter.svg"]
    write(course, with_body('#let key = "nats"; #num(key)'))
    with pytest.raises(SlidesError, match='no number "nats" in figures/numbers'):
        Deck("ko", gathered, course, ("0-start",)).pdf("slides")


def test_a_number_is_rounded_as_asked(course: Path, gathered: Path) -> None:
    import pypdfium2

    folder = course / "figures" / "numbers"
    folder.mkdir(parents=True)
    (folder / "flows.json").write_text(
        json.dumps({"a": {"value": 1.0999, "command": "x"}, "b": {"value": 209900, "command": "x"}})
    )
    write(course, with_body('#num("a", digits: 2), #num("b")'))
    page = pypdfium2.PdfDocument(Deck("ko", gathered, course, ("0-start",)).pdf("slides"))[0]
    assert "1.10, 209,900" in page.get_textpage().get_text_bounded()


def test_one_key_in_two_files_of_numbers_is_named(course: Path) -> None:
    folder = course / "figures" / "numbers"
    folder.mkdir(parents=True)
    for name in ("flows", "glow"):
        (folder / f"{name}.json").write_text(json.dumps({"a": {"value": 1, "command": "x"}}))
    with pytest.raises(SlidesError, match="a are in another file of numbers"):
        numbers(course)


def test_slides_of_one_language_alone_are_named(course: Path, gathered: Path) -> None:
    write(course, GOOD.replace('"good"', '"other"'), "en")
    decks = [Deck(language, gathered, course, ("0-start",)) for language in ("ko", "en")]
    assert [fault.split(":")[0] for fault in same_ids(*decks)] == ["slide good", "slide other"]


def test_minutes_that_do_not_add_up_are_named(course: Path, gathered: Path) -> None:
    for name in FILES:
        write(course, HEAD.replace("1부", name) + f'#slide("{name}", minutes: 2, notes: [내용])[글]', name=name)
    said = "\n".join(minutes(Deck("ko", gathered, course)))
    assert "the slides take 10 minutes, not 60" in said
    assert "without those that may be skipped the slides take 10 minutes, not 50" in said
    assert "part 0-start: its slides take 2 minutes, it says 1" in said


def test_a_part_of_too_many_slides_is_named(course: Path, gathered: Path) -> None:
    slides = "".join(f'#slide("s{i}", minutes: 1/13, notes: [내용])[글]\n' for i in range(13))
    write(course, HEAD + slides + '#backups()\n#slide("more", notes: [내용])[글]')
    said = "\n".join(minutes(Deck("ko", gathered, course, ("0-start",))))
    assert "part 1부: 13 slides, at most 12 before its backups" in said


def test_nothing_is_written_when_something_is_wrong(course: Path, tmp_path: Path) -> None:
    write(course, with_body("#lorem(260)"))
    with pytest.raises(SlidesError, match="slide planted"):
        build(tmp_path / "out", root=course, files=("0-start",))
    assert not list((tmp_path / "out").glob("*.pdf"))


def test_three_versions_of_both_decks_are_written(course: Path, tmp_path: Path) -> None:
    lines = build(tmp_path / "out", root=course, files=("0-start",))
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert names == {
        f"{language}-{what}"
        for language in ("ko", "en")
        for what in ("slides.pdf", "handout.pdf", "print.pdf", "contact.png")
    }
    assert lines[0] == "ko-slides.pdf: 1 pages, 1 minutes, 1 without what may be skipped"


def test_the_handout_says_what_the_lecturer_says(course: Path, gathered: Path) -> None:
    import pypdfium2

    page = pypdfium2.PdfDocument(Deck("ko", gathered, course, ("0-start",)).pdf("handout"))[0]
    text = page.get_textpage().get_text_bounded()
    assert "말할 내용입니다." in text
    assert "0:00–1:00" in text


def test_the_same_deck_is_the_same_file(course: Path, gathered: Path) -> None:
    deck = Deck("ko", gathered, course, ("0-start",))
    assert deck.pdf("slides") == deck.pdf("slides")


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_deck_of_the_lecture_has_no_faults(language: str, gathered: Path) -> None:
    deck = Deck(language, gathered, material())
    assert faults(deck, deck.pdf("slides")) == []


def test_both_decks_of_the_lecture_have_the_same_slides(gathered: Path) -> None:
    assert same_ids(*(Deck(language, gathered, material()) for language in ("ko", "en"))) == []


def test_every_figure_is_there_in_both_languages() -> None:
    folder = material() / "figures"
    names = [sorted(path.name for path in (folder / language).iterdir()) for language in ("ko", "en")]
    assert names[0] == names[1]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_figure_is_shown_and_every_animation_is_named(language: str) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (material() / language / "slides").glob("*.typ"))
    folder = material() / "figures" / language
    shown = set(re.findall(r'#fig\("([^"]+)"', sources))
    assert {path.stem for path in folder.glob("*.svg")} == shown
    assert {path.name for path in folder.glob("*.gif")} == set(re.findall(r"`([\w-]+\.gif)`", sources))
