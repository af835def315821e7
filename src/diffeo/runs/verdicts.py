"""What a reader of a run's figures has to know before the figures."""

import math
import shlex
from collections.abc import Mapping
from typing import Any

from diffeo.system.proposals import without_options

DEMO = "diffeo train --config realnvp-digits"  # the same training, as a command with options
REPLACED = ("--epochs", "--time-budget", "--out")


def verdicts(found: Mapping[str, Any]) -> list[str]:
    """In words, of a summary or of what :func:`~diffeo.evaluation.evaluate` found: which simple densities do better,
    whether the training ended too early, and whether a few rows decide the means.

    Figures of older runs lack some of these fields; nothing is said of what is not known.
    """
    lines = []
    if worse := found.get("worse_than"):
        lines.append(
            f"worse than {' and '.join(worse)}: on the same rows {_plural(worse)} a higher likelihood than "
            f"{found['flow']}, by more than noise"
        )
    if found.get("still_improving"):
        command = found.get("train_longer")
        advice = f"Train longer: {command}" if command else "Train longer, with more epochs or a larger time budget"
        lines.append(f"still improving: the best epoch was the last one, {found['best_epoch']:g}. {advice}")
    bits = "test_bits_per_dim" in found or "bits_per_dim" in found
    figure = found.get("bits_per_dim" if bits else "log_likelihood") or {}
    far = found.get("far_rows") or figure.get("far") or 0
    if far:
        rows = found.get("test_rows", found.get("rows"))
        median = found.get("median", figure.get("median"))
        said = "not finite" if median is None or not math.isfinite(median) else f"{median:,.4f}"
        lines.append(
            f"{far:,} of {rows:,} rows {'lies' if far == 1 else 'lie'} so far from the others that the mean says "
            f"little of them: the median is {said} {'bits/dim' if bits else 'nats'}"
        )
    return lines


def train_longer(command: str, settings: Mapping[str, Any]) -> str | None:
    """The command of a training, with twice its length, into another run folder; None where it was no command.

    Example:
        >>> train_longer("diffeo train realnvp moons --epochs 20 --out runs/a", {"epochs": 20, "time_budget": None})
        'diffeo train realnvp moons --epochs 40'
    """
    kept = _without(DEMO if command.split() == ["diffeo", "demo"] else command, REPLACED)
    if kept is None:
        return None
    if settings.get("epochs") is not None:
        kept += ["--epochs", str(2 * settings["epochs"])]
    if settings.get("time_budget") is not None:
        kept += ["--time-budget", f"{math.ceil(2 * settings['time_budget'])}s"]
    return shlex.join(kept)


def elsewhere(command: str) -> str:
    """The command of a training, into another run folder: the next that is free.

    Example:
        >>> elsewhere("diffeo train realnvp moons --out runs/a")
        'diffeo train realnvp moons'
    """
    kept = _without(command, ("--out",))
    return command if kept is None else shlex.join(kept)


def _without(command: str, options: tuple[str, ...]) -> list[str] | None:
    """The words of a training's command but for these options; None of anything else."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quote that does not end: it is text of the user's
        return None
    return without_options(words, options) if words[:2] == ["diffeo", "train"] else None


def _plural(names: list[str]) -> str:
    return "this simple density has" if len(names) == 1 else "these simple densities have"
