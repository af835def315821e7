"""diffeo grade, as a lecturer runs it."""

import json
from pathlib import Path

from cli.command import diffeo
from course.grading.wrong_code import BASE


def test_a_program_is_graded_and_the_reports_are_written(tmp_path: Path) -> None:
    program = tmp_path / "20231234_홍길동.py"
    program.write_text(BASE.replace("x.chunk(2, dim=1)", "x.chunk(2, dim=2)"), encoding="utf-8")
    done = diffeo("grade", program, "--lang", "en", "--out", "report.html", "--json", "results.json", cwd=tmp_path)
    assert "Split the channels, dim=1" in done.stdout
    assert "Automatic: 48 of 50 points." in done.stdout
    assert "홍길동" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["score"] == 48


def test_a_report_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "report.md").write_text("mine")
    (tmp_path / "submission.py").write_text(BASE, encoding="utf-8")
    done = diffeo("grade", "submission.py", "--out", "report.md", cwd=tmp_path, status=1)
    assert "report.md is there already" in done.stderr
    assert (tmp_path / "report.md").read_text() == "mine"


def test_an_unknown_kind_of_page_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "submission.py").write_text(BASE, encoding="utf-8")
    done = diffeo("grade", "submission.py", "--out", "report.pdf", cwd=tmp_path, status=1)
    assert ".html or .md" in done.stderr


def test_a_submission_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere.zip" in diffeo("grade", "nowhere.zip", cwd=tmp_path, status=1).stderr
