"""terms.md: one word for a thing, in everything of the course that is written in Korean; English at first use."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from diffeo_course.material import material
from diffeo_course.messages import catalogue
from diffeo_course.notebooks import LABS, cells, in_language, source

COURSE = material()
PAGE = (COURSE / "ko" / "terms.md").read_text(encoding="utf-8")
DECK = ("0-start", "1-flows", "2-realnvp", "3-glow", "4-end")
ASKED_FOR = (
    "정규화 흐름", "가역 변환", "변수 변환 공식", "야코비안 행렬식", "로그 행렬식", "로그 우도",
    "최대 우도 추정", "기저 분포", "잠재 변수", "결합층", "아핀 결합층", "조건 신경망",
    "체커보드 마스크", "채널 마스크", "스퀴즈", "분리 출력", "역양자화", "차원당 비트 수",
    "활성값 정규화", "가역 1×1 합성곱", "다중 스케일 구조", "온도", "속성 방향", "보간",
    "표본 추출", "규제",
)  # fmt: skip


def table(heading: str, page: str = PAGE) -> list[list[str]]:
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [
        re.split(r"(?<!\\) ?\| ?", row.strip().strip("|").strip())
        for row in section.splitlines()
        if row.startswith("|")
    ]
    return rows[2:]


TERMS = {korean: english for korean, english, _ in table("기본 용어")}
OTHERS = {korean: english for korean, english, _ in table("함께 쓰는 용어")}
WRONG = {row[0]: row[1] for row in table("쓰지 않는 말")}


def texts() -> Iterator[tuple[str, str]]:
    """Everything written in Korean, by where it is."""
    for path in sorted((COURSE / "ko").rglob("*")):
        if path.suffix in (".md", ".typ") and path.name != "terms.md":
            yield path.relative_to(COURSE).as_posix(), path.read_text(encoding="utf-8")
    for name in LABS:
        for cell in cells(source(name)):
            if cell.metadata.get("lang", "ko") == "ko":
                yield f"{name}: {cell.metadata['title']}", in_language(cell.source, "ko")
    for folder in ("assignment", "reference", "figures"):
        for path in sorted((COURSE / folder).glob("*.py")):
            yield path.relative_to(COURSE).as_posix(), path.read_text(encoding="utf-8")
    for key, message in catalogue().items():
        yield f"message {key}", message["ko"]


TEXTS = dict(texts())


def test_every_term_that_the_course_must_use_is_on_the_page() -> None:
    assert set(ASKED_FOR) == set(TERMS)
    assert not set(TERMS) & set(OTHERS)
    assert not {wrong for wrong in WRONG if any(wrong in term for term in {*TERMS, *OTHERS})}


def test_both_pages_hold_the_same_pairs() -> None:
    english = (COURSE / "en" / "terms.md").read_text(encoding="utf-8")
    rows = [re.split(r"(?<!\\) \| ", row.strip("| ")) for row in english.splitlines() if row.startswith("| ")][2:]
    assert {(row[-1], row[0]) for row in rows} == set((TERMS | OTHERS).items())
    names = [row[0].lower() for row in rows]
    assert names == sorted(names)


def test_no_other_word_is_used() -> None:
    found = {
        where: [f"{wrong}: write {right}" for wrong, right in WRONG.items() if wrong in text]
        for where, text in TEXTS.items()
    }
    assert not {where: words for where, words in found.items() if words}


def test_a_change_of_style_is_told_from_style_transfer() -> None:
    named = {where: text for where, text in TEXTS.items() if "스타일 전이" in text}
    assert named
    assert not [where for where, text in named.items() if not re.search(r"style transfer|스타일 변환|속성 조작", text)]


def slides() -> list[str]:
    whole = "\n".join((COURSE / "ko" / "slides" / f"{part}.typ").read_text(encoding="utf-8") for part in DECK)
    notes = re.compile(r"notes: \[\n.*?\n\]\)\[", re.DOTALL)  # said, not shown
    return [re.sub(r"//.*", "", notes.sub("", slide)) for slide in whole.split("#slide(")]


def is_explained(term: str, english: str, text: str) -> bool:
    """Whether the text has the term with its English in brackets.

    >>> is_explained("결합층", "coupling layer", "*아핀 결합층*(affine coupling layer)")
    True
    """
    return re.search(re.escape(term) + r"[*_`\]]{0,2} ?\([^)]*" + re.escape(english), text, re.IGNORECASE) is not None


@pytest.mark.parametrize("term", sorted(TERMS))
def test_the_slides_give_the_english_at_first_use(term: str) -> None:
    if term == "규제":  # nothing on the slides is regularized; the word is there to tell it from 정규화
        return
    first = next(slide for slide in slides() if term in slide)
    assert is_explained(term, TERMS[term], first), f'"{first[:40]}" uses {term} first: write {term}({TERMS[term]})'


def test_a_wrong_word_and_a_missing_bracket_would_be_noticed() -> None:
    assert "자코비안" in WRONG
    assert not is_explained("온도", "temperature", "온도 0.8")
    assert is_explained("온도", "temperature", "온도(temperature) 0.8")


def test_english_pages_have_no_korean_but_the_glossary() -> None:
    for path in sorted((COURSE / "en").rglob("*")):
        if path.suffix in (".md", ".typ") and path != COURSE / "en" / "terms.md":
            found = re.findall(r"[가-힣]+", path.read_text(encoding="utf-8"))
            assert not found, f"{Path(path).name}: {found[:3]}"
