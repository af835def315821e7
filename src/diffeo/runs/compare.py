"""Several runs on the same data, side by side."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffeo.evaluation import comparison_picture, estimate, row_log_probs, save_figure, units
from diffeo.evaluation.likelihood import bits_per_nat
from diffeo.runs.folder import Run, resolved
from diffeo.system.writing import write_atomically


def compare_runs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One record a run, in the order given: what it is, what it reaches on the test rows, what it cost.

    ``difference`` is the run's figure less the first one's, with the standard error of the mean of the rows'
    differences: the rows are the same, and so is the noise that integers get, so that it is much smaller than the
    errors of the two figures. A run whose training was stopped is taken as it is, with ``finished`` false.

    Raises:
        ValueError: if there are fewer than two, or the data sets differ.
    """
    if len(runs) < 2:
        raise ValueError("compare needs at least two runs: diffeo compare RUN RUN")
    _same_data(runs)
    datasets = [run.load_data() for run in runs]  # the same rows, with different conditions perhaps
    data = datasets[0]
    seed = int(runs[0].record.get("seed") or 0)
    offset = units(data).own
    records, first = [], None
    for run, own in zip(runs, datasets, strict=True):
        flow = run.load_flow()
        log_prob = row_log_probs(flow, own.test, seed=seed)
        bits = flow.door is not None
        figures = log_prob * bits_per_nat(flow) if bits else log_prob + offset
        first = figures if first is None else first
        summary, last = run.summary or {}, run.history[-1] if run.history else {}
        records.append(
            {
                "run": str(run.folder),
                "flow": type(flow).__name__,
                "data": data.name,
                "unit": "bits/dim" if bits else "nats",
                "rows": len(data.test),
                **vars(estimate(figures)),
                "difference": None if figures is first else vars(estimate(figures - first)),
                "parameters": sum(parameter.numel() for parameter in flow.parameters()),
                "seconds": summary.get("seconds", last.get("seconds")),
                "steps": summary.get("steps", last.get("step")),
                "round_trip_error": summary.get("round_trip_error"),
                "round_trip_error_standardised": summary.get("round_trip_error_standardised"),
                "wrong_values": summary.get("wrong_values"),
                "finished": run.summary is not None,
            }
        )
    return records


def _same_data(runs: Sequence[Run]) -> None:
    """Refuse to compare what cannot be. What densities are conditioned on may differ: it changes no row."""
    found = {
        repr(
            (
                resolved(run.data_name),
                sorted((name, value) for name, value in run.data_options.items() if name != "condition"),
            )
        )
        for run in runs
    }
    if len(found) > 1:
        said = "; ".join(
            f"{run.folder} on {run.data_name}"
            + "".join(f", {name} {value}" for name, value in sorted(run.data_options.items()))
            for run in runs
        )
        raise ValueError(f"these runs are on different data, and their figures cannot be compared: {said}")


def write_comparison_picture(runs: Sequence[Run], path: Path) -> None:
    """Draw the runs' validation curves, over seconds and over epochs, as PNG."""
    buffer = io.BytesIO()
    names = [run.name for run in runs]
    labels = names if len(set(names)) == len(names) else [str(run.folder) for run in runs]
    histories = {label: run.history for label, run in zip(labels, runs, strict=True)}
    save_figure(comparison_picture(histories, runs[0].unit), buffer)
    write_atomically(path, buffer.getvalue())
