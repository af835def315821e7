"""A run folder: everything that a training leaves behind, each file whole."""

import datetime
import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from diffeo.data import Dataset
from diffeo.flow import Flow
from diffeo.runs.conclusion import conclude, versions
from diffeo.runs.folder import (
    FORMAT,
    METRICS_FILE,
    OF_RUN,
    RUN_FILE,
    SAMPLES_FOLDER,
    SUMMARY_FILE,
    Run,
    fingerprints,
    read_asked,
)
from diffeo.runs.going_on import (
    begin_again,
    can_go_on,
    check_usable,
    interrupted,
    stopped_in_time,
    way_on,
    weights_hash,
)
from diffeo.runs.html_report import REPORT_FILE
from diffeo.runs.record_files import document, is_whole, lines, mend_history
from diffeo.runs.records import RunRecord
from diffeo.runs.samples import samples_picture
from diffeo.runs.settings import defaults, earlier, settings
from diffeo.saving import io
from diffeo.saving.configuration import build
from diffeo.system.letters import readable
from diffeo.system.proposals import path_word
from diffeo.system.shortage import saying
from diffeo.system.writing import write_atomically
from diffeo.training import checkpoint
from diffeo.training.beginning import is_beginning
from diffeo.training.fit import fit
from diffeo.training.lock import locked
from diffeo.training.options import CHECKPOINTS

MOST_PICTURES = 25  # of samples during a training, where the number of epochs is known
DRAWING = 0.05  # of a time budget at most, once the first picture is drawn


def free_folder(wanted: Path) -> Path:
    """`wanted`, or the first of ``wanted-2``, ``wanted-3``, .. that does not exist."""
    folder, n = wanted, 2
    while folder.exists():
        folder, n = wanted.with_name(f"{wanted.name}-{n}"), n + 1
    return folder


def train_run(
    flow: Flow,
    data: Dataset,
    folder: Path,
    *,
    seed: int = 0,
    command: str = "",
    say: Callable[[str], None] = lambda text: None,
    progress: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Train `flow` on `data`, evaluate it on the test part, and write all of it into the new `folder`.

    ``run.json`` (what was asked for) is there before the first step; ``config.json`` and ``model.safetensors``
    (the averaged weights of the best validation loss so far), ``metrics.jsonl`` and ``samples/`` grow with
    every epoch; ``summary.json``, pictures and the report come at the end. Returns the summary.

    Args:
        flow: the flow.
        data: the data set.
        folder: must not exist, be empty, or hold nothing but the beginning of this training.
        seed: of order, noise, evaluation and the picture's samples.
        command: what made the run, to be written down.
        say: told what is being done.
        progress: show a line with loss and speed.
        options: the rest goes to :func:`diffeo.fit`.

    Raises:
        FileExistsError: if the folder holds anything else.
        DiskFull: if there is no room for a file; it names it, and the way on.
        TrainingInterrupted: if a signal stopped it; it says how to go on.
        OutOfMemory: if there is not enough memory; :func:`resume_run` goes on where there is more.
    """
    run = {
        "format": FORMAT,
        "flow": {key: value for key, value in io.describe(flow).items() if key in ("class", "options")},
        "dtype": str(flow.dtype).removeprefix("torch."),
        "data": {"name": _anywhere(data.name), "options": dict(data.options), "rows": fingerprints(data)},
        "device": str(flow.device),
        "columns": data.columns,
        "grids": {name: asdict(grid) for name, grid in data.grids.items()},
        "class_names": data.class_names,
        "settings": settings(flow, data, options),
        "seed": seed,
        "command": readable(command),
        "weights": weights_hash(flow),
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }
    check_usable(folder, run)
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise NotADirectoryError(f"{folder} cannot be made: {nearest} is not a folder that can be written to")

    def begin() -> None:
        run["versions"] = versions(torch.get_num_threads())  # of the training
        folder.mkdir(parents=True, exist_ok=True)
        held.enter_context(locked(folder))
        check_usable(folder, run)  # another process may have been faster
        write_atomically(folder / RUN_FILE, document(run))

    with way_on(folder, command), ExitStack() as held:  # to the end of the report
        return _train(flow, data, folder, run, say, progress, begin=begin)


def resume_run(
    folder: Path,
    *,
    say: Callable[[str], None] = lambda text: None,
    progress: bool = True,
    device: torch.device | str | None = None,
) -> dict[str, Any]:
    """Go on with a training that was stopped, from its newest checkpoint, to the end of :func:`train_run`.

    One that was stopped before its first checkpoint begins again, from ``run.json``.

    Raises:
        DiskFull: if there is no room for a file; it names it, and the way on.
        FileNotFoundError: if the folder holds no run, or a model of one and no checkpoint.
        ValueError: if it is complete already, or its data is not what it was.
        FolderInUse: if it runs; it names the process.
        TrainingInterrupted: if a signal stopped it again.
    """
    if not any((place / RUN_FILE).is_file() for place in (folder, folder / CHECKPOINTS)):
        begun = folder.is_dir() and all(map(is_beginning, folder.iterdir()))
        again = ". Its training was stopped before it began: start it with the same command as before" if begun else ""
        raise FileNotFoundError(f"{folder} holds no run of diffeo train: {RUN_FILE} is missing{again}")
    with way_on(folder), locked(folder):
        if (folder / SUMMARY_FILE).is_file() and (folder / REPORT_FILE).is_file():
            shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # a kill may have left some
            raise ValueError(
                f"{folder} is complete: there is nothing to resume. Look at it with: diffeo info {path_word(folder)}"
            )
        run = read_asked(folder)
        flow = _built(run, folder / RUN_FILE, device)
        data = Run(folder, run, None, []).load_data()
        if flow.door is None and data.train.x.dtype != flow.dtype:
            is_, has = run["dtype"], str(data.train.x.dtype).removeprefix("torch.")
            raise ValueError(f"{folder / RUN_FILE} is damaged: dtype is {is_!r}, and {data.name} has {has}. {OF_RUN}")
        goes_on = can_go_on(folder, run)
        if goes_on:
            say(f"resuming {folder}: {type(flow).__name__} on {data.name}")
        else:
            begin_again(folder, run, flow)
            say(f"{folder} has no checkpoint yet: beginning with {type(flow).__name__} on {data.name}")

        def begin() -> None:
            if not goes_on:
                run["versions"] = versions(torch.get_num_threads())
                write_atomically(folder / RUN_FILE, document(run))
                return
            for place in (folder, folder / CHECKPOINTS):
                if not is_whole(place / RUN_FILE, RunRecord):
                    place.mkdir(exist_ok=True)
                    write_atomically(place / RUN_FILE, document(run))

        return _train(flow, data, folder, run, say, progress, begin=begin, resume=goes_on)


def _built(run: dict[str, Any], path: Path, device: torch.device | str | None) -> Flow:
    """The flow that a run asked for, as it was before its first step.

    Raises:
        ValueError: naming the file, if it does not say how to build one.
    """
    missing = [name for name in ("flow", "settings", "seed", "dtype", "device") if name not in run]
    unknown = run.get("settings", {}).keys() - defaults().keys()
    if missing or unknown:
        problem = f"{missing[0]} is missing" if missing else f"settings has the unknown key {min(unknown)!r}"
        raise ValueError(f"{path} is damaged: {problem}. {OF_RUN}")
    state = checkpoint.newest_state(path.parent / CHECKPOINTS) or {"setting": {}}
    was = state["setting"].get(checkpoint.FLOW)
    if was and (differ := checkpoint.changed_options(was, run["flow"])):  # before one is built, of whatever size
        raise ValueError(f"{path} is not what it was when the training began: {', '.join(differ)}. Put it back")
    torch.manual_seed(run["seed"])
    try:
        flow = build(run["flow"])
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. {OF_RUN}") from error
    if not isinstance(flow, Flow) or run["dtype"] not in ("float32", "float64"):
        problem = f"dtype is {run['dtype']!r}" if isinstance(flow, Flow) else f"{type(flow).__name__} is no flow"
        raise ValueError(f"{path} is damaged: {problem}. {OF_RUN}")
    try:
        return flow.to(device or run["device"], getattr(torch, run["dtype"]))
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"{path}: there is no device {run['device']!r} here. Choose one, such as --device cpu"
        ) from error


def _train(
    flow: Flow,
    data: Dataset,
    folder: Path,
    run: dict[str, Any],
    say: Callable[[str], None],
    progress: bool,
    *,
    begin: Callable[[], None] = lambda: None,
    resume: bool = False,
) -> dict[str, Any]:
    seed, options = run["seed"], defaults() | run["settings"] | earlier(run["settings"])
    history: list[dict[str, float]] = []
    for note in data.notes:
        say(note)

    spacing = max(1, (options["epochs"] or 0) // MOST_PICTURES)
    rest = (options["time_budget"] or 0.0) / MOST_PICTURES  # seconds between pictures
    drawn = -rest

    def start() -> None:
        begin()
        if resume and (state := checkpoint.newest_state(folder / CHECKPOINTS)) is not None:
            history.extend(state["position"]["history"])
            mend_history(folder / METRICS_FILE, history)

    def keep(record: dict[str, float], better: bool) -> None:
        nonlocal drawn, rest
        history[:] = [*(earlier for earlier in history if earlier["step"] < record["step"]), record]  # after a rollback
        write_atomically(folder / METRICS_FILE, lines(history))
        if not (folder / CHECKPOINTS / RUN_FILE).is_file():  # it is what resuming needs, too
            (folder / CHECKPOINTS).mkdir(exist_ok=True)
            write_atomically(folder / CHECKPOINTS / RUN_FILE, document(run))
        if better:
            flow.save_pretrained(folder, overwrite=True)
        due = math.ceil(record["epoch"]) % spacing in (0, 1 % spacing) and record["seconds"] >= drawn + rest
        started = time.perf_counter()
        picture = samples_picture(flow, data, seed=seed) if due else None
        if picture is not None:
            drawn = record["seconds"]
            if options["time_budget"] is not None:
                rest = max(rest, (time.perf_counter() - started) / DRAWING)
            (folder / SAMPLES_FOLDER).mkdir(exist_ok=True)
            write_atomically(folder / SAMPLES_FOLDER / f"{math.ceil(record['epoch']):04d}.png", picture)

    with saying(lambda: _more_memory(folder)):
        result = fit(
            flow, data, seed=seed, progress=progress, on_epoch=keep, folder=folder, resume=resume, on_start=start,
            **options,
        )  # fmt: skip
    if result.interrupted is not None:
        raise stopped_in_time(folder, result, run.get("command", ""))
    flow.save_pretrained(folder, overwrite=True)  # after a rollback another model may lie there
    write_atomically(folder / METRICS_FILE, lines(result.history))
    try:
        with saying(lambda: _more_memory(folder)):
            return conclude(flow, data, folder, run, result, say)
    except KeyboardInterrupt as stopped:
        raise interrupted(folder, stopped, "the training is done, but not its report") from None


def _more_memory(folder: Path) -> str:
    if not any((folder / CHECKPOINTS).glob("step-*")):
        return ""
    return f"With more memory the same training goes on by: diffeo train --resume {path_word(folder)}"


def _anywhere(name: str) -> str:
    """The name of a data set; of a file or folder by its whole path, so that it is found from another folder too."""
    kind, colon, path = name.partition(":")
    return readable(f"{kind}:{Path(path).expanduser().absolute()}") if colon else name
