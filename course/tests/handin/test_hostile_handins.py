"""Hand-ins made to stop or slow the checker: each is read or refused in one sentence, and the others are graded."""

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from diffeo_course import grading
from diffeo_course.grading import Report, facts
from diffeo_course.grading.drawing import Draw
from diffeo_course.grading.probes import CloseEvidence
from diffeo_course.grading.weights import fingerprint, readable
from diffeo_course.handin import archive, source
from diffeo_course.handin.reading import Submission, number, read
from diffeo_course.inbox.folder import grade_folder
from diffeo_course.inbox.similarity import fingerprints
from handed_in import files, folder, zipped
from reliability.limited import limited

pytestmark = pytest.mark.whole

CLAIMS = ("id", "name", "bits_per_dim", "values", "epochs", "seed", "ablation")
VALUES = ("1e999", "-1e999", "NaN", "9" * 400, "-" + "9" * 4000, "9" * 5000, '"' + "x" * 10**5 + '"', '"\\ud800"')
NESTED = ("[" * 30 + "]" * 30, "[" * 900 + "]" * 900, "[" * 100_000)


def _problems(path: Path) -> list[str]:
    submission = read(path)
    for problem in submission.problems:
        assert problem.text("en").encode()
    return [problem.key for problem in submission.problems]


@pytest.mark.parametrize("value", [*VALUES, *NESTED], ids=lambda value: f"{value[:8]} {len(value)}")
def test_a_report_of_hostile_values_has_no_claim_that_is_believed(value: str, tmp_path: Path) -> None:
    text = "{" + ",".join(f'"{key}": {value}' for key in CLAIMS) + "}"
    place = zipped(tmp_path / "20231234.zip", files() | {"report.json": text.encode()})
    submission = read(place)
    assert [number(submission.claims, key) for key in CLAIMS] == [None] * len(CLAIMS)
    assert submission.id == "20231234"
    evidence = CloseEvidence(submission, None, {}, Draw("a key", ""))
    for found in (facts.model, facts.claimed_bits, facts.curves, facts.own_weights):
        assert found(evidence)
    assert len("".join(problem.text("ko") for problem in submission.problems)) < 3000


def test_records_without_end_are_cut_and_said(tmp_path: Path) -> None:
    lines = b'{"epoch": 1, "train": 3.0, "validation": 3.1}\n' * 170_000
    place = zipped(tmp_path / "20231234.zip", files() | {"metrics.jsonl": lines})
    assert "handin-broken-line" in _problems(place)
    assert len(read(place).metrics) == 10_000


@pytest.mark.parametrize(
    "notebook",
    [
        '{"cells": ' + "[" * 100_000,
        '{"cells": [{"cell_type": "code", "source": ' + "[" * 40 + "]" * 40 + "}]}",
        '{"cells": [{"cell_type": "code", "source": 1e999}]}',
        '{"cells": {"a": 1}}',
        '{"cells": [null]}',
        "9" * 5000,
    ],
    ids=lambda text: text[:50],
)
def test_a_hostile_notebook_is_unreadable_and_no_more(notebook: str, tmp_path: Path) -> None:
    place = tmp_path / "20231234.ipynb"
    place.write_text(notebook)
    assert _problems(place)[:2] == ["handin-unreadable", "handin-no-code"]


def test_halves_of_letters_in_a_notebook_become_question_marks(tmp_path: Path) -> None:
    place = tmp_path / "20231234.ipynb"
    place.write_text('{"cells": [{"cell_type": "code", "source": "x = \\"\\ud800\\""}]}')
    assert read(place).code == 'x = "?"\n'


@pytest.mark.parametrize(
    "code",
    ["x = 1\n" * 40_000, "f'" + "{a}" * 10_001 + "'", "a" + "\u0301\u0323" * 30 + " = 1"],
    ids=["long", "braces", "accents"],
)
def test_code_made_to_be_slow_is_refused_before_it_is_parsed(code: str, tmp_path: Path) -> None:
    place = tmp_path / "20231234.py"
    place.write_text(code, encoding="utf-8")
    assert _problems(place)[:2] == ["handin-unreadable", "handin-no-code"]


def test_definitions_of_thousands_of_assignments_take_no_time() -> None:
    code = "a0 = 1\n" + "".join(f"a{n + 1} = a{n}\n" for n in range(8000)) + "def f():\n    return a8000\n"
    ended = limited(source.definitions, code)
    assert ended.how == "returned", ended
    assert source.definitions(code) == code, "all of them are used"


def test_what_shares_a_line_stays_a_program() -> None:
    code = "import math; print('''\nhello'''); HALF = 0.5\ntrain()\ndef f(): return HALF\n"
    assert source.definitions(code) == code.replace("train()", "")


@pytest.mark.parametrize(
    "code",
    ["\n" * 200_000, "import " + " " * 200_000, "ID" + "\n" * 200_000, "x" * 200_000, "import os" + "\t" * 200_000],
)
def test_looking_for_names_takes_no_time(code: str, tmp_path: Path) -> None:
    place = tmp_path / "20231234.py"
    place.write_text(code[: source.LARGEST], encoding="utf-8")
    assert limited(read, place).how == "returned"


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined", "unicode_escape", "zip", "utf-7", "no-such"])
def test_a_declared_encoding_is_of_text_or_ignored(encoding: str) -> None:
    found = source.decoded(f"# coding: {encoding}\nx = '이름 +2AA-'\n".encode("cp949"))
    assert found.encode()
    assert "x = " in found


def test_a_program_is_compared_by_its_first_fingerprints() -> None:
    lines = "".join(f"v.a{n} = v.b{n} + v.c{n}(v.d{n})\n" for n in range(4000))
    assert len(fingerprints(lines)) == 4000


def _list_of_names(place: Path) -> None:
    with zipfile.ZipFile(place, "w") as made:
        for number_ in range(60_000):
            made.writestr(f"{number_}/" + "x" * 60, b"")


def test_a_zip_with_too_many_entries_is_refused_before_its_list_is_read(tmp_path: Path) -> None:
    _list_of_names(tmp_path / "20231234.zip")
    assert _problems(tmp_path / "20231234.zip")[0] == "handin-broken-zip"


def test_problems_beyond_the_first_are_counted(tmp_path: Path) -> None:
    many = {f"{n}.zip": b"1" for n in range(50)}
    problems = read(zipped(tmp_path / "20231234.zip", files() | many)).problems
    assert (len(problems), problems[-1].key) == (31, "handin-more")
    assert problems[-1].values == {"number": 20}


def test_a_name_of_a_thousand_letters_is_no_name(tmp_path: Path) -> None:
    place = zipped(tmp_path / "20231234.zip", files() | {"a\u0301" * 600 + ".py": b"1"})
    assert "handin-unsafe-name" in _problems(place)


def test_weights_are_measured_before_they_are_read(tmp_path: Path) -> None:
    place = folder(tmp_path / "20231234", files())
    with (place / "weights.safetensors").open("wb") as file:
        file.truncate(65 << 20)
    assert "handin-unreadable" in _problems(place)
    assert read(place).weights is None
    many = json.dumps({str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(20_001)}).encode()
    (place / "weights.safetensors").write_bytes(len(many).to_bytes(8, "little") + many)
    assert not readable(place / "weights.safetensors")
    assert len(fingerprint(place / "weights.safetensors")) == 64


def _honest_checker(submission: Submission, language: str, **options: object) -> Report:
    return Report(language, [], submission.id, submission.name)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and such names are made otherwise on Windows")
def test_a_hostile_hand_in_takes_nobody_elses_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "grade", _honest_checker)
    inbox = tmp_path / "inbox"
    zipped(inbox / "20230001.zip", files("20230001", "홍길동"))
    folder(inbox / "pipes", files("20230002", "김철수"))
    os.mkfifo(inbox / "pipes" / "notes.md")
    os.symlink("/dev/zero", inbox / "pipes" / "other.py")
    (inbox / "pipes" / os.fsdecode(b"\xff\xfe.py")).write_text("x = 1")
    zipped(inbox / "20230003.zip", files("20230003", "\U0001f600" * 60))
    deep = inbox / "20230004" / "/".join("d" * 100)
    folder(deep, files("20230004"))
    _list_of_names(inbox / "20230005.zip")
    broken = files("20230006") | {"submission.py": b"'" + b"\x00(" * 5000, "report.json": b"[" * 100_000}
    zipped(inbox / "20230006.zip", broken)
    graded = grade_folder(inbox, tmp_path / "out", "en", workers=1)
    ids = [row.hand_in.submission.id for row in graded.rows]
    assert {"20230001", "20230002", "20230003", "20230005", "20230006"} <= set(ids)
    assert not [row.score.failed for row in graded.rows if row.score.failed]
    assert len(list((tmp_path / "out" / "feedback").iterdir())) == len(graded.rows)
    assert any("20230004" in where for where in graded.unread)


def test_what_breaks_the_reading_of_one_is_said_in_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from diffeo_course.inbox import hand_ins as reading

    def breaks(path: Path, **options: object) -> Submission:
        if path.name == "20230002.zip":
            raise RuntimeError("a mistake of the checker's own")
        return read(path)

    monkeypatch.setattr(grading, "grade", _honest_checker)
    monkeypatch.setattr(reading, "read", breaks)
    for student in ("20230001", "20230002"):
        zipped(tmp_path / "inbox" / f"{student}.zip", files(student))
    graded = grade_folder(tmp_path / "inbox", tmp_path / "out", "en", workers=1)
    assert len(graded.rows) == 2
    assert "a mistake of the checker's own" in (tmp_path / "out" / "table.csv").read_text(encoding="utf-8-sig")


def test_the_key_stays_beside_the_results_and_another_grades_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def checker(submission: Submission, language: str, *, key: str, **options: object) -> Report:
        keys.append(key)
        return Report(language, [], submission.id, submission.name)

    monkeypatch.setattr(grading, "grade", checker)
    zipped(tmp_path / "inbox" / "20230001.zip", files("20230001"))
    for _ in range(2):
        grade_folder(tmp_path / "inbox", tmp_path / "out", "en")
    kept = (tmp_path / "out" / "key").read_text().strip()
    assert keys == [kept]
    (tmp_path / "course.key").write_text("a key of the course")
    grade_folder(tmp_path / "inbox", tmp_path / "out", "en", key=tmp_path / "course.key")
    assert keys == [kept, "a key of the course"]


def test_a_folder_of_thousands_of_files_is_no_hand_in(tmp_path: Path) -> None:
    place = folder(tmp_path / "20231234", files() | {f"many/{n}.txt": b"" for n in range(archive.MOST)})
    assert _problems(place)[0] == "handin-too-many"
