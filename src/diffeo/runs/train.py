"""A run folder: everything that a training leaves behind, each file whole."""

import json
import math
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import diffeo
from diffeo import io
from diffeo.data import Dataset
from diffeo.evaluation import (
    baselines,
    integral,
    labels_for,
    likelihood,
    log_det_error,
    round_trip,
)
from diffeo.flow import Flow
from diffeo.runs.folder import METRICS_FILE, SUMMARY_FILE
from diffeo.runs.report import write_report
from diffeo.runs.samples import on_the_plane
from diffeo.training.fit import fit


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
    **options: Any,
) -> dict[str, Any]:
    """Train `flow` on `data`, evaluate it on the test part, and write all of it into the new `folder`.

    The folder gets ``config.json`` and ``model.safetensors`` (the averaged weights of the best validation
    loss so far, from the first epoch on), ``metrics.jsonl``, ``summary.json``, ``samples.png``,
    ``curves.png`` and ``report.html``. Returns the summary.

    Args:
        flow: the flow.
        data: the data set.
        folder: must not exist, or be empty.
        seed: of order, noise, evaluation and the picture's samples.
        command: what made the run, to be written down.
        say: told what is being done.
        options: the rest goes to :func:`diffeo.fit`.

    Raises:
        FileExistsError: if the folder holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty. Choose another with --out, or remove it")
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise NotADirectoryError(f"{folder} cannot be made: {nearest} is not a folder that can be written to")
    simple = {name: value for name, value in baselines(data).items() if math.isfinite(value.mean)}

    def keep(record: dict[str, float], better: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / METRICS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(_plain(record), allow_nan=False) + "\n")
        if better:
            flow.save_pretrained(folder, overwrite=True)

    result = fit(flow, data, seed=seed, on_epoch=keep, **options)
    say(f"evaluating on {len(data.test):,} test rows")
    started = time.perf_counter()
    found = likelihood(flow, data.test, seed=seed)
    labels = labels_for(flow, data.test)
    trip = round_trip(flow, data.test.x, labels)
    summary = {
        "flow": type(flow).__name__,
        "data": data.name,
        "test_bits_per_dim" if flow.door is not None else "test_log_likelihood": found.mean,
        "standard_error": found.standard_error,
        "test_rows": len(data.test),
        "baselines": {
            name: {"mean": value.mean, "standard_error": value.standard_error} for name, value in simple.items()
        },
        "round_trip_error": trip.error,
        "wrong_values": trip.wrong_values,
        "log_det_error": log_det_error(flow, data.test.x, labels),
        "integral": integral(flow, seed=seed) if on_the_plane(flow) else None,
        "best_validation": result.best["validation"],
        "best_epoch": result.best["epoch"],
        "stopped": result.stopped,
        "skipped_steps": result.skipped,
        "seconds": result.seconds,
        "evaluation_seconds": time.perf_counter() - started,
        "steps": result.steps,
        "parameters": sum(parameter.numel() for parameter in flow.parameters()),
        "seed": seed,
        "settings": {name: value for name, value in options.items() if name != "progress"},
        "command": command,
        "versions": {
            "diffeo": diffeo.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "threads": torch.get_num_threads(),
        },
    }
    io.write_atomically(
        folder / SUMMARY_FILE,
        (json.dumps(_plain(summary), indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode(),
    )
    write_report(folder, flow, data, summary, result.history)
    return summary


def _plain(value: Any) -> Any:
    """For JSON, which has no NaN: what is not finite becomes null."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
