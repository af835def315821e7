"""Whether a folder takes a training, whether a stopped one can go on in it, and what to say when it stops."""

import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from diffeo.flow import Flow
from diffeo.runs.folder import METRICS_FILE, RUN_FILE, SUMMARY_FILE
from diffeo.runs.html_report import REPORT_FILE
from diffeo.runs.record_files import LARGEST, plain
from diffeo.runs.verdicts import elsewhere
from diffeo.saving import io
from diffeo.system.documents import read_json
from diffeo.system.proposals import path_word
from diffeo.system.writing import advising
from diffeo.training import checkpoint
from diffeo.training.beginning import is_beginning
from diffeo.training.options import CHECKPOINTS, STEPS_FILE
from diffeo.training.result import Fit

OF_THE_DAY = ("started", "versions", "command")  # in run.json; the rest is what was asked for


class TrainingInterrupted(Exception):
    """A training was stopped by a signal; the message says how to go on, and `signal` is its number."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.signal = number


def interrupted(folder: Path, stopped: KeyboardInterrupt, said: str, command: str = "") -> TrainingInterrupted:
    """What a signal came to that found a training at this point; the signal's number is the argument of `stopped`."""
    number = stopped.args[0] if stopped.args else signal.SIGINT
    if (folder / SUMMARY_FILE).is_file() and (folder / REPORT_FILE).is_file():
        said, on = "the run is complete", f"Look at it with: diffeo info {path_word(folder)}"
    elif command:
        on = f"Start it again with: {command}"
    else:
        on = _on(folder)
        on = f"{on[0].upper()}{on[1:]}"
    return TrainingInterrupted(f"stopped by {signal.Signals(number).name}: {said}. {on}", number)


def stopped_in_time(folder: Path, result: Fit, command: str) -> TrainingInterrupted:
    """What a signal came to that the training granted after a step: it saved where it was, if there was room."""
    state = checkpoint.newest_state(folder / CHECKPOINTS)
    if state is None:
        what = f"there was no room to save where it was: {_on(folder, command)}"
    else:
        kept = state["position"]["step"]
        saved = "everything is saved" if kept == result.steps else f"what was there after step {kept} is saved"
        what = f"{saved}. Go on with: {_resume(folder)}"
    return TrainingInterrupted(f"{result.stopped}; {what}", result.interrupted or signal.SIGINT)


@contextmanager
def way_on(folder: Path, command: str = "") -> Iterator[None]:
    """Inside, a full disk and a KeyboardInterrupt end with how to go on; before ``run.json`` that is `command` again.

    Raises:
        TrainingInterrupted: for a KeyboardInterrupt.
        DiskFull: for a full disk.
    """
    again = command or "the same call"

    def begun() -> bool:
        return (folder / RUN_FILE).is_file()

    with advising(lambda: _on(folder, command) if begun() else f"go on with: {again}"):
        try:
            yield
        except KeyboardInterrupt as stopped:
            if begun():
                raise interrupted(folder, stopped, "what its last checkpoint holds is saved") from None
            raise interrupted(folder, stopped, "it had not begun", again) from None


def check_usable(folder: Path, run: dict[str, Any]) -> None:
    """Refuse a folder that holds more than the beginning of this very training, as a kill leaves it.

    Raises:
        FileExistsError: saying what to do.
    """
    if not folder.exists():
        return
    if folder.is_dir() and all(is_beginning(path) or _is_same(path, run) for path in folder.iterdir()):
        return
    on = ""
    if (folder / RUN_FILE).is_file():
        on = f"; to go on with the training in it: diffeo train --resume {path_word(folder)}"
    raise FileExistsError(f"{folder} exists and is not empty. Choose another with --out, or remove it{on}")


def can_go_on(folder: Path, run: dict[str, Any]) -> bool:
    """Whether there is a checkpoint; False if there is nothing yet that one could hold.

    Raises:
        FileNotFoundError: if there is none, but a model, which training anew would replace.
    """
    if checkpoint.any_whole(folder / CHECKPOINTS):
        return True
    if _cannot(folder):
        raise FileNotFoundError(
            f"there is no whole checkpoint in {folder / CHECKPOINTS} to resume from. The best model so far is in "
            f"{folder}, and stays; {_anew(run.get('command', ''))}"
        )
    return False


def begin_again(folder: Path, run: dict[str, Any], flow: Flow) -> None:
    """Make room for a training that was stopped before its first checkpoint.

    Raises:
        ValueError: if its flow had other weights than its seed gives, so that it would be another training.
    """
    if run.get("weights") not in (None, weights_hash(flow)):
        again = run.get("command") or "the same call of train_run"
        raise ValueError(
            f"{folder} was stopped before its first checkpoint, and its flow had weights of its own, which are not in "
            f"it. Start it again as before: {again}"
        )
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    for name in (STEPS_FILE, METRICS_FILE):
        (folder / name).unlink(missing_ok=True)


def weights_hash(flow: Flow) -> str:
    """A hash of what a flow starts from."""
    found = hashlib.sha256()
    for name, tensor in flow.state_dict().items():
        found.update(name.encode() + tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _cannot(folder: Path) -> bool:
    """Whether there is a model, and no checkpoint to go on from: a full disk may have had no room for one."""
    kept = any((folder / name).exists() for name in (SUMMARY_FILE, io.TENSORS_FILE))
    return kept and not checkpoint.any_whole(folder / CHECKPOINTS)


def _on(folder: Path, command: str = "") -> str:
    return _anew(command) if _cannot(folder) else f"go on with: {_resume(folder)}"


def _anew(command: str) -> str:
    return f"train anew: {elsewhere(command)}" if command else "train anew, in another folder"


def _resume(folder: Path) -> str:
    return f"diffeo train --resume {path_word(folder)}"


def _is_same(path: Path, run: dict[str, Any]) -> bool:
    """Whether it is the ``run.json`` of this training."""
    if path.name != RUN_FILE or path.is_symlink() or not path.is_file():
        return False
    try:
        found = read_json(path, largest=LARGEST)
    except ValueError:
        return False
    asked = json.loads(json.dumps(plain(run)))
    return isinstance(found, dict) and all(
        found.get(key) == asked.get(key) for key in found.keys() | asked.keys() if key not in OF_THE_DAY
    )
