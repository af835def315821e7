"""A disk that is full, for a moment or for good."""

from pathlib import Path

import pytest
import torch
from killing import Operations, full_at

from diffeo import RealNVP
from diffeo.system.writing import DiskFull
from diffeo.training import checkpoint, fit, steplog
from diffeo.training.options import STEPS_FILE


def train(folder: Path, **options):
    torch.manual_seed(0)
    flow = RealNVP(2, couplings=2, width=8)
    rows = torch.randn(300, 2, generator=torch.Generator().manual_seed(1))
    return fit(flow, rows, epochs=2, batch_size=50, progress=False, folder=folder, checkpoint_every=1e-9, **options)


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    train(tmp_path / "whole")
    return (tmp_path / "whole" / STEPS_FILE).read_bytes()


@pytest.mark.filterwarnings("ignore:.*no space left")
@pytest.mark.parametrize("number", [5, 6, 8, 9, 10, 13, 14])
def test_a_moment_of_a_full_disk_leaves_every_row_once_and_whole(
    tmp_path: Path, monkeypatch, whole: bytes, number: int
) -> None:
    monkeypatch.setattr(steplog, "FLUSH_EVERY", 0.0)
    file = tmp_path / "cut" / STEPS_FILE
    with monkeypatch.context() as patch:
        full = Operations(file, full_at(number, 4))
        full.install(patch.setattr)
        train(tmp_path / "cut")
    assert full.number > number
    assert file.read_bytes() == whole


@pytest.mark.filterwarnings("ignore:.*no space left")
def test_one_that_stays_full_ends_it_with_the_file_and_the_way_on_and_it_goes_on_from_there(
    tmp_path: Path, monkeypatch, whole: bytes
) -> None:
    folder = tmp_path / "cut"
    with monkeypatch.context() as patch:
        Operations(folder, full_at(150, float("inf"))).install(patch.setattr)
        with pytest.raises(
            DiskFull, match=rf"steps.csv could not be written .*fit\(.., folder='{folder}', resume=True"
        ):
            train(folder)
    train(folder, resume=True)
    assert (folder / STEPS_FILE).read_bytes() == whole


def test_rows_that_wait_go_to_a_new_file_if_somebody_removed_the_old_one(tmp_path: Path, whole: bytes) -> None:
    def on_epoch(record, better) -> None:
        if record["epoch"] == 1:  # the last of its steps waits
            (tmp_path / "cut" / STEPS_FILE).unlink()

    with pytest.warns(UserWarning, match="was removed while it was written; it goes on from step 4"):
        train(tmp_path / "cut", on_epoch=on_epoch)
    lines = whole.splitlines(keepends=True)
    assert (tmp_path / "cut" / STEPS_FILE).read_bytes() == b"".join([lines[0], *lines[5:]])


def test_fit_begins_again_in_a_folder_that_holds_only_its_beginning(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "cut" / "checkpoints" / ".unfinished-0123abcd").mkdir(parents=True)
    (tmp_path / "cut" / STEPS_FILE).write_bytes(b"step,loss,gradient_norm,lr\n")
    train(tmp_path / "cut")
    assert (tmp_path / "cut" / STEPS_FILE).read_bytes() == whole
    with pytest.raises(FileExistsError, match="holds a training already"):
        train(tmp_path / "cut")


def test_losses_that_wait_outlive_a_rollback_to_behind_them(tmp_path: Path) -> None:
    log = steplog.StepLog(tmp_path / STEPS_FILE)
    for step in range(5):
        log.add(step, torch.tensor(1.0), torch.tensor(2.0), 0.5)
    log.truncate(3, {"lines": 0, "crc32": 0})
    log.flush()
    lines = (tmp_path / STEPS_FILE).read_text().splitlines()
    assert lines[1:] == [f"{step},1.0,2.0,0.5" for step in range(3)]


@pytest.mark.filterwarnings("ignore:.*no space left")
def test_no_checkpoint_is_ahead_of_the_losses_of_its_steps(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "cut"
    with monkeypatch.context() as patch:
        Operations(folder / STEPS_FILE, full_at(16, float("inf"))).install(patch.setattr)
        with pytest.raises(DiskFull, match=r"steps\.csv"):
            train(folder)
    found = checkpoint.newest(folder / "checkpoints")
    assert found is not None
    assert 0 < found.position.step == len((folder / STEPS_FILE).read_text().splitlines()) - 1
