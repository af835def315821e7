"""A training in the terminal, from the files that it writes."""

import math
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from diffeo.data.pillow import Unreadable
from diffeo.evaluation.curves import thinned
from diffeo.runs.characters import Line, curves, picture
from diffeo.runs.folder import METRICS_FILE, RUN_FILE, Run, read_run
from diffeo.runs.verdicts import verdicts
from diffeo.system.proposals import path_word
from diffeo.training.options import STEPS_FILE

QUIET = 150.0  # seconds without a new line after which a training may have been stopped
LONGEST = 1e12  # seconds that are shown: a damaged file may hold more
WIDE = 100  # columns from which curves and samples stand side by side
STEP, TRAIN, VALIDATION = "bright_black", "white", "dark_orange"


def watch_run(folder: Path, console: Console, *, every: float = 2.0) -> None:
    """Show a run until its training has ended, or the user interrupts. It reads files, never the model.

    Raises:
        FileNotFoundError: if `folder` is no run.
    """
    run = read_run(folder)
    with Live(frame(run, console), console=console, auto_refresh=False, vertical_overflow="crop") as live:
        try:
            while run.summary is None:
                time.sleep(every)
                run = read_run(folder)
                live.update(frame(run, console), refresh=True)
        except KeyboardInterrupt:
            return


def frame(run: Run, console: Console) -> RenderableType:
    """What there is to see of a run now: where it is, its curves, its newest samples."""
    width, height = console.width, max(16, console.height - 1 if console.is_terminal else 36)
    losses = run.step_losses()
    head = _head(run, len(losses))
    pictures = run.sample_pictures()
    side = pictures and width >= WIDE
    space = height - len(head) - 4
    curve_width = (width * 11 // 20) if side else min(width, 110)
    curve_height = min(20, space if side or not pictures else space // 2)
    left: list[RenderableType] = [_legend(run), _curves(run, losses, curve_width, max(4, curve_height))]
    if not pictures:
        return Group(*head, Text(), *left)
    room = (width - curve_width - 4, space - 1) if side else (min(width, 110), space - curve_height - 3)
    name = pictures[-1].stem.lstrip("0")
    right: list[RenderableType] = [
        Text(f"samples after epoch {name}" if name.isdigit() else "samples", "dim"),
        _samples(pictures[-1], room[0], max(6, room[1]), console),
    ]
    if not side:
        return Group(*head, Text(), *left, Text(), *right)
    table = Table.grid(padding=(0, 4, 0, 0))
    table.add_row(Group(*left), Group(*right))
    return Group(*head, Text(), table)


def _head(run: Run, steps: int) -> list[Text]:
    flow = (run.record.get("flow") or {}).get("class") or (run.summary or {}).get("flow", "")
    title = Text.assemble((f"{flow} on {run.data_name}".strip(), "bold"), (f"   {run.folder}", "dim"))
    lines = [title, _state(run, steps), *(Text(line, "bold") for line in verdicts(run.summary or {}))]
    last = run.history[-1] if run.history else {}
    if last:
        best = min((r["validation"] for r in run.history if r.get("validation") is not None), default=None)
        lines.append(
            Text.assemble(
                (f"validation {_figure(last.get('validation'))}", VALIDATION),
                f"   best {_figure(best)}   train {_figure(last.get('train'))} {'bits/dim' if run.in_bits else 'nats'}",
                (f"   lr {last.get('lr') or 0:.1e}   gradient {_figure(last.get('gradient_norm'))}", "dim"),
            )
        )
    flights = sorted((run.folder / "flight").glob("step-*"))
    if flights:
        lines.append(Text(f"something was not finite: read {flights[-1] / 'report.txt'}", "bold red"))
    return lines


def _state(run: Run, steps: int) -> Text:
    """Where the training is, in a line, by its epochs and the steps in the file of their losses."""
    last = run.history[-1] if run.history else {}
    epochs = (run.record.get("settings") or {}).get("epochs")
    steps = max(last.get("step", 0), steps)
    where = f"epoch {last.get('epoch', 0):g}" + (f" of {epochs}" if epochs else "") + f", {steps:,} steps"
    if run.summary is not None:
        key = "test_bits_per_dim" if run.in_bits else "test_log_likelihood"
        unit = "bits/dim" if run.in_bits else "nats"
        return Text.assemble(
            ("ended", "bold green"),
            f" ({run.summary['stopped']}): {where}, {_time(run.summary['seconds'])}   ",
            (f"test {_figure(run.summary[key])} ± {_figure(run.summary['standard_error'])} {unit}", "bold"),
        )
    silent = time.time() - _last_change(run.folder)
    if silent > QUIET:
        return Text.assemble(
            ("no news", "bold yellow"),
            f" for {_time(silent)}: {where}. If it was stopped: diffeo train --resume {path_word(run.folder)}",
        )
    return Text.assemble(("running", "bold green"), f": {where}, {_time(last.get('seconds') or 0.0)}")


def _legend(run: Run) -> Text:
    return Text.assemble(
        (f"{run.unit} by steps", "dim"),
        ("   ─ single steps", STEP) if (run.folder / STEPS_FILE).is_file() else "",
        ("   ─ training", TRAIN),
        ("   ─ validation", VALIDATION),
    )


def _curves(run: Run, losses: Sequence[float], width: int, height: int) -> RenderableType:
    at = [_number(record, "step") for record in run.history]
    lines = []
    if losses:
        each, times = thinned(losses, width)
        across = np.minimum((np.arange(len(each)) + 0.5) * times, len(losses))
        lines.append(Line(across.tolist(), each.tolist(), STEP))
    for key, style in (("train", TRAIN), ("validation", VALIDATION)):
        lines.append(Line(at, [_number(record, key) for record in run.history], style))
    low, high = _span([y for line in lines[-2:] for y in line.up], list(lines[0].up) if losses else [])
    if not math.isfinite(low):
        return Text("no step yet", "dim")
    return curves(lines, low, high, width=width, height=height)


def _span(epochs: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    """Where the curves are after their first fall."""
    shown = [y for y in epochs if math.isfinite(y)]
    settled = [y for y in losses[len(losses) // 4 :] if math.isfinite(y)]
    ends = [*np.quantile(shown, (0.0, 0.9))] if shown else []
    ends += [*np.quantile(settled, (0.05, 0.9))] if settled else []
    if not ends:
        return math.nan, math.nan
    low, high = float(min(ends)), float(max(ends))
    margin = 0.03 * (high - low) or 0.05
    return low - margin, high + margin


def _samples(path: Path, width: int, height: int, console: Console) -> RenderableType:
    try:
        return picture(path, width=width, height=height, coloured=console.color_system is not None)
    except Unreadable:  # replaced or removed just now
        return Text("")


def _last_change(folder: Path) -> float:
    """When one of the files that a training appends to last grew, in seconds since 1970."""
    times = [path.stat().st_mtime for name in (METRICS_FILE, STEPS_FILE, RUN_FILE) if (path := folder / name).is_file()]
    return max(times, default=0.0)


def _number(record: dict[str, Any], key: str) -> float:
    value = record.get(key)
    return math.nan if value is None else float(value)


def _figure(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4f}"


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(min(seconds, LONGEST))))
