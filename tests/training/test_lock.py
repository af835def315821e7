"""One training a folder."""

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import diffeo
from diffeo import RealNVP
from diffeo.runs.train import resume_run, train_run
from diffeo.training import fit
from diffeo.training.lock import FolderInUse, locked

HOLD = """
import sys, time
from pathlib import Path
from diffeo.training.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


def rows() -> torch.Tensor:
    return torch.randn(300, 2, generator=torch.Generator().manual_seed(1))


def test_a_second_training_is_refused_and_told_whose_the_folder_is_until_a_kill(tmp_path: Path) -> None:
    run = tmp_path / "my run"
    fit(small(), rows(), epochs=1, batch_size=100, progress=False, folder=run)
    (run / "run.json").write_text("{}")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(run)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            said = rf"process {other.pid} on .*diffeo watch '{re.escape(str(run))}'.*diffeo train --resume '"
            with pytest.raises(FolderInUse, match=said):
                fit(small(), rows(), epochs=1, batch_size=100, progress=False, folder=run, resume=True)
            with pytest.raises(FolderInUse, match=said):
                resume_run(run)
            assert {path: path.read_bytes() for path in before} == before
        finally:
            other.send_signal(signal.SIGKILL)
    assert fit(small(), rows(), epochs=1, batch_size=100, progress=False, folder=run, resume=True).steps == 2


def test_the_folder_is_held_while_it_trains_and_free_afterwards(tmp_path: Path) -> None:
    seen: list[str] = []

    def ask() -> None:
        try:
            with locked(tmp_path):
                seen.append("let in")
        except FolderInUse as error:
            seen.append(str(error))

    def on_epoch(record: dict[str, float], better: bool) -> None:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    fit(small(), rows(), epochs=2, batch_size=100, progress=False, folder=tmp_path, on_epoch=on_epoch)
    assert len(seen) == 2
    assert "let in" not in seen
    ask()
    assert seen[-1] == "let in"
    assert not list(tmp_path.glob(".*"))


def test_a_run_is_held_to_the_end_of_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[bool] = []

    def ask() -> None:
        try:
            with locked(tmp_path / "run"):
                refused.append(False)
        except FolderInUse:
            refused.append(True)

    def trains(*arguments: object, begin: Callable[[], None]) -> dict[str, object]:
        begin()
        with locked(tmp_path / "run"):  # as fit does
            pass
        thread = threading.Thread(target=ask)  # while the report is written
        thread.start()
        thread.join()
        return {}

    monkeypatch.setattr("diffeo.runs.train._train", trains)
    train_run(small(), diffeo.data.load("moons"), tmp_path / "run")
    ask()
    assert refused == [True, False]


def test_it_is_free_after_a_training_that_could_not_begin(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        fit(small(), rows(), progress=False, folder=tmp_path, resume=True)
    assert not list(tmp_path.iterdir())


def test_whoever_holds_it_may_ask_again_and_goes_on_holding_it(tmp_path: Path) -> None:
    refused: list[bool] = []

    def ask() -> None:
        try:
            with locked(tmp_path):
                refused.append(False)
        except FolderInUse:
            refused.append(True)

    with locked(tmp_path):
        with locked(tmp_path):
            pass
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert refused == [True]
