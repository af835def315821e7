"""The end of a run: the test part, the summary and the report."""

import platform
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import diffeo
from diffeo.data import Dataset
from diffeo.evaluation import (
    better_ones,
    condition_for,
    deviations,
    estimate,
    integral,
    log_det_error,
    round_trip,
    row_log_probs,
    simple_densities,
)
from diffeo.evaluation.likelihood import bits_per_nat
from diffeo.evaluation.part import described
from diffeo.flow import Flow
from diffeo.runs.folder import SUMMARY_FILE
from diffeo.runs.html_report import write_report
from diffeo.runs.peak_memory import peak_memory
from diffeo.runs.record_files import document
from diffeo.runs.samples import on_the_plane
from diffeo.runs.verdicts import train_longer
from diffeo.system.writing import write_atomically
from diffeo.training.options import CHECKPOINTS
from diffeo.training.result import Fit


def conclude(
    flow: Flow,
    data: Dataset,
    folder: Path,
    run: dict[str, Any],
    result: Fit,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Evaluate, and write the summary, the pictures and the report."""
    seed = run["seed"]
    say(f"evaluating on {len(data.test):,} test rows")
    started = time.perf_counter()
    bits = flow.door is not None
    per_row = row_log_probs(flow, data.test, seed=seed) * (bits_per_nat(flow) if bits else 1.0)
    found = estimate(per_row)
    simple = simple_densities(data)
    labels = condition_for(flow, data.test)
    trip = round_trip(flow, data.test.x, labels, deviation=deviations(data.train.x))
    improving = result.best["epoch"] == result.history[-1]["epoch"]
    summary = {
        "flow": type(flow).__name__,
        "data": data.name,
        "data_options": run["data"]["options"],
        "notes": data.notes,
        "worse_than": better_ones(simple, per_row, lower_is_better=bits),
        "still_improving": improving,
        "train_longer": train_longer(run["command"], run["settings"]) if improving else None,
        "test_bits_per_dim" if bits else "test_log_likelihood": found.mean,
        "standard_error": found.standard_error,
        "median": found.median,
        "far_rows": found.far,
        "test_rows": len(data.test),
        "baselines": described(simple),
        "round_trip_error": trip.error,
        "round_trip_error_standardised": trip.standardised,
        "wrong_values": trip.wrong_values,
        "log_det_error": log_det_error(flow, data.test.x, labels),
        "integral": integral(flow, seed=seed) if on_the_plane(flow) else None,
        "best_validation": result.best["validation"],
        "best_epoch": result.best["epoch"],
        "stopped": result.stopped,
        "skipped_steps": result.skipped,
        "rollbacks": result.rollbacks,
        "incidents": [str(incident) for incident in result.incidents],
        "seconds": result.seconds,
        "timings": result.timings,
        "evaluation_seconds": time.perf_counter() - started,
        "peak_memory": peak_memory(flow.device),
        "steps": result.steps,
        "parameters": sum(parameter.numel() for parameter in flow.parameters()),
        "precision": result.precision,
        "seed": seed,
        "settings": run["settings"],
        "command": run["command"],
        "versions": versions(result.threads),
    }
    write_atomically(folder / SUMMARY_FILE, document(summary))
    write_report(folder, flow, data, summary, result.history)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # the run is complete
    return summary


def versions(threads: int) -> dict[str, Any]:
    """What a training depends on besides what it was asked for: what was installed, and how many threads computed."""
    return {
        "diffeo": diffeo.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "threads": threads,
    }
