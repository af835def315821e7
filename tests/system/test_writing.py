"""Files whole or not at all, and what kills leave."""

import errno
import os
from pathlib import Path

import pytest
from killing import Operations, full_at

from diffeo.system.writing import DiskFull, advising, append, sweep, write_atomically


@pytest.mark.skipif(os.name != "posix", reason="there is no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o027, 0o640), (0o002, 0o664)])
def test_the_users_umask_says_who_may_read_a_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("number", range(1, 5))
def test_where_the_disk_is_full_the_old_file_stays_and_nothing_else(tmp_path: Path, monkeypatch, number: int) -> None:
    write_atomically(tmp_path / "a", b"old")
    with monkeypatch.context() as patch:
        Operations(tmp_path, full_at(number, 1)).install(patch.setattr)
        with pytest.raises(
            DiskFull, match=r"a could not be written \(11 bytes\): no space left on device\. Make room, then try"
        ):
            write_atomically(tmp_path / "a", b"new content")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["a" * 250, "가" * 80, "with\nline", ".unfinished-"])
def test_any_name_that_the_system_takes_can_be_written(tmp_path: Path, name: str) -> None:
    write_atomically(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"


def test_what_is_half_appended_is_taken_back(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "steps.csv"
    file.write_bytes(b"1,2\n")
    for number in range(1, 6):
        with monkeypatch.context() as patch:
            Operations(tmp_path, full_at(number, 1)).install(patch.setattr)
            try:
                append(file, b"3,4\n5,6\n", 4)
            except DiskFull:
                assert file.read_bytes() == b"1,2\n"
            else:
                assert number == 2  # to cut a file takes no room
    assert append(file, b"3,4\n", 4) == 8
    assert file.read_bytes() == b"1,2\n3,4\n"


def test_what_a_kill_left_behind_the_whole_lines_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "steps.csv"
    file.write_bytes(b"1,2\n3,")
    assert append(file, b"3,4\n", 4) == 8
    assert file.read_bytes() == b"1,2\n3,4\n"


def test_a_file_that_somebody_cut_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    file = tmp_path / "steps.csv"
    file.write_bytes(b"1,2\n3")
    assert append(file, b"5,6\n", 400) == 8
    assert file.read_bytes() == b"1,2\n5,6\n"


def test_only_diffeos_own_unfinished_files_are_swept(tmp_path: Path) -> None:
    users = {".unfinished-notes", ".unfinished-0123abcd.txt", "unfinished-0123abcd-a", ".model.safetensors.original"}
    own = {".unfinished-0123abcd-model.safetensors", ".unfinished-0123abcd-0001.png"}
    for name in users | own:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".unfinished-89abcdef").mkdir()
    (tmp_path / ".unfinished-89abcdef" / "state.json").write_bytes(b"{}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".unfinished-0123abcd-a").write_bytes(b"x")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == users | {"mine"}
    assert list((tmp_path / "mine").iterdir())


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed")
def test_what_is_being_written_is_not_swept(tmp_path: Path, monkeypatch) -> None:
    real, swept = os.fsync, []

    def fsync(handle: int) -> None:
        sweep(tmp_path)
        swept.append([path.name for path in tmp_path.iterdir()])
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(tmp_path / "a", b"content")
    assert len(swept[0]) == 1
    assert (tmp_path / "a").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "Make room"), (errno.EDQUOT, "Make room"), (errno.EFBIG, r"Raise the limit .*\(ulimit -f\)")],
)
def test_whoever_finds_the_disk_full_says_the_way_on(number: int, remedy: str) -> None:
    with (
        pytest.raises(DiskFull, match=rf"^runs/x: .*\. {remedy}, then go left$"),
        advising(lambda: "go left"),
        advising(lambda: "go right"),
    ):
        raise OSError(number, os.strerror(number), "runs/x")
