"""Zips and folders that somebody else made."""

import stat
import unicodedata
import zipfile
from pathlib import Path

import pytest

from diffeo_course.handin import archive
from diffeo_course.handin.reading import SUFFIXES, read
from handed_in import CODE, files, folder, raw_zip, zipped


def _keys(path: Path) -> list[str]:
    return [problem.key for problem in read(path).problems]


@pytest.mark.parametrize(
    "name", ["", "../submission.py", "/submission.py", "a/../../submission.py", "C:\\x\\submission.py"]
)
def test_names_that_point_outside_are_not_read(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "inside" / "20231234.zip", {name: CODE.encode()})
    submission = read(path)
    assert submission.code == ""
    assert "handin-unsafe-name" in [problem.key for problem in submission.problems]
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["20231234.zip", "inside"]


def test_a_zip_is_unpacked_under_names_of_our_own(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"과제/submission.py": b"x = 1", "과제/CON.py": b"y = 2"})
    found, problems = archive.files(path, SUFFIXES, tmp_path / "into")
    assert [str(each.name) for each in found] == ["과제/submission.py", "과제/CON.py"]
    assert [each.path.name for each in found] == ["0000.py", "0001.py"]
    assert problems == []


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    monkeypatch.setattr(archive, "MOST", 10)
    assert "handin-too-large" in _keys(zipped(tmp_path / "large.zip", {"submission.py": bytes(2 << 20)}))
    assert "handin-too-many" in _keys(zipped(tmp_path / "many.zip", {f"{n}.py": b"" for n in range(11)}))
    many = folder(tmp_path / "many", {f"{n}.py": b"" for n in range(11)})
    assert "handin-too-many" in _keys(many)


def test_an_entry_larger_than_it_declares_is_damaged(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"submission.py": bytes(100_000)})
    data = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    assert "handin-broken-entry" in _keys(path)


def test_links_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("def loss(): pass")
    linked = folder(tmp_path / "folder", {"report.md": b""})
    (linked / "submission.py").symlink_to(secret)
    (linked / "more").symlink_to(tmp_path)
    assert _keys(linked).count("handin-link") == 2
    assert read(linked).code == ""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        entry = zipfile.ZipInfo("submission.py")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(entry, str(secret))
    assert "handin-link" in _keys(path)
    assert read(path).code == ""


def test_a_zip_with_a_password_is_said_to_have_one(tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "a.zip", {b"submission.py": CODE.encode()}, flags=0x1)
    submission = read(path)
    text = next(problem.text("ko") for problem in submission.problems if problem.key == "handin-encrypted")
    assert "submission.py" in text
    assert "암호" in text


def test_a_zip_within_a_zip_is_not_opened_but_named(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", files()).read_bytes()
    assert _keys(zipped(tmp_path / "outer.zip", {"과제.zip": inner}))[0] == "handin-nested"
    assert "handin-nested" in _keys(folder(tmp_path / "folder", {"a.7z": b""}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and nothing more", b"Rar!\x1a\x07"])
def test_a_broken_zip_is_a_problem_not_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "20231234.zip"
    path.write_bytes(content)
    assert "handin-broken-zip" in _keys(path)
    assert read(path).id == "20231234"


def test_names_in_cp949_and_decomposed_utf8_are_read(tmp_path: Path) -> None:
    name = "과제/보고서.py"
    for encoded in (name.encode("cp949"), unicodedata.normalize("NFD", name).encode(), name.encode()):
        found, _ = archive.files(raw_zip(tmp_path / "a.zip", {encoded: b"x = 1"}), SUFFIXES, tmp_path / "into")
        assert [str(each.name) for each in found] == [name]


def test_what_systems_leave_behind_is_skipped(tmp_path: Path) -> None:
    rubbish = {"__MACOSX/._submission.py": b"\0", "a/._submission.py": b"\0", ".ipynb_checkpoints/a.ipynb": b"{}"}
    for path in (zipped(tmp_path / "a.zip", files() | rubbish), folder(tmp_path / "a", files() | rubbish)):
        submission = read(path)
        assert submission.code == CODE
        assert submission.problems == []
