"""Submissions in whatever form they come."""

import gc
import json
import unicodedata
from pathlib import Path

import pytest

from diffeo_course.handin.reading import number_in, read, student_id, student_name
from handed_in import CODE, files, folder, zipped


@pytest.mark.parametrize("form", ["folder", "zip", "zip of a folder"])
def test_all_parts_of_a_submission_are_found(tmp_path: Path, form: str) -> None:
    desktop = tmp_path / "바탕 화면" / "10주차 과제"
    if form == "folder":
        path = folder(desktop, files())
    else:
        inside = "과제 1/" if form == "zip of a folder" else ""
        path = zipped(desktop / "a.zip", {inside + name: data for name, data in files().items()})
    submission = read(path)
    assert (submission.id, submission.name) == ("20231234", "홍길동")
    assert submission.code == CODE
    assert submission.weights is not None
    assert submission.weights.read_bytes() == b"weights of 20231234"
    assert [record["epoch"] for record in submission.metrics] == [1, 2]
    assert submission.claims["bits_per_dim"] == 2.1
    assert submission.report.startswith("# 분석")
    assert submission.writeup.startswith("# 이론")
    assert submission.problems == []


def test_a_program_alone_has_its_number_from_its_name_or_itself(tmp_path: Path) -> None:
    named = tmp_path / unicodedata.normalize("NFD", "10주차_과제_20231234_홍길동.py")
    named.write_bytes(CODE.encode("cp949"))
    assert (read(named).id, read(named).name) == ("20231234", "홍길동")
    own = tmp_path / "submission.py"
    own.write_text(f'ID = "2023-1234"  # 학번\nNAME = "김 철수"\n{CODE}', encoding="utf-8-sig")
    assert (read(own).id, read(own).name) == ("20231234", "김 철수")
    own.write_text(CODE, encoding="utf-8")
    assert [problem.key for problem in read(own).problems] == ["handin-no-id"]


def test_nothing_is_executed(tmp_path: Path) -> None:
    path = tmp_path / "20231234.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nID = print('ran') or '1'\n")
    read(path)
    assert not (tmp_path / "ran").exists()


def test_the_program_with_the_assignments_functions_is_taken(tmp_path: Path) -> None:
    more = {"aaa.py": b"import submission", "old/submission.py": b"def loss(z): pass", "plots.ipynb": b'{"cells": []}'}
    submission = read(folder(tmp_path / "20231234", files() | more))
    assert submission.code_name == "submission.py"
    assert [problem.key for problem in submission.problems] == ["handin-several"]
    assert submission.problems[0].values["others"] == "old/submission.py"


def test_a_module_beside_the_program_is_named(tmp_path: Path) -> None:
    more = {"layers.py": b"x = 1", "submission.py": b"from layers import x\n" + CODE.encode()}
    submission = read(folder(tmp_path / "a", files() | more))
    assert "`layers.py`" in submission.problems[0].text("en")


def test_broken_parts_are_problems_and_the_rest_is_read(tmp_path: Path) -> None:
    broken = {"report.json": b'{"id": ', "metrics.jsonl": b'{"epoch": 1}\nnot json\n', "report.md": b"\xff\x00\x81\x20"}
    submission = read(zipped(tmp_path / "20231234.zip", files() | broken))
    keys = [problem.key for problem in submission.problems]
    assert sorted(keys) == ["handin-broken-line", "handin-unreadable", "handin-unreadable"]
    assert submission.claims == {}
    assert submission.metrics == [{"epoch": 1}]
    assert submission.code == CODE
    for problem in submission.problems:
        assert problem.text("ko") != problem.text("en")


def test_deep_json_and_odd_types_do_not_stop_the_reading(tmp_path: Path) -> None:
    odd = {"report.json": b"[" * 100_000, "metrics.jsonl": b"[1]\n", "submission.ipynb": b"[" * 100_000}
    assert read(folder(tmp_path / "a", files() | odd)).code == CODE
    claims = json.dumps({"id": ["1"], "name": {"a": 1}}).encode()
    submission = read(folder(tmp_path / "b", files() | {"report.json": claims}))
    assert (submission.id, submission.name) == ("", "")


def test_another_ones_number_is_noticed(tmp_path: Path) -> None:
    submission = read(zipped(tmp_path / "20239999_김철수.zip", files("20231234")))
    assert submission.id == "20231234"
    assert submission.problems[0].key == "handin-ids-differ"
    assert submission.problems[0].values == {"ids": "20231234, 20239999", "taken": "20231234"}


def test_unpacked_files_go_with_the_submission(tmp_path: Path) -> None:
    submission = read(zipped(tmp_path / "a.zip", files()))
    weights = submission.weights
    assert weights is not None
    assert weights.exists()
    del submission
    gc.collect()
    assert not weights.exists()


def test_a_path_that_is_not_there_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Give a \.py, \.ipynb or \.zip file"):
        read(tmp_path / "none.zip")


def test_numbers_and_names_are_set_right() -> None:
    assert student_id(" ２０２３-1234 ") == "20231234"
    assert student_id(20231234) == "20231234"
    assert student_id(True) == student_id("홍길동") == student_id(None) == ""
    assert student_name(" 홍\n길동\0 ") == "홍 길동"
    assert student_name(unicodedata.normalize("NFD", "홍길동")) == "홍길동"
    assert number_in("과제(20231234).zip") == "20231234"
    assert number_in("010-1234-5678 2026년") == ""
