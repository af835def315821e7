"""The pages for students and lecturers: setting up, the guide, the exam, in both languages."""

import math
import re

import pytest

from diffeo import __version__
from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.material import material
from diffeo_course.messages import LANGUAGES, say
from diffeo_course.notebooks import cell_ids, cells, source

DECK = ("0-start", "1-flows", "2-realnvp", "3-glow", "4-end")


def page(language: str, name: str) -> str:
    return (material() / language / name).read_text(encoding="utf-8")


def blocks(text: str) -> list[list[str]]:
    return [found.strip().splitlines() for found in re.findall(r"```(?:bat|bash|python)\n(.*?)```", text, re.DOTALL)]


def test_every_system_has_five_lines_that_end_in_the_check() -> None:
    korean, english = (blocks(page(language, "setup.md")) for language in LANGUAGES)
    plain = [[line.removesuffix(" --lang ko") for line in lines] for lines in korean]
    assert plain == [[line.removesuffix(" --lang en") for line in lines] for lines in english]
    systems = [lines for lines in plain if len(lines) > 1]
    assert len(systems) == 4
    for lines in systems:
        assert len(lines) == 5
        assert lines[-1].lstrip("!") == "diffeo course check"
        install = next(line for line in lines if ".whl" in line)  # no wildcard: cmd and PowerShell expand none
        assert re.findall(r"\S+\.whl", install) == [
            f"wheel/{name}-{__version__}-py3-none-any.whl" for name in ("diffeo", "diffeo_course")
        ]
    for lines in systems[:3]:  # not Colab, which has it
        torch, rest = lines[2], lines[3]
        assert torch.startswith("pip install torch --index-url ")
        assert "diffeo" in rest


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_quote_what_the_check_says(language: str) -> None:
    command = f"diffeo course check --lang {language}"  # on a machine of any locale
    lab = "\n".join(cell.source for cell in cells(source("lab")) if cell.metadata.get("lang") == language)
    for text in (
        page(language, "setup.md"),
        page(language, "start.md"),
        lab,
        say("check-not-ready", language, names="torch"),
    ):
        assert set(re.findall(r"diffeo course check(?: --lang \w+)?", text)) == {command}
    assert say("check-ready", language) in page(language, "setup.md")
    assert say("check-ready", language) in page(language, "start.md")


def slides(language: str) -> dict[str, bool]:
    """Core slides by id, and whether they may be skipped."""
    found = {}
    for part in DECK:
        core = page(language, f"slides/{part}.typ").split("#backups()")[0]
        for one in re.finditer(r'#slide\(\s*"([^"]+)"(.*?)notes:', core, re.DOTALL):
            if not re.search(r"minutes: 0\b(?!\.)", one[2]):
                found[one[1]] = "skip: true" in one[2]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guide_shows_every_slide_and_names_those_that_may_be_skipped(language: str) -> None:
    guide = page(language, "guide.md")
    parts, shown = guide.split("### ")[:2]
    skipped = set(re.findall(r"`([a-z0-9-]+)`", parts.split("| 0–4 |")[1]))
    assert skipped == {name for name, may in slides(language).items() if may}
    assert {name for name, may in slides(language).items() if not may} <= set(re.findall(r"`([a-z0-9-]+)`", shown))


def test_the_guide_names_nothing_that_does_not_exist() -> None:
    known = {name for part in DECK for name in re.findall(r'#slide\(\s*"([^"]+)"', page("ko", f"slides/{part}.typ"))}
    known |= set(cell_ids("lab")) | {line.key for line in RUBRIC} | {"glow-mnist"}
    ids = [set(re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)+)`", page(language, "guide.md"))) for language in LANGUAGES]
    assert ids[0] == ids[1]
    assert not ids[0] - known


def questions(language: str) -> list[tuple[int, str]]:
    word = {"ko": r"### 문제 \d+ \((\d+)점\)\n", "en": r"### Question \d+ \((\d+) points\)\n"}[language]
    _, *found = re.split(word, page(language, "exam.md"))
    return [(int(points), text) for points, text in zip(found[::2], found[1::2], strict=True)]


def test_the_exam_has_answers_and_a_hundred_points_in_both_languages() -> None:
    korean, english = questions("ko"), questions("en")
    assert [points for points, _ in korean] == [points for points, _ in english]
    assert len(korean) >= 12
    assert sum(points for points, _ in korean) == 100
    for words, asked in ((("정답.", "채점."), korean), (("Answer.", "Points."), english)):
        for _, text in asked:
            assert all(f"**{word}**" in text for word in words)
    for (_, one), (_, other) in zip(korean, english, strict=True):
        assert sorted(numbers(one)) == sorted(numbers(other))


def numbers(text: str) -> list[str]:
    return re.findall(r"\d[\d.,]*\d|\d", " ".join(re.findall(r"\*\*([^*\n]*)\*\*", text)))


NORMAL = 1 / math.sqrt(2 * math.pi)
ANSWERS = {
    1: [2 * NORMAL, NORMAL / 0.75],
    3: [2 * math.exp(0.5) + 1, 3 - math.exp(-0.2), 0.5 - 0.2],
    6: [5 * 392 * 64, 100 * 123900 / (5 * 392 * 64), 5 * 392 * 64 - 123900],
    7: [8 - 3000 / 784 / math.log(2), math.log2(17) - 60 / 64 / math.log(2), 8, math.log2(17)],
    9: [2],
    10: [2 * 392, 0],
    11: [-3, -math.log(2), -196 * math.log(2)],
    12: [16 * math.log(6)],
    13: [math.sqrt(784) * 0.7],
    15: [math.log(100), math.log(100) / 784 / math.log(2)],
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("question", sorted(ANSWERS))
def test_the_answers_are_right(question: int, language: str) -> None:
    text = questions(language)[question - 1][1]
    bold = " ".join(re.findall(r"\*\*([^*]+)\*\*", text)).replace("−", "-").replace(",", "")
    given = [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", bold)]
    for right in ANSWERS[question]:
        assert any(abs(right - one) <= 0.006 * max(1, abs(right)) ** 0.5 for one in given), (right, given)
