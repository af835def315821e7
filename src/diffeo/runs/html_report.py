"""The report of a run: one HTML page that needs nothing beside it."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from diffeo.data import Dataset
from diffeo.evaluation import curves_picture, save_figure, units
from diffeo.evaluation.figures import svg
from diffeo.evaluation.numbers import beside, grouped, short
from diffeo.flow import Flow
from diffeo.runs.folder import Run, read_asked
from diffeo.runs.report_sections import (
    calibration_section,
    column_section,
    latent_section,
    memorisation_section,
    png_data,
    sample_section,
)
from diffeo.runs.samples import samples_picture
from diffeo.runs.verdicts import verdicts
from diffeo.system.warning import warn
from diffeo.system.writing import write_atomically

REPORT_FILE = "report.html"
MEANINGS = {
    "uniform": "every value equally likely",
    "histogram": "each dimension by itself, by its frequencies",
    "gaussian": "one normal with full covariance",
}


def write_report(
    folder: Path, flow: Flow, data: Dataset, summary: Mapping[str, Any], history: Sequence[dict[str, Any]]
) -> Path:
    """Write ``curves.png``, ``samples.png`` (of images and points of the plane) and ``report.html`` into a run folder.

    The page holds its pictures; it is readable on a phone, in the dark and on paper, and loads nothing.

    Args:
        folder: the run folder. ``run.json``, ``steps.csv`` and ``samples/*.png`` are used where they are there.
        flow: the trained flow.
        data: what it was trained on.
        summary: the content of ``summary.json``.
        history: one record an epoch.

    Returns:
        The page's path.
    """
    run = Run(folder, _record(folder, summary), dict(summary), list(history))
    seed = int(summary["seed"])
    title = f"{summary['flow']} on {data.name}"
    sign = 1.0 if run.in_bits else -1.0  # losses are drawn: a log-likelihood becomes its negative
    lines = {name: sign * _nan(value["mean"]) for name, value in summary["baselines"].items()}
    save_figure(curves_picture(run.history, run.unit, lines, title), folder / "curves.png")
    samples = samples_picture(flow, data, seed=seed)
    if samples is not None:
        write_atomically(folder / "samples.png", samples)
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("diffeo.runs", "."), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(short=_short, beside=_beside, figure=_figure, share=_share, duration=_duration)
    page = environment.get_template("report.html.j2").render(
        title=title,
        summary=summary,
        data=data,
        record=run.record,
        started=_day(run.record.get("started")),
        verdicts=verdicts(summary),
        likelihood=_likelihood(flow, data, summary),
        curves=svg(curves_picture(run.history, run.unit, lines, steps=run.step_losses())),
        samples=None if samples is None else png_data(samples),
        frames=sample_section(run),
        columns=column_section(flow, data, seed),
        latents=latent_section(flow, data, seed),
        calibration=calibration_section(flow, data, seed),
        memorisation=memorisation_section(flow, data, seed),
        memory=_memory(summary.get("peak_memory") or {}),
        timings=_timings(summary.get("timings") or {}),
        settings=_settings(run.record.get("settings") or summary.get("settings") or {}),
        plan=repr(flow),
    )
    write_atomically(folder / REPORT_FILE, page.encode())
    return folder / REPORT_FILE


def _record(folder: Path, summary: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return read_asked(folder)
    except (FileNotFoundError, ValueError) as error:
        if isinstance(error, ValueError):
            warn(str(error))
        return {"command": summary.get("command", ""), "settings": summary.get("settings", {})}


def _likelihood(flow: Flow, data: Dataset, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The test figure and its baselines, best first, each with its place on a common scale in percent."""
    bits = "test_bits_per_dim" in summary
    offsets = units(data)
    own = 0.0 if bits else offsets.own
    rows = [
        {
            "name": name,
            "meaning": MEANINGS.get(name, "this flow") + (f"; {note}" if note else ""),
            "mean": _nan(mean) + own,
            "median": None if median is None else median + own,
            "standardised": None if bits or offsets.standardised is None else _nan(mean) + offsets.standardised,
            "error": error,
            "flow": name not in summary["baselines"],
        }
        for name, mean, error, median, note in [
            (
                summary["flow"],
                summary["test_bits_per_dim" if bits else "test_log_likelihood"],
                summary["standard_error"],
                summary.get("median"),
                "",
            ),
            *(
                (name, value["mean"], value["standard_error"], value.get("median"), value.get("note"))
                for name, value in summary["baselines"].items()
            ),
        ]
    ]
    known = [row for row in rows if math.isfinite(row["mean"])]
    errors = [error if math.isfinite(error := _nan(row["error"])) else 0.0 for row in known]
    low = min((row["mean"] - 2 * error for row, error in zip(known, errors, strict=True)), default=0.0)
    high = max((row["mean"] + 2 * error for row, error in zip(known, errors, strict=True)), default=1.0)
    width = (high - low) or 1.0
    for row, error in zip(known, errors, strict=True):
        row["at"] = 3 + 94 * (row["mean"] - low) / width
        row["spread"] = 94 * 2 * error / width
    rows.sort(key=lambda row: (row["mean"] if bits else -row["mean"]) if math.isfinite(row["mean"]) else math.inf)
    return {
        "bits": bits,
        "rows": rows,
        "unit": "bits/dim" if bits else "nats",
        "better": "lower is better" if bits else "higher is better",
        "flow": next(row for row in rows if row["flow"]),
        "whose": "the table's own units" if data.columns else "the data's own units",
    }


def _nan(value: float | None) -> float:
    """What was not finite became null in the summary."""
    return math.nan if value is None else value


def _timings(timings: Mapping[str, float]) -> list[dict[str, Any]]:
    """Parts of the time, longest first, with their share in percent; those below one percent together."""
    total = sum(timings.values())
    if not total:
        return []
    ordered = sorted(timings.items(), key=lambda item: -item[1])
    large = [(part, seconds) for part, seconds in ordered if seconds >= 0.01 * total]
    rest = total - sum(seconds for _, seconds in large)
    parts = [*large, ("other", rest)] if len(large) < len(ordered) else large
    return [
        {"part": part.replace("_", " "), "seconds": seconds, "share": 100 * seconds / total} for part, seconds in parts
    ]


def _memory(peak: Mapping[str, float | None]) -> str:
    """What was held at the peak, in words; empty where it is not known."""
    places = (("process", "memory"), ("device", "GPU memory"))
    return ", ".join(f"{value:,.0f} MiB of {words}" for name, words in places if (value := peak.get(name)) is not None)


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), "none" if value is None else str(value)) for name, value in settings.items()]


def _day(started: object) -> str:
    try:
        return datetime.fromisoformat(str(started)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return ""


def _short(value: float | None, digits: int = 3) -> Markup:
    """A number for a reader: a true minus sign, large numbers in full, and small powers of ten written as such."""
    number, _, power = ("–" if value is None else short(value, digits)).partition("e")
    return Markup(f"{number} × 10<sup>{str(int(power)).replace('-', '−')}</sup>" if power else number)


def _beside(value: float, spread: float) -> Markup:
    """A number of a column with as many decimals as the column's spread asks for."""
    text = beside(value, spread)
    return _short(value, 4) if text is None else Markup(text)


def _figure(value: float | None) -> str:
    return "–" if value is None else grouped(value, 4)


def _share(percent: float) -> str:
    return f"{percent:.1f}" if percent < 10 else f"{percent:.0f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{rest} s" if not minutes else f"{minutes} min {rest} s"
