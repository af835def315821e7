"""The labs as notebooks: both languages, both versions, from one source."""

import ast
import builtins
import json
import math
import re
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from nbclient.exceptions import CellExecutionError

from diffeo_course.notebooks import LABS, build, cell_ids, cells, notebook, run, source

HANGUL = re.compile("[가-힣]")
LANGUAGES, VERSIONS = ("ko", "en"), ("student", "solution")
SMALL = """\
# %% heading [markdown] lang="ko"
# ## 하나
# %% heading [markdown] lang="en"
# ## One
# %% code
import os
print("안녕", os.environ["DIFFEO_LAB_FAST"], os.environ.get("DIFFEO_LAB_EPOCHS"))  # ko
print("hello", os.environ["DIFFEO_LAB_FAST"], os.environ.get("DIFFEO_LAB_EPOCHS"))  # en
# %% next [markdown]
# ## 2
# %% work tags=["student"]
raise NotImplementedError("work")
# %% work tags=["solution"]
import time
time.sleep(0.3)
"""


def made(name: str, language: Any, version: Any) -> list[dict[str, Any]]:
    return [
        {**cell, "source": "".join(cell["source"])}
        for cell in json.loads(notebook(source(name), language, version))["cells"]
    ]


@pytest.mark.parametrize(("name", "language", "version"), list(product(LABS, LANGUAGES, VERSIONS)))
def test_every_cell_is_whole_and_in_its_language(name: str, language: str, version: str) -> None:
    found = made(name, language, version)
    for cell in found:
        if cell["cell_type"] == "code":
            ast.parse(cell["source"])
            assert cell["source"].startswith(f"# {cell['id']}\n")
            assert not re.search(r"# (ko|en)$", cell["source"], re.MULTILINE), cell["id"]
        if language == "en":
            assert not HANGUL.search(cell["source"]), cell["id"]
        elif cell["cell_type"] == "markdown":
            assert HANGUL.search(cell["source"]), cell["id"]
    ids = [cell["id"] for cell in found]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(cell_ids(name))


@pytest.mark.parametrize(("name", "version"), list(product(LABS, VERSIONS)))
def test_both_languages_have_the_same_cells(name: str, version: str) -> None:
    korean, english = (made(name, language, version) for language in LANGUAGES)
    assert [(cell["id"], cell["cell_type"]) for cell in korean] == [(cell["id"], cell["cell_type"]) for cell in english]
    assert notebook(source(name), "ko", version) == notebook(source(name), "ko", version)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LABS)
def test_students_get_no_solution(name: str) -> None:
    solved = [cell for cell in cells(source(name)) if "solution" in cell.metadata.get("tags", [])]
    shown = "\n".join(cell["source"] for language in LANGUAGES for cell in made(name, language, "student"))
    assert solved
    for cell in solved:
        assert cell.source not in shown
    with_solutions = "\n".join(cell["source"] for cell in made(name, "ko", "solution"))
    assert "raise NotImplementedError" not in with_solutions


def test_the_lab_hour_is_fifty_minutes_without_a_gap() -> None:
    for language in LANGUAGES:
        headings = [cell["source"] for cell in made("lab", language, "student") if cell["source"].startswith("## ")]
        spans = [re.match(r"## (\d+)(?:–(\d+))?", heading) for heading in headings]
        marks = [(int(span[1]), int(span[2] or span[1])) for span in spans if span is not None]
        assert len(marks) == len(headings)
        assert marks[0][0] == 0
        assert marks[-1][1] == 50
        assert all(before[1] == after[0] for before, after in pairwise(marks))


def test_build_writes_every_lab_where_the_path_is_korean(tmp_path: Path) -> None:
    folder = tmp_path / "바탕 화면" / "10주차 과제"
    student, solution = build(folder, "ko"), build(folder, "ko", version="solution")
    assert [path.name for path in student] == [f"{name}.ipynb" for name in LABS]
    assert [path.name for path in solution] == [f"{name}-solution.ipynb" for name in LABS]
    assert "준비" in student[0].read_text(encoding="utf-8")


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no language of a lab is called 'fr'"):
        notebook(SMALL, "fr", "student")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no version of a lab is called 'answers'"):
        notebook(SMALL, "ko", "answers")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"needs an id .* 'x = 1'"):
        notebook("# %%\nx = 1\n", "ko", "student")


def test_a_run_times_its_sections_and_keeps_its_results(tmp_path: Path) -> None:
    path, kept = tmp_path / "small.ipynb", tmp_path / "executed.ipynb"
    path.write_text(notebook(SMALL, "ko", "solution"), encoding="utf-8")
    before = path.read_bytes()
    sections = run(path, fast=True, epochs=3, executed=kept)
    assert [section.heading for section in sections] == ["하나", "2"]
    assert sections[1].seconds >= 0.3
    assert path.read_bytes() == before
    assert "안녕 1 3" in kept.read_text(encoding="utf-8")

    path.write_text(notebook(SMALL, "en", "student"), encoding="utf-8")
    with pytest.raises(CellExecutionError, match=r'NotImplementedError\("work"\)'):
        run(path)


def _names(code: str, context: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and type(node.ctx) is context}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_student_number_with_a_leading_zero_is_a_seed(language: str) -> None:
    lines = "".join(cell["source"] for cell in made("lab", language, "student")).splitlines()
    line = next(line for line in lines if line.startswith("SEED = "))
    found: dict[str, Any] = {}
    exec(line.replace("10", "0042"), found)
    assert found["SEED"] == 42


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda log_prob, factors: log_prob - sum(math.log(factor) for factor in factors), "Right."),
        (lambda log_prob, factors: log_prob + sum(math.log(factor) for factor in factors), "They differ"),
        (lambda log_prob, factors: log_prob - math.log(factors[0]), "They differ"),
        (lambda log_prob, factors: None, "returns NoneType. Is there a return?"),
        (lambda log_prob, factors: log_prob.mean().item(), "returns float."),
        (lambda log_prob, factors: log_prob[:, None] - torch.tensor(factors).log(), "returns (50, 3)."),
    ],
)
def test_the_exercise_on_units_says_what_is_wrong(
    answer: Callable[..., Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = {cell["id"]: cell["source"] for cell in made("home_density", "en", "student")}["units-check"]
    rows = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    table = SimpleNamespace(features=3, train=SimpleNamespace(x=rows))
    exec(code, {"torch": torch, "math": math, "data": table, "in_other_units": answer})
    assert said in capsys.readouterr().out


def test_after_a_restart_the_set_up_is_enough_to_go_on_from_the_training() -> None:
    code = {cell["id"]: cell["source"] for cell in made("lab", "en", "student") if cell["cell_type"] == "code"}
    order = list(code)
    needed = "\n".join(code[cell] for cell in order[order.index("start-training") :])
    known = "\n".join((code[order[0]], code[order[1]], needed))
    imports = [node for node in ast.walk(ast.parse(known)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    imported = {alias.asname or alias.name for node in imports for alias in node.names}
    missing = _names(needed, ast.Load) - _names(known, ast.Store) - imported - set(dir(builtins))
    assert missing == set()
