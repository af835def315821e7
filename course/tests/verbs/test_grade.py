"""diffeo grade, as a lecturer runs it."""

import csv
import json
from pathlib import Path

import pytest
from command import diffeo

from grading.wrong_code import BASE

pytestmark = pytest.mark.whole

WRONG = BASE.replace("x.chunk(2, dim=1)", "x.chunk(2, dim=2)")


def test_a_program_is_graded_and_the_reports_are_written(tmp_path: Path) -> None:
    program = tmp_path / "20231234_홍길동.py"
    program.write_text(WRONG, encoding="utf-8")
    done = diffeo("grade", program, "--lang", "en", "--out", "report.html", "--json", "results.json", cwd=tmp_path)
    assert "Split the channels, dim=1" in done.stdout
    assert "Automatic: 48 of 50 points." in done.stdout
    assert "홍길동" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["score"] == 48


def test_a_report_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine")
    (tmp_path / "submission.py").write_text(BASE, encoding="utf-8")
    done = diffeo("grade", "submission.py", "--out", "report.md", cwd=tmp_path, status=1)
    assert "report.md exists. Choose another name, or write over it with --force" in done.stderr
    assert (tmp_path / "report.md").read_text() == "mine"


def test_an_unknown_kind_of_page_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "submission.py").write_text(BASE, encoding="utf-8")
    done = diffeo("grade", "submission.py", "--out", "report.pdf", cwd=tmp_path, status=1)
    assert ".html or .md" in done.stderr


def test_a_submission_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere.zip" in diffeo("grade", "nowhere.zip", cwd=tmp_path, status=1).stderr


def test_a_notebook_is_graded_by_its_code_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# 과제\n", "def loss(z):"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip list\n"]},
        {"cell_type": "code", "source": WRONG.splitlines(keepends=True)},
        {"cell_type": "code", "source": "raise SystemExit('training')"},
    ]
    notebook = tmp_path / "20231234_홍길동.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4}, ensure_ascii=False), encoding="utf-8")
    done = diffeo("grade", notebook, "--lang", "en", cwd=tmp_path)
    assert "Split the channels, dim=1" in done.stdout
    assert "Automatic: 48 of 50 points." in done.stdout


def test_an_inbox_is_graded_into_a_table_and_a_page_for_each_student(tmp_path: Path) -> None:
    inbox = tmp_path / "10주차 과제"
    inbox.mkdir()
    (inbox / "20230001_홍길동.py").write_text(BASE, encoding="utf-8")
    (inbox / "20230002_김철수.py").write_text(WRONG, encoding="utf-8")
    (tmp_path / "명단.csv").write_text(
        "학번,이름\n20230001,홍길동\n20230002,김철수\n20230003,이영희\n", encoding="utf-8"
    )
    done = diffeo("grade", inbox, "--folder", "--roster", "명단.csv", cwd=tmp_path)
    assert "2 / 2" in done.stderr
    results = tmp_path / "10주차 과제-graded"
    assert str(results / "table.csv") in done.stdout
    _, *rows = csv.reader((results / "table.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [row[:3] for row in rows] == [
        ["20230001", "홍길동", "50"],
        ["20230002", "김철수", "48"],
        ["20230003", "이영희", ""],
    ]
    pages = {path.name: path.read_text(encoding="utf-8") for path in (results / "feedback").iterdir()}
    assert set(pages) == {"20230001_홍길동.md", "20230002_김철수.md"}
    assert "dim=1" not in pages["20230001_홍길동.md"]
    assert "dim=1" in pages["20230002_김철수.md"]


def test_what_belongs_to_one_submission_or_to_a_folder_is_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    one = diffeo("grade", "inbox", "--folder", "--json", "results.json", cwd=tmp_path, status=1)
    assert "--json is of one submission" in one.stderr
    assert not (tmp_path / "inbox-graded").exists()
