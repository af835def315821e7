"""A whole hand-in: report, pages, results.json, and what another submission's weights lead to."""

from dataclasses import replace
from pathlib import Path

import pytest

from diffeo_course.grading import RUBRIC, Report, grade
from diffeo_course.grading.weights import fingerprint
from diffeo_course.handin.reading import read
from grading.graded import honest
from grading.wrong_claims import ID

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return honest().packed(tmp_path_factory.mktemp("바탕 화면") / f"{ID}_홍길동.zip")


@pytest.fixture(scope="module")
def report(packed: Path) -> Report:
    submission = read(packed)
    assert submission.weights is not None
    return grade(submission, "ko", others={fingerprint(submission.weights): "20230001"})


def test_the_write_up_is_left_to_a_person(report: Report) -> None:
    by_hand = [line for line in report.lines if line.points is None]
    assert [line.key for line in by_hand] == [line.key for line in RUBRIC if line.part == "writeup"]
    assert (report.possible, report.by_hand) == (80, 20)


def test_weights_of_another_submission_are_named(report: Report) -> None:
    (line,) = (line for line in report.lines if line.key == "own-weights")
    assert (line.points, line.reasons) == (0, ("weights-of-another",))
    assert "20230001" in line.message
    assert report.total == 76


def test_every_page_has_every_line(report: Report) -> None:
    for page in (report.to_text(), report.to_markdown(), report.to_html()):
        assert all(report.title(line) in page for line in report.lines)
        assert "홍길동" in page
        assert "76" in page


def test_results_add_up_as_gradescope_reads_them(report: Report) -> None:
    results = report.to_results()
    assert set(results) == {"score", "output", "output_format", "tests"}
    assert results["score"] == sum(test["score"] for test in results["tests"]) == 76
    assert all(0 <= test["score"] <= test["max_score"] for test in results["tests"])
    assert all({"name", "score", "max_score", "output"} <= set(test) for test in results["tests"])


def test_what_students_write_does_not_become_html(report: Report) -> None:
    sly = Report("en", report.lines, ID, "<script>alert(1)</script>")
    assert "<script>" not in sly.to_html()


@pytest.mark.parametrize("line", ["from einops_of_mine import rearrange", "from .layers import squeeze"])
def test_a_module_that_is_not_there_is_named_with_what_to_do(line: str, tmp_path: Path) -> None:
    path = tmp_path / "20231234.py"
    path.write_text(f"{line}\ndef split(x):\n    return x.chunk(2, dim=1)\n", encoding="utf-8")
    (note,) = grade(read(path), "en").notes
    assert "Line 1 imports" in note
    assert "move its content into this one" in note


@pytest.mark.parametrize(("values", "shown"), [(12, "12"), ([17], "[17]"), ("17", '"17"')])
def test_a_number_of_values_that_no_data_has_is_named_for_a_person_to_judge(
    values: object, shown: str, tmp_path: Path
) -> None:
    hand_in = replace(honest(), claims={**honest().claims, "values": values})
    graded = grade(read(hand_in.packed(tmp_path / f"{ID}.zip")), "en")
    lines = {line.key: line for line in graded.lines}
    assert [lines[key].points for key in ("model", "claimed-bits", "density", "curves")] == [None] * 4
    assert f'"values" in report.json is {shown}.' in lines["model"].message


def test_another_ablation_than_that_of_the_id_is_noted_and_costs_nothing(tmp_path: Path) -> None:
    for name, notes in (("layers", 0), ("masks", 1)):
        hand_in = replace(honest(), claims={**honest().claims, "ablation": {"name": name, "bits_per_dim": 2.5}})
        graded = grade(read(hand_in.packed(tmp_path / f"{ID}.zip")), "en")
        assert (graded.total, len(graded.notes)) == (80, notes)
    assert "`masks`; that of the id is `layers`" in graded.notes[0]
