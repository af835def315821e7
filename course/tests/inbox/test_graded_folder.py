"""Grading a whole inbox."""

import csv
from pathlib import Path
from typing import Any

import pytest

from diffeo_course import grading
from diffeo_course.grading import RUBRIC, Line, Report
from diffeo_course.handin.reading import Submission
from diffeo_course.inbox.folder import Graded, grade_folder
from diffeo_course.sandbox.limits import Limits
from handed_in import files, folder, zipped


class Checker:
    """Stands in for the checker: five points each, and it remembers whom it graded."""

    def __init__(self) -> None:
        self.graded: list[str] = []
        self.stops_at = ""
        self.breaks_at = ""
        self.others: dict[str, dict[str, str]] = {}
        self.closed: dict[str, tuple[str, ...]] = {}

    def __call__(
        self, submission: Submission, language: str, *, others: dict[str, str], limits: Limits, key: str
    ) -> Report:
        if submission.id == self.stops_at:
            raise KeyboardInterrupt
        if submission.id == self.breaks_at:
            raise RuntimeError("the checker's own mistake")
        self.graded.append(submission.id)
        self.others[submission.id] = others
        self.closed[submission.id] = limits.closed
        lines = [Line(line.key, None if line.part == "writeup" else 1, line.possible, "맞음") for line in RUBRIC]
        return Report(language, lines, submission.id, submission.name)


@pytest.fixture
def checker(monkeypatch: pytest.MonkeyPatch) -> Checker:
    made = Checker()
    monkeypatch.setattr(grading, "grade", made)
    return made


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    place = tmp_path / "바탕 화면" / "10주차 과제"
    zipped(place / "20230001_홍길동.zip", files("20230001", "홍길동"))
    folder(place / "메일 2", files("20230002", "김철수"))
    zipped(place / "메일 3" / "과제.zip", files("20230003", "이영희"))
    return place


def _grade(inbox: Path, **options: Any) -> Graded:
    return grade_folder(inbox, inbox.parent / "결과", "ko", workers=1, **options)


def _table(inbox: Path, name: str = "table.csv") -> list[list[str]]:
    data = (inbox.parent / "결과" / name).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "Excel needs it"
    return list(csv.reader(data.decode("utf-8-sig").splitlines()))


def _summary(inbox: Path) -> str:
    return (inbox.parent / "결과" / "summary.md").read_text(encoding="utf-8")


def test_the_table_has_a_line_for_everybody_and_a_column_for_every_line_of_the_rubric(
    inbox: Path, checker: Checker
) -> None:
    graded = _grade(inbox)
    head, *rows = _table(inbox)
    assert head[:3] == ["학번", "이름", "자동 채점 합계"]
    assert len(head) == 6 + len(RUBRIC)
    automatic = sum(line.part != "writeup" for line in RUBRIC)
    assert [row[:3] for row in rows] == [
        ["20230001", "홍길동", f"{automatic}"],
        ["20230002", "김철수", f"{automatic}"],
        ["20230003", "이영희", f"{automatic}"],
    ]
    assert rows[0].count("") >= sum(line.part == "writeup" for line in RUBRIC), "left for a person"
    feedback = inbox.parent / "결과" / "feedback" / "20230002_김철수.md"
    assert "20230002 김철수" in feedback.read_text(encoding="utf-8")
    assert all(path.exists() for path in graded.wrote)


def test_what_was_graded_is_not_graded_again_after_a_stop(inbox: Path, checker: Checker) -> None:
    checker.stops_at = "20230003"
    with pytest.raises(KeyboardInterrupt):
        _grade(inbox)
    assert checker.graded == ["20230001", "20230002"]
    checker.stops_at = ""
    told: list[tuple[int, int, str]] = []
    _grade(inbox, progress=lambda done, total, who: told.append((done, total, who)))
    assert checker.graded == ["20230001", "20230002", "20230003"]
    assert told == [(3, 3, "20230003")]
    (inbox / "메일 2" / "submission.py").write_text("x = 2")
    _grade(inbox)
    assert checker.graded[3:] == ["20230002"]


def test_another_checker_grades_again(
    inbox: Path, checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    _grade(inbox)
    (tmp_path / "mnist").mkdir()  # what could not be looked at before
    _grade(inbox)
    assert sorted(checker.graded) == sorted(["20230001", "20230002", "20230003"] * 2)
    monkeypatch.setattr("diffeo_course.inbox.folder.CHECKER", ("grading",))
    _grade(inbox)
    assert len(checker.graded) == 9


def test_a_damaged_result_is_made_again(inbox: Path, checker: Checker) -> None:
    _grade(inbox)
    for place in (inbox.parent / "결과" / "results").glob("*.json"):
        place.write_text("{")
    _grade(inbox)
    assert sorted(checker.graded) == sorted(["20230001", "20230002", "20230003"] * 2)


def test_a_failure_of_the_checker_is_said_and_tried_again(inbox: Path, checker: Checker) -> None:
    checker.breaks_at = "20230002"
    _grade(inbox)
    row = next(row for row in _table(inbox) if row[0] == "20230002")
    assert row[2] == ""
    assert "the checker's own mistake" in row[-1]
    assert checker.graded == ["20230001", "20230003"]
    checker.breaks_at = ""
    _grade(inbox)
    assert checker.graded[2:] == ["20230002"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_the_roster_says_who_is_missing_and_who_is_unknown(inbox: Path, checker: Checker, encoding: str) -> None:
    roster = inbox.parent / "명단.csv"
    lines = "학번,이름\n20230001,홍길동\n20230002,김영수\n20230009,박민수\n20230013,이영희\n"
    roster.write_bytes(lines.encode(encoding))
    graded = _grade(inbox, roster=roster)
    assert graded.absent == [("20230009", "박민수"), ("20230013", "이영희")]
    remarks = {row[0]: row[-1] for row in _table(inbox)}
    assert remarks["20230001"] == ""
    assert "김영수" in remarks["20230002"]
    assert "20230013" in remarks["20230003"]
    assert remarks["20230009"] == "제출하지 않음"
    assert "20230009 박민수" in (inbox.parent / "결과" / "summary.md").read_text(encoding="utf-8")


def test_inbox_results_and_roster_are_closed_to_every_submission(inbox: Path, checker: Checker) -> None:
    roster = inbox.parent / "roster.csv"
    roster.write_text("id,name\n20230001,A\n", encoding="utf-8")
    _grade(inbox, roster=roster)
    assert checker.closed == dict.fromkeys(checker.graded, (str(inbox), str(inbox.parent / "결과"), str(roster)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"a,b\n1,2\n", "학번,이름"),
        (b"id,name\nx,Kim\n", "line 2"),
        (b"id;name\n20231;A\n20231;B\n", "twice"),
        (b"id,name\n\xff\xff\xff,A\n", "roster.csv cannot be read: text in neither"),
        (b"id,name\n20231," + b"A" * 200_000, "roster.csv cannot be read: field larger"),
    ],
)
def test_a_roster_that_cannot_be_read_is_refused_before_grading(
    inbox: Path, checker: Checker, text: bytes, said: str
) -> None:
    roster = inbox.parent / "roster.csv"
    roster.write_bytes(text)
    with pytest.raises(ValueError, match=said):
        _grade(inbox, roster=roster)
    assert checker.graded == []


def test_a_table_that_somebody_changed_is_not_written_over(inbox: Path, checker: Checker) -> None:
    _grade(inbox)
    table = inbox.parent / "결과" / "table.csv"
    table.write_text("my own points", encoding="utf-8")
    zipped(inbox / "20230004.zip", files("20230004", "박민수"))
    graded = _grade(inbox)
    assert table.read_text(encoding="utf-8") == "my own points"
    assert len(_table(inbox, "table-2.csv")) == 5
    assert table.with_stem("table-2") in graded.wrote
    again = _grade(inbox)
    assert table.with_stem("table-2") in again.wrote
    assert not table.with_stem("table-3").exists()


def test_a_name_cannot_become_a_formula_or_leave_the_folder(inbox: Path, checker: Checker) -> None:
    zipped(inbox / "e.zip", files("20230005", "=HYPERLINK('http://x')"))
    zipped(inbox / "f.zip", files("20230006", "../../../evil"))
    _grade(inbox)
    names = [row[1] for row in _table(inbox)]
    assert "'=HYPERLINK('http://x')" in names
    feedback = inbox.parent / "결과" / "feedback"
    assert len(list(feedback.iterdir())) == 5
    assert not list(inbox.parent.parent.rglob("evil.md"))


def test_the_same_weights_are_told_to_the_checker_and_whose_only_to_the_lecturer(inbox: Path, checker: Checker) -> None:
    weights = {"weights.safetensors": files("20230001")["weights.safetensors"]}
    for student in ("20230004", "20230005"):
        zipped(inbox / f"{student}.zip", files(student, "박민수") | weights)
    _grade(inbox)
    assert list(checker.others["20230004"].values()) == list(checker.others["20230001"].values()) == ["다른 학생"]
    assert checker.others["20230002"] == {}
    remarks = {row[0]: row[-1] for row in _table(inbox)}
    assert "20230001, 20230005" in remarks["20230004"]
    assert "20230004, 20230005" in remarks["20230001"]
    assert remarks["20230002"] == ""


def test_copied_code_and_files_of_nobody_are_listed(inbox: Path, checker: Checker) -> None:
    from diffeo_course.material import material

    own = (material() / "reference" / "glow.py").read_text(encoding="utf-8")
    for student, code in (("20230007", own), ("20230008", own.replace("log_scale", "s"))):
        zipped(inbox / f"{student}.zip", files(student, "학생", code))
    (inbox / "사진.jpg").write_bytes(b"1")
    graded = _grade(inbox)
    assert ("20230007 학생", "20230008 학생") in [(pair.first, pair.second) for pair in graded.alike]
    assert not [pair for pair in graded.alike if pair.first.startswith("20230001") and pair.second.endswith("학생")]
    summary = (inbox.parent / "결과" / "summary.md").read_text(encoding="utf-8")
    assert "20230007 학생 / 20230008 학생" in summary
    assert "사진.jpg" in summary


def test_whose_mail_or_archive_was_not_opened_is_in_the_table(inbox: Path, checker: Checker) -> None:
    roster = inbox.parent / "명단.csv"
    roster.write_text("학번,이름\n20230001,홍길동\n20230004,박민수\n20230005,최지우\n", encoding="utf-8")
    mail = "[10주차 과제] 20230004 박민수.eml"
    for name in (mail, "과제입니다.eml", "20230006.rar", "20230007_글.hwp", "20230001_글.hwp", "사진.jpg"):
        (inbox / name).write_bytes(b"1")
    _grade(inbox, roster=roster)
    rows = {row[-3]: (row[0], row[1], row[2], row[-1]) for row in _table(inbox)}
    assert rows[mail][:3] == ("20230004", "박민수", "")
    assert "열어서" in rows[mail][3]
    assert rows["과제입니다.eml"][:3] == ("", "", "")
    assert rows["20230006.rar"][0] == "20230006"
    assert rows["20230007_글.hwp"][0] == "20230007"
    assert not {"20230001_글.hwp", "사진.jpg"} & set(rows)
    assert f"20230004 박민수: {mail}\n- 20230005 최지우\n" in _summary(inbox)
    assert rows[""] == ("20230005", "최지우", "", "제출하지 않음")
    summary = _summary(inbox)
    closed, rest = summary.split("## 열지 않은 메일")[1].split("\n## ", 1)
    assert closed.count("\n- ") == 3
    assert "사진.jpg" in rest


def test_whose_file_was_graded_under_another_id_has_not_simply_handed_nothing_in(inbox: Path, checker: Checker) -> None:
    roster = inbox.parent / "명단.csv"
    roster.write_text("학번,이름\n20230004,박민수\n", encoding="utf-8")
    zipped(inbox / "20230004.zip", files("20230001", "홍길동"))
    _grade(inbox, roster=roster)
    row = next(row for row in _table(inbox) if row[0] == "20230004")
    assert row[-3] == "20230004.zip"
    assert "다른 학번" in row[-1]


def test_copies_of_the_published_solution_are_listed_and_a_shared_id_hides_none(inbox: Path, checker: Checker) -> None:
    from diffeo_course.material import material

    solution = (material() / "assignment" / "solution.py").read_text(encoding="utf-8")
    mine = solution.replace('ID = ""', 'ID = "20230008"').replace('NAME = ""', 'NAME = "박민수"')
    for name in ("20230008_박민수.py", "20230009_박민수.py"):
        (inbox / name).write_text(mine, encoding="utf-8")
    graded = _grade(inbox)
    copies = [pair for pair in graded.alike if "박민수" in pair.first + pair.second]
    assert len(copies) == 2, "what all copies of it have in common is said once each"
    assert all("solution.py" in pair.first + pair.second for pair in copies)


def test_an_empty_inbox_is_an_error_that_says_what_to_do(tmp_path: Path, checker: Checker) -> None:
    with pytest.raises(NotADirectoryError, match="Save the mails' attachments"):
        grade_folder(tmp_path / "none", tmp_path / "out")
    (tmp_path / "inbox").mkdir()
    with pytest.raises(ValueError, match=r"no \.py, \.ipynb or \.zip"):
        grade_folder(tmp_path / "inbox", tmp_path / "out")
    assert not (tmp_path / "out").exists()
