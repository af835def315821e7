"""The assignment's texts and programs agree with one another and with the checker."""

import ast
import re
from pathlib import Path

import pytest

from diffeo_course.grading import RUBRIC
from diffeo_course.handin.choice import ABLATIONS, ablation_of, seed_of
from diffeo_course.handin.reading import FIGURES, FUNCTIONS
from diffeo_course.material import material

COURSE = material()
LANGUAGES = ("ko", "en")


def _tree(name: str) -> ast.Module:
    return ast.parse((COURSE / "assignment" / name).read_text(encoding="utf-8"))


def _functions(name: str) -> dict[str, tuple[str, str | None]]:
    """Signature and docstring of every function, those of classes too."""
    return {
        node.name: (ast.unparse(node.args), ast.get_docstring(node))
        for node in ast.walk(_tree(name))
        if isinstance(node, ast.FunctionDef) and not (node.name.startswith("_") and node.name != "__init__")
    }


def _text(language: str, name: str) -> str:
    return (COURSE / language / "assignment" / name).read_text(encoding="utf-8")


def test_template_and_solution_have_the_same_functions_and_docstrings() -> None:
    assert _functions("submission.py") == _functions("solution.py")
    outer = {node.name for node in _tree("submission.py").body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(FUNCTIONS) <= outer


def test_the_solution_has_no_gap_and_the_template_no_answer() -> None:
    source = (COURSE / "assignment" / "submission.py").read_text(encoding="utf-8")
    assert source.count("raise NotImplementedError") == len(FUNCTIONS) + 1  # RealNVP has two
    assert "NotImplementedError" not in (COURSE / "assignment" / "solution.py").read_text(encoding="utf-8")


def test_every_docstring_is_in_korean_and_english() -> None:
    for name, (_, docstring) in _functions("submission.py").items():
        if docstring and name != "forward":
            assert re.search("[가-힣]", docstring), name
            assert re.search("[a-zA-Z]{4}", docstring), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rubric_has_every_line_of_the_checker_with_its_points(language: str) -> None:
    text = _text(language, "rubric.md")
    for line in RUBRIC:
        anchor = f'<a id="rubric-{line.key}"></a>'
        assert text.count(anchor) == 1, line.key
        rest = text.split(anchor)[1].split("\n")[0]
        assert re.search(rf"\b{line.possible}(점|\b)", rest), f"{line.key}: {line.possible} points"
    assert set(re.findall(r'<a id="rubric-([\w-]+)">', text)) == {line.key for line in RUBRIC}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_line_scored_by_a_person_has_four_levels_from_all_to_none(language: str) -> None:
    text = _text(language, "rubric.md")
    samples = _text(language, "sample-answers.md")
    for line in (line for line in RUBRIC if line.part == "writeup"):
        part = text.split(f'<a id="rubric-{line.key}"></a>')[1].split("###")[0]
        points = [int(found) for found in re.findall(r"^\| [^|]+ \| (\d+) \|", part, re.MULTILINE)]
        assert len(points) == 4
        assert points[0] == line.possible
        assert points[-1] == 0
        assert points == sorted(points, reverse=True)
        shown = samples.split(f"`rubric-{line.key}`")[1].split("\n## ")[0]
        assert [int(found) for found in re.findall(r"^### .*?(\d+)(?:점| points?)\b", shown, re.MULTILINE)] == points


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_assignment_names_all_functions_files_and_choices(language: str) -> None:
    text = _text(language, "assignment.md")
    run = (COURSE / "assignment" / "run.py").read_text(encoding="utf-8")
    for name in FUNCTIONS:
        assert name in text
    for figure in FIGURES:
        assert f"`{figure}.png`" in text
        assert f"{figure}.png" in run
        assert f"({figure}.png)" in _text(language, "report.md")
    for number, ablation in enumerate(ABLATIONS):
        assert f"| {number} | `{ablation}` |" in text
        assert f'"{ablation}"' in run
    assert f"20231234 → {seed_of('20231234')}" in text
    assert "`forward(x) -> (z, log_det)`" in text.split("## ")[1]


@pytest.mark.parametrize("name", ["assignment.md", "rubric.md", "report.md", "writeup.md", "sample-answers.md"])
def test_korean_and_english_texts_have_the_same_headings_and_rows(name: str) -> None:
    shapes = []
    for language in LANGUAGES:
        lines = _text(language, name).splitlines()
        shapes.append([re.match(r"#+|\||```", line)[0] for line in lines if re.match(r"#+ |\||```", line)])  # type: ignore[index]
    assert shapes[0] == shapes[1]


def test_numbers_of_students_decide_seed_and_ablation() -> None:
    assert seed_of("A2023-00007") == 7
    assert [ablation_of(str(20230000 + number)) for number in range(3)] == ["masks", "layers", "dequantization"]
    with pytest.raises(ValueError, match="20231234"):
        seed_of("홍길동")


def test_no_link_of_the_texts_leads_nowhere() -> None:
    for path in Path(COURSE).glob("*/assignment/*.md"):
        for target in re.findall(r"\]\(([\w./-]+\.md)[)#]", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
