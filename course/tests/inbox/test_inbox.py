"""An inbox as a mail client saves it."""

import os
from pathlib import Path

from diffeo_course.inbox.hand_ins import HandIn, hand_ins, pieces
from handed_in import CODE, files, folder, zipped


def _found(inbox: Path) -> dict[str, HandIn]:
    return {each.piece.where: each for each in hand_ins(pieces(inbox)[0])}


def _at(path: Path, seconds: int) -> Path:
    for each in [path, *path.rglob("*")]:
        os.utime(each, (seconds, seconds))
    return path


def test_zips_loose_programs_and_folders_of_mails_are_found(tmp_path: Path) -> None:
    zipped(tmp_path / "20230001_홍길동.zip", files("20230001"))
    folder(tmp_path / "김철수 20230002 과제 제출", {"submission.py": CODE.encode(), "그림/loss.png": b"1"})
    zipped(tmp_path / "받은 편지함" / "메일 3" / "과제.zip", files("20230003", "이영희"))
    (tmp_path / "20230004_박민수.ipynb").write_text('{"cells": []}')
    found = _found(tmp_path)
    assert {where: each.submission.id for where, each in found.items()} == {
        "20230001_홍길동.zip": "20230001",
        "김철수 20230002 과제 제출": "20230002",
        "받은 편지함/메일 3/과제.zip": "20230003",
        "20230004_박민수.ipynb": "20230004",
    }
    assert found["김철수 20230002 과제 제출"].submission.name == "김철수"


def test_a_mails_folder_gives_number_and_name_where_its_zip_does_not(tmp_path: Path) -> None:
    zipped(tmp_path / "20230005 최수진" / "과제.zip", {"submission.py": CODE.encode()})
    (each,) = _found(tmp_path).values()
    assert (each.submission.id, each.submission.name) == ("20230005", "최수진")


def test_the_newest_version_counts_and_the_others_are_named(tmp_path: Path) -> None:
    _at(zipped(tmp_path / "a" / "20230001.zip", files("20230001"), day=3), 1_700_000_000)
    _at(zipped(tmp_path / "b" / "20230001.zip", files("20230001", code="x = 1"), day=2), 1_800_000_000)
    (each,) = _found(tmp_path).values()
    assert each.piece.where == "a/20230001.zip", "the zip's own time counts, not when its attachment was saved"
    assert [piece.where for piece in each.older] == ["b/20230001.zip"]
    assert "b/20230001.zip" in each.problems[0].text("ko")


def test_one_number_with_two_names_is_two_hand_ins_and_said(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", files("20230001", "홍길동"))
    zipped(tmp_path / "b.zip", files("20230001", "김철수"))
    found = _found(tmp_path)
    assert len(found) == 2
    assert all([problem.key for problem in each.problems] == ["handin-id-twice"] for each in found.values())


def test_a_file_named_for_one_student_with_anothers_id_inside_replaces_nobodys_work(tmp_path: Path) -> None:
    code = f'ID = "20230001"\nNAME = "홍길동"\n{CODE}'.encode()
    _at(folder(tmp_path, {"20230001_홍길동.py": code}) / "20230001_홍길동.py", 1000)
    _at(folder(tmp_path, {"20230002_새.py": code}) / "20230002_새.py", 2000)
    found = _found(tmp_path)
    assert set(found) == {"20230001_홍길동.py", "20230002_새.py"}
    assert all(not each.older for each in found.values())
    assert all([problem.key for problem in each.problems] == ["handin-id-twice"] for each in found.values())


def test_an_empty_program_is_said_to_hold_no_code(tmp_path: Path) -> None:
    (tmp_path / "20230001.py").write_text("")
    assert [each.key for each in _found(tmp_path)["20230001.py"].submission.problems] == ["handin-no-code"]


def test_those_without_a_number_stay_apart(tmp_path: Path) -> None:
    for name in ("submission.py", "submission (1).py"):
        (tmp_path / name).write_text(CODE)
    assert [each.submission.id for each in _found(tmp_path).values()] == ["", ""]


def test_loose_files_go_to_the_program_with_their_number(tmp_path: Path) -> None:
    folder(tmp_path, {f"20230001_{name}": data for name, data in files("20230001").items()})
    folder(tmp_path, {"20230002_submission.py": CODE.encode(), "photo.jpg": b"1", "mail.eml": b"2"})
    came, unread = pieces(tmp_path)
    first, second = hand_ins(came)
    assert first.submission.claims["id"] == "20230001"
    assert first.submission.weights is not None
    assert second.submission.weights is None
    assert unread == ["mail.eml", "photo.jpg"]


def test_a_folder_with_several_students_is_not_one_hand_in(tmp_path: Path) -> None:
    for student in ("20230001", "20230002"):
        folder(tmp_path / "10주차" / student, files(student))
    assert set(_found(tmp_path)) == {"10주차/20230001", "10주차/20230002"}


def test_content_decides_the_digest_and_the_results_are_left_out(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    folder(inbox / "20230001", files("20230001"))
    folder(inbox / "results" / "feedback", {"a.py": b""})
    (before,), _ = pieces(inbox, skip=inbox / "results")
    _at(inbox, 1_600_000_000)
    (same,), _ = pieces(inbox, skip=inbox / "results")
    (inbox / "20230001" / "report.md").write_text("changed")
    (after,), _ = pieces(inbox, skip=inbox / "results")
    assert before.digest == same.digest != after.digest
