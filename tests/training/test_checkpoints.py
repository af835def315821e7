"""A whole checkpoint stands at every moment."""

import itertools
import os
from pathlib import Path

import pytest
import torch
from killing import Killed, Operations, gone_at

from diffeo.training import checkpoint
from diffeo.training.checkpoint import TENSORS_FILE, Checkpoint, Position


def made(step: int, value: float = 0.0, **more: object) -> Checkpoint:
    return Checkpoint(Position(100, step=step, **more), {"a": torch.full((50,), value)}, {"lr": 0.1})


def damage(path: Path) -> None:
    content = bytearray((path / TENSORS_FILE).read_bytes())
    content[-1] ^= 1
    (path / TENSORS_FILE).write_bytes(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def alone(folder: Path) -> Checkpoint:
    checkpoint.write(made(30), folder)
    return made(30)


def rolled_back(folder: Path) -> Checkpoint:
    checkpoint.write(made(30), folder)
    return made(30, attempt=1, lost=3.0)


def rolled_back_further(folder: Path) -> Checkpoint:
    checkpoint.write(made(30), folder)
    checkpoint.write(made(40, 1.0), folder)
    return made(30, attempt=1)


def damaged_in_place(folder: Path) -> Checkpoint:
    checkpoint.write(made(30), folder)
    damage(checkpoint.write(made(40, 1.0), folder))
    return made(40, 1.0)


def a_third(folder: Path) -> Checkpoint:
    checkpoint.write(made(30), folder)
    checkpoint.write(made(40, 1.0), folder)
    return made(50, 2.0)


@pytest.mark.filterwarnings("ignore:.*is damaged")
@pytest.mark.parametrize("before", [alone, rolled_back, rolled_back_further, damaged_in_place, a_third])
def test_wherever_it_is_killed_a_whole_one_stands(tmp_path: Path, monkeypatch, before) -> None:
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        new = before(folder)
        earliest = min(30 if before is not a_third else 40, new.position.step)
        with monkeypatch.context() as patch:
            Operations(folder, gone_at(number)).install(patch.setattr)
            try:
                checkpoint.write(new, folder)
            except Killed:
                ended = False
            else:
                ended = True
        found = checkpoint.newest(folder)
        assert found is not None
        assert found.position.step >= earliest
        if ended:
            assert (found.position.step, found.position.attempt) == (new.position.step, new.position.attempt)
            assert len(names(folder)) <= checkpoint.KEPT
            break
    assert number > 1 or before is alone


def test_what_was_just_loaded_is_left_as_it_is(tmp_path: Path) -> None:
    records = [{"step": 15, "seconds": 1.5}]
    path = checkpoint.write(made(30, history=records, best=records[0], seconds=2.0), tmp_path)
    before = [(file, os.stat(file).st_ino, file.read_bytes()) for file in path.iterdir()]
    later = [{"step": 15, "seconds": 9.5}]
    assert checkpoint.write(made(30, history=later, best=later[0], seconds=2.5, lost=7.0), tmp_path) == path
    assert [(file, os.stat(file).st_ino, file.read_bytes()) for file in path.iterdir()] == before


def test_after_a_rollback_the_new_one_is_found_and_the_later_ones_are_gone(tmp_path: Path) -> None:
    checkpoint.write(made(30), tmp_path)
    checkpoint.write(made(40, 1.0), tmp_path)
    assert checkpoint.write(made(30, attempt=1), tmp_path).name == "step-000000030-2"
    assert names(tmp_path) == ["step-000000030", "step-000000030-2"]
    found = checkpoint.newest(tmp_path)
    assert found is not None
    assert found.position.attempt == 1


def test_a_damaged_one_does_not_count_as_one_of_the_two_that_are_kept(tmp_path: Path) -> None:
    checkpoint.write(made(10), tmp_path)
    damage(checkpoint.write(made(20, 1.0), tmp_path))
    checkpoint.write(made(30, 2.0), tmp_path)
    assert names(tmp_path) == ["step-000000010", "step-000000030"]


def test_one_that_is_not_read_as_it_was_written_removes_none(tmp_path: Path, monkeypatch) -> None:
    checkpoint.write(made(10), tmp_path)
    checkpoint.write(made(20, 1.0), tmp_path)
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).name.startswith("step-"):
            damage(Path(target))

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="not read as it was written"):
        checkpoint.write(made(30, 2.0), tmp_path)
    assert names(tmp_path) == ["step-000000010", "step-000000020", "step-000000030"]


@pytest.mark.skipif(os.name != "posix", reason="there is no umask")
def test_the_users_umask_says_who_may_read_a_checkpoint(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        path = checkpoint.write(made(10), tmp_path / "checkpoints")
    finally:
        os.umask(before)
    assert {made.stat().st_mode & 0o077 for made in (path, *path.iterdir())} == {0}
