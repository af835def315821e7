"""A run that was stopped goes on, wherever that was; and a folder of the user's is left alone."""

import errno
import json
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from killing import Killed, Operations, full_at, gone_at

import diffeo
from diffeo.data import Dataset
from diffeo.runs import TrainingInterrupted, resume_run, train_run
from diffeo.system.writing import DiskFull
from diffeo.training import checkpoint
from runs.made import table

FILES = ("run.json", "steps.csv", "model.safetensors")


@pytest.fixture(autouse=True)
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings end before their report, which takes most of the time."""
    monkeypatch.setattr("diffeo.runs.train.conclude", lambda *given: {})
    monkeypatch.setattr("diffeo.runs.train.samples_picture", lambda *given, **more: None)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    found = table()
    monkeypatch.setattr("diffeo.data.load", lambda name, **options: found)
    return found


def train(
    folder: Path, data: Dataset, *, seed: int = 0, command: str = "diffeo train this", **options: object
) -> dict[str, object]:
    torch.manual_seed(0)
    flow = diffeo.RealNVP(3, couplings=2, width=8)
    return train_run(flow, data, folder, seed=seed, command=command, epochs=2, batch_size=100,
                     progress=False, threads=1, **options)  # fmt: skip


def lasting(folder: Path) -> list[object]:
    record = json.loads((folder / "run.json").read_text())
    kept = {key: value for key, value in record.items() if key not in ("started", "versions")}
    return [kept, (folder / "steps.csv").read_bytes(), (folder / "model.safetensors").read_bytes()]


def killed(folder: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, number: int) -> bool:
    """Train until the operation of this number; whether it got there."""
    with monkeypatch.context() as patch:
        Operations(folder, gone_at(number)).install(patch.setattr)
        try:
            train(folder, data)
        except Killed:
            return True
        return False


def test_killed_before_its_first_checkpoint_it_begins_again_by_either_command(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "whole", data)
    seen = set()
    for number in range(1, 60):
        folder = tmp_path / str(number)
        assert killed(folder, data, monkeypatch, number)
        if any((folder / "checkpoints").glob("step-*")):
            break
        left = frozenset(path.name.split("-")[0] for path in folder.iterdir()) if folder.exists() else frozenset()
        if left in seen:
            continue
        seen.add(left)
        shutil.copytree(folder, tmp_path / "again") if folder.exists() else None
        train(tmp_path / "again", data)
        assert lasting(tmp_path / "again") == lasting(tmp_path / "whole")
        shutil.rmtree(tmp_path / "again")
        if (folder / "run.json").exists():
            resume_run(folder, progress=False)
            assert lasting(folder) == lasting(tmp_path / "whole")
        elif folder.exists():
            with pytest.raises(FileNotFoundError, match="start it with the same command as before"):
                resume_run(folder)
    else:
        raise AssertionError("no checkpoint in 60 operations")
    assert len(seen) > 5


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", "mine"), (".lock", "mine"), (".lock.json", '{"mine": 1}'), (".unfinished-notes", "mine"),
        ("checkpoints/mine.txt", "mine"), ("checkpoints/step-000000001/mine", ""), ("steps.csv", "step,loss\n"),
        ("steps.csv", "step,loss,gradient_norm,lr\n0,1.0,1.0,0.1\n"), ("run.json", "{}"), ("run.json", "mine"),
        ("samples/0001.png", "mine"), ("metrics.jsonl", ""), (".unfinished-0123abcd/mine", "mine"),
    ],
)  # fmt: skip
def test_a_folder_with_anything_of_the_users_is_refused_and_left_as_it_is(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, name: str, content: str
) -> None:
    folder = tmp_path / "run"
    assert killed(folder, data, monkeypatch, 12)
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    (folder / name).write_text(content)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match=r"is not empty. Choose another with --out, or remove it"):
        train(folder, data)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_another_training_is_not_begun_in_the_beginning_of_one(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed(tmp_path / "run", data, monkeypatch, 20)
    assert (tmp_path / "run" / "run.json").exists()
    with pytest.raises(FileExistsError, match=r"to go on with the training in it: diffeo train --resume "):
        train(tmp_path / "run", data, seed=1)


def test_weights_that_the_seed_does_not_give_are_not_made_up(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed(tmp_path / "run", data, monkeypatch, 20)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps(record | {"seed": 1}))  # weights were drawn from 0
    with pytest.raises(ValueError, match=r"had weights of its own.*Start it again as before: diffeo train this"):
        resume_run(tmp_path / "run")


def test_other_rows_are_not_trained_on_instead(tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert killed(tmp_path / "run", data, monkeypatch, 20)
    data.train.x[0] += 1
    with pytest.raises(ValueError, match="is not what it was"):
        resume_run(tmp_path / "run")


def test_without_a_checkpoint_what_epochs_left_stays(tmp_path: Path, data: Dataset) -> None:
    train(tmp_path / "run", data)
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    before = lasting(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match=r"no whole checkpoint in .*best model so far.*diffeo train this"):
        resume_run(tmp_path / "run")
    assert lasting(tmp_path / "run") == before


def test_what_kills_left_is_swept_on_resume(tmp_path: Path, data: Dataset) -> None:
    train(tmp_path / "run", data)
    (tmp_path / "run" / "samples").mkdir()
    for place in (".", "samples", "checkpoints"):
        (tmp_path / "run" / place / ".unfinished-0123abcd-0001.png").write_bytes(b"half")
    resume_run(tmp_path / "run", progress=False)
    assert not list((tmp_path / "run").rglob(".*"))


def test_a_complete_run_loses_the_checkpoints_that_a_kill_left(tmp_path: Path, data: Dataset) -> None:
    train(tmp_path / "run", data)
    for name in ("summary.json", "report.html"):
        (tmp_path / "run" / name).write_text("{}")
    with pytest.raises(ValueError, match="is complete"):
        resume_run(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoints").exists()


@pytest.mark.filterwarnings("ignore:no checkpoint could be written")
@pytest.mark.parametrize("number", [12, 60, 100])
def test_a_full_disk_is_said_with_the_file_and_the_way_on(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        Operations(folder, full_at(number, float("inf"))).install(patch.setattr)
        with pytest.raises(DiskFull) as raised:
            train(folder, data)
    begun = (folder / "run.json").exists()
    on = f"diffeo train --resume {folder}" if begun else "diffeo train this"
    assert re.search(rf"{folder}/\S+ could not be written .*no space left on device. Make room, then go on with: {on}$",
                     str(raised.value))  # fmt: skip
    resume_run(folder, progress=False) if begun else train(folder, data)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_how_to_go_on_from_where_it_was(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def stop(*given: object, **more: object) -> None:
        raise KeyboardInterrupt(number)

    folder, name = tmp_path / "run", signal.Signals(number).name
    for function, said in (
        (
            "diffeo.flow.Flow.initialize",
            f"stopped by {name}: it had not begun. Start it again with: diffeo train this",
        ),
        (
            "diffeo.training.steps.Steps.gradients",
            f"stopped by {name}: what .* Go on with: diffeo train --resume {folder}",
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(function, stop)
            with pytest.raises(TrainingInterrupted, match=said) as stopped:
                train(folder, data)
        assert stopped.value.signal == number
    monkeypatch.setattr("diffeo.runs.train.conclude", stop)
    with pytest.raises(TrainingInterrupted, match=r"done, but not its report. Go on with: diffeo train --resume"):
        resume_run(folder, progress=False)


@pytest.mark.filterwarnings("ignore:no checkpoint could be written")
@pytest.mark.parametrize("model", [False, True])
def test_the_way_on_works_where_there_was_no_room_for_any_checkpoint(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, model: bool
) -> None:
    folder = tmp_path / "run"
    write = diffeo.system.writing.write_atomically

    def no_room(*given: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device", "a file")

    def write_until(path: Path, content: bytes) -> None:
        if path.name == "metrics.jsonl" and (folder / "model.safetensors").exists():
            no_room()
        if path == folder / "checkpoints" / "run.json" and not model:
            no_room()
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr("diffeo.training.checkpoint.write", no_room)
        patch.setattr("diffeo.runs.train.write_atomically", write_until)
        with pytest.raises(DiskFull) as raised:
            train(folder, data, command=f"diffeo train realnvp moons --out {folder}")
    assert (folder / "metrics.jsonl").exists()
    assert (folder / "model.safetensors").exists() == model
    if model:  # it stays, and what is said makes another folder
        assert str(raised.value).endswith("train anew: diffeo train realnvp moons")
        with pytest.raises(FileNotFoundError, match=r"and stays; train anew: diffeo train realnvp moons$"):
            resume_run(folder, progress=False)
    else:
        assert str(raised.value).endswith(f"go on with: diffeo train --resume {folder}")
        resume_run(folder, progress=False)
        train(tmp_path / "whole", data)
        assert lasting(folder)[1:] == lasting(tmp_path / "whole")[1:]


@pytest.mark.parametrize("saved", [0, 1])
def test_stopped_on_a_full_disk_it_says_what_is_saved_and_no_more(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, saved: int
) -> None:
    folder, write, count = tmp_path / "run", checkpoint.write, [0]

    def room_for_some(*given: Any) -> Path:
        count[0] += 1
        if count[0] > 1:  # in the loop, which grants it
            signal.raise_signal(signal.SIGTERM)
        if count[0] > saved:
            raise OSError(errno.ENOSPC, "no space left on device", "a file")
        return write(*given)

    with monkeypatch.context() as patch:
        patch.setattr("diffeo.training.checkpoint.write", room_for_some)
        patch.setattr("diffeo.training.state.warn", lambda said: None)  # that it went on without one
        with pytest.raises(TrainingInterrupted) as stopped:
            train(folder, data, command="diffeo train realnvp moons", checkpoint_every=1e-9)
    assert "everything is saved" not in str(stopped.value)
    assert ("what was there after step 0 is saved" if saved else "no room to save where it was") in str(stopped.value)
    resume_run(folder, progress=False)
    train(tmp_path / "whole", data)
    assert lasting(folder)[1:] == lasting(tmp_path / "whole")[1:]
