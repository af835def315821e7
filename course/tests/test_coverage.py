"""coverage.md: every line of the plan went somewhere that exists."""

import re
from functools import cache

from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.material import material
from diffeo_course.messages import LANGUAGES
from diffeo_course.notebooks import LABS, cell_ids

PAGE = (material() / "coverage.md").read_text(encoding="utf-8")
LINES = 142  # of the plan, which coverage.md numbers
ROWS = [[cell.strip() for cell in row.strip("| ").split(" | ")] for row in PAGE.splitlines() if re.match(r"\| \d", row)]
TARGET = re.compile(r"`([a-z_]+):([^`]+)`")


def covered(first: str) -> list[int]:
    ends = [int(end) for end in first.split("–")]
    return list(range(ends[0], ends[-1] + 1))


@cache
def slides(language: str) -> frozenset[str]:
    decks = (material() / language / "slides").glob("*.typ")
    return frozenset(re.findall(r'#slide\(\s*"([^"]+)"', "\n".join(deck.read_text(encoding="utf-8") for deck in decks)))


def exists(kind: str, name: str) -> bool:
    if kind == "slide":
        return all(name in slides(language) for language in LANGUAGES)
    if kind == "rubric":
        return name in {line.key for line in RUBRIC}
    if kind == "file":
        return (material() / name).is_file()
    return kind in LABS and name in cell_ids(kind)


def test_every_line_of_the_plan_is_there_once_and_in_order() -> None:
    assert f"Its {LINES} lines" in PAGE
    assert [number for row in ROWS for number in covered(row[0])] == list(range(1, LINES + 1))


def faults(row: list[str]) -> list[str]:
    """What is wrong with a line of the table."""
    if len(row) != 3 or not row[1]:
        return ["not three cells"]
    targets = TARGET.findall(row[2])
    missing = [f"{kind}:{name}" for kind, name in targets if not exists(kind, name)]
    rest = TARGET.sub("", row[2]).strip()
    return missing + ["it went nowhere"] * (not targets) + [rest] * (rest not in ("", "corrected, see"))


def test_what_every_line_became_exists() -> None:
    found = {row[0]: faults(row) for row in ROWS}
    assert not {line: wrong for line, wrong in found.items() if wrong}


def test_a_target_that_does_not_exist_is_noticed() -> None:
    for kind, name in [
        ("slide", "no-such"),
        ("lab", "no-such"),
        ("rubric", "no-such"),
        ("file", "no"),
        ("what", "ever"),
    ]:
        assert not exists(kind, name)
    assert faults(["1", "a sentence", "`slide:no-such` later"]) == ["slide:no-such", "later"]
    assert faults(["1", "a sentence", ""]) == ["it went nowhere"]


def test_what_the_plan_says_wrongly_is_corrected() -> None:
    corrected = {row[0] for row in ROWS if row[2].startswith("corrected")}
    for line in ("12", "15", "18", "26", "28", "32", "33", "34", "37", "39", "40", "115", "122"):
        assert line in corrected
