"""Packing a hand-in."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
from command import DIFFEO, environment

from diffeo_course import grading, packing
from diffeo_course.grading import RUBRIC, Line, Report
from diffeo_course.handin.reading import Submission, read
from diffeo_course.material import material
from diffeo_course.packing import pack
from handed_in import files, folder

pytestmark = pytest.mark.whole


@pytest.fixture(autouse=True)
def _points(monkeypatch: pytest.MonkeyPatch) -> None:
    def grade(submission: Submission, language: str) -> Report:
        return Report(language, [Line(RUBRIC[0].key, 3, 5, "")], submission.id, submission.name)

    monkeypatch.setattr(grading, "grade", grade)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return folder(tmp_path / "바탕 화면" / "10주차 과제", files() | {"data/train.gz": b"1", "다른 파일.txt": b"2"})


def _keys(problems: list[packing.Problem]) -> list[str]:
    return [problem.key for problem in problems]


def test_one_zip_holds_what_was_asked_for_and_reads_back(work: Path) -> None:
    packed = pack(work, "20231234", "홍길동")
    assert packed.path == work / "20231234_홍길동.zip"
    assert packed.problems == []
    assert zipfile.ZipFile(packed.path).namelist() == sorted(files())
    submission = read(packed.path)
    assert (submission.id, submission.name, submission.problems) == ("20231234", "홍길동", [])


@pytest.mark.parametrize(
    ("language", "subject"),
    [("ko", "제목: [10주차 과제] 20231234 홍길동"), ("en", "Subject: [Week 10 assignment] 20231234 홍길동")],
)
def test_the_mail_names_the_student_the_zip_and_the_score(work: Path, language: str, subject: str) -> None:
    mail = pack(work, "20231234", "홍길동", language).mail
    assert subject in mail
    assert "20231234_홍길동.zip" in mail
    assert Report(language, [Line(RUBRIC[0].key, 3, 5, "")]).summary() in mail
    assert packing.say("pack-mail-to", language) in mail


def test_the_lecturers_address_is_taken_from_the_kit(work: Path) -> None:
    (work / "hand-in.json").write_text('{"to": "flows@example.ac.kr"}', encoding="utf-8-sig")
    assert "받는 사람: flows@example.ac.kr" in pack(work, "20231234", "홍길동").mail


def test_what_is_missing_is_said_and_the_rest_is_packed(work: Path) -> None:
    for name in ("weights.safetensors", "samples.png", "writeup.md"):
        (work / name).unlink()
    (work / "writeup.pdf").write_bytes(b"%PDF")
    packed = pack(work, "20231234", "홍길동")
    assert _keys(packed.problems) == ["pack-missing", "pack-missing"]
    assert "weights.safetensors, samples.png" in packed.mail
    assert "writeup.pdf" in packed.files


def test_an_empty_template_is_not_taken_for_a_text(work: Path) -> None:
    for language in ("ko", "en"):
        text = (material() / language / "assignment" / "report.md").read_bytes()
        (work / "report.md").write_bytes(text.replace(b"\n", b"\r\n"))
        packed = pack(work, "20231234", "홍길동", language, out=work / f"{language}.zip")
        assert _keys(packed.problems) == ["pack-template"]


def test_a_template_beside_a_document_is_not_missed(work: Path) -> None:
    (work / "writeup.md").write_bytes((material() / "ko" / "assignment" / "writeup.md").read_bytes())
    (work / "writeup.pdf").write_bytes(b"%PDF-1.7")
    assert "pack-template" not in _keys(pack(work, "20231234", "홍길동").problems)


def test_a_folder_that_is_not_there_is_not_taken_for_the_place_of_the_zip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"submission\.py") as refused:
        pack(tmp_path / "nowhere", "20231234", "홍길동")
    assert "--out" not in str(refused.value)


def test_another_ones_results_are_refused_and_nothing_is_written(work: Path) -> None:
    with pytest.raises(ValueError, match="20239999"):
        pack(work, "20239999", "김철수")
    assert not list(work.glob("*.zip"))


def test_a_seed_that_is_not_the_students_is_said(work: Path) -> None:
    claims = json.loads((work / "report.json").read_text(encoding="utf-8"))
    (work / "report.json").write_text(json.dumps(claims | {"seed": 0}))
    packed = pack(work, "20231234", "홍길동")
    assert packed.problems[0].values == {"given": 0, "expected": 31234}


def test_an_existing_zip_is_not_written_over(work: Path) -> None:
    (work / "20231234_홍길동.zip").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"--out .*20231234_홍길동-2\.zip"):
        pack(work, "20231234", "홍길동")
    assert (work / "20231234_홍길동.zip").read_bytes() == b"mine"


def test_too_large_a_hand_in_names_its_largest_file(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "LARGEST", 1_000_000)
    (work / "weights.safetensors").write_bytes(os.urandom(1_200_000))
    with pytest.raises(ValueError, match=r"weights\.safetensors"):
        pack(work, "20231234", "홍길동")
    assert not list(work.glob("*.zip"))


@pytest.mark.parametrize(("student", "name"), [("홍길동", "홍길동"), ("12", "홍길동"), ("20231234", " ")])
def test_a_wrong_number_or_name_is_refused(work: Path, student: str, name: str) -> None:
    with pytest.raises(ValueError, match="--"):
        pack(work, student, name)


def test_a_place_that_is_not_there_is_refused_before_grading(work: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--out"):
        pack(work, "20231234", "홍길동", out=work / "none" / "a.zip")
    with pytest.raises(ValueError, match="diffeo course pack"):
        pack(work / "none", "20231234", "홍길동", out=work / "a.zip")


def test_a_folder_without_a_program_says_how_to_give_another(work: Path) -> None:
    (work / "submission.py").unlink()
    with pytest.raises(ValueError, match="diffeo course pack"):
        pack(work, "20231234", "홍길동")


def test_the_command_works_on_a_korean_desktop_with_a_korean_console(work: Path) -> None:
    done = subprocess.run(
        [*DIFFEO, "course", "pack", "--id", "20231234", "--name", "홍길동"],
        cwd=work,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING="cp949", LC_ALL="", LANG="C.UTF-8", LC_MESSAGES="ko_KR"),
        capture_output=True,
        check=False,
    )
    text = done.stdout.decode("cp949")
    assert done.returncode == 0, done.stderr.decode("cp949", "replace")
    assert "제목: [10주차 과제] 20231234 홍길동" in text
    assert (work / "20231234_홍길동.zip").exists()
    assert "Traceback" not in text
