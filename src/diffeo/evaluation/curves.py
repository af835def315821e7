"""Pictures of learning curves: one training's, and several side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diffeo.evaluation.figures import DATA, INK, SAMPLE, SERIES, plain
from diffeo.evaluation.fonts import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = Mapping[str, float | None]
FEW = 10  # losses that are all shown, however far the first is from the last
POINTS = 800  # of the curve of steps: beyond, each stands for the mean of several steps


def curves_picture(
    history: Sequence[Record],
    unit: str,
    baselines: Mapping[str, float],
    title: str = "",
    *,
    steps: Sequence[float] = (),
) -> "Figure":
    """Training and validation loss by epoch, with the baselines as lines and, faintly, the loss of every step."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    epochs = [_number(record, "epoch") for record in history]
    if steps and history:
        each, width = thinned(steps)
        per_epoch = _number(history[-1], "step") / max(_number(history[-1], "epoch"), 1e-9)
        across = (np.arange(len(each)) + 0.5) * width / max(per_epoch, 1.0)
        label = "single steps" if width == 1 else f"steps, means of {width}"
        axes.plot(across, each, color=DATA, linewidth=0.7, alpha=0.4, label=label)
    mark = "o" if len(epochs) < 10 else ""
    for key, colour, label in (
        ("train", DATA, "training batches"),
        ("validation", SAMPLE, "validation, averaged weights"),
    ):
        axes.plot(
            epochs, [_number(record, key) for record in history], color=colour, marker=mark, markersize=4, label=label
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown = [_number(record, k) for record in history for k in ("train", "validation")]
    settled = [loss for loss in steps[len(steps) // 2 :] if math.isfinite(loss)]
    _limit(axes, [*shown, *np.quantile(settled, (0.1, 0.9))] if settled else shown, baselines)
    axes.set_xlim(0, 1.02 * max([1.0, *(epoch for epoch in epochs if math.isfinite(epoch))]))
    axes.set(xlabel="epoch", ylabel=unit, title=drawable(title))
    axes.legend(frameon=False)
    plain(axes)
    return figure


def comparison_picture(histories: Mapping[str, Sequence[Record]], unit: str) -> "Figure":
    """Validation curves of several runs over the seconds that they took, and over their epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for i, (name, history) in enumerate(histories.items()):
        colour, dashes = SERIES[i % len(SERIES)], ("-", "--", ":")[i // len(SERIES) % 3]
        losses = [_number(record, "validation") for record in history]
        for axes, key in zip(panels, ("seconds", "epoch"), strict=True):
            across = [_number(record, key) for record in history]
            mark = "o" if len(across) < 10 else ""
            axes.plot(across, losses, color=colour, linestyle=dashes, marker=mark, markersize=4, label=drawable(name))
            if losses:
                best = min(range(len(losses)), key=lambda i: math.inf if math.isnan(losses[i]) else losses[i])
                axes.plot(across[best], losses[best], "*", color=colour, markersize=11, markeredgecolor="white")
    every = [_number(record, "validation") for history in histories.values() for record in history]
    for axes, key in zip(panels, ("seconds of training", "epochs"), strict=True):
        _limit(axes, every, {})
        axes.set(xlabel=key)
        plain(axes)
    panels[0].set(ylabel=f"validation loss, {unit}")
    panels[1].legend(frameon=False)
    return figure


def thinned(losses: Sequence[float], points: int = POINTS) -> tuple[np.ndarray, int]:
    """At most `points` means over as many steps each, and how many; what is not finite counts as missing.

    Example:
        >>> thinned([1.0, 3.0, 5.0, 7.0], 2)
        (array([2., 6.]), 2)
    """
    width = max(1, -(-len(losses) // points))
    array = np.asarray(losses, float)
    array = np.where(np.isfinite(array), array, np.nan)
    array = np.pad(array, (0, -len(array) % width), constant_values=np.nan).reshape(-1, width)
    counted = np.isfinite(array).sum(1)
    return np.where(counted > 0, np.nansum(array, 1) / np.maximum(counted, 1), np.nan), width


def _number(record: Record, key: str) -> float:
    """What a record holds; NaN where it is missing, or was not finite and so became null."""
    value = record.get(key)
    return math.nan if value is None else float(value)


def _limit(axes: "Axes", shown: Sequence[float], baselines: Mapping[str, float]) -> None:
    """Show where the curves end rather than where they start, and the baselines that are near."""
    shown = [value for value in shown if math.isfinite(value)]
    if not shown:
        return
    bottom, top = min(shown), float(np.quantile(shown, 0.9 if len(shown) > FEW else 1.0))
    lines = {name: value for name, value in baselines.items() if math.isfinite(value)}
    near = [value for value in lines.values() if bottom <= value < top + 2 * (top - bottom) + 0.1]
    top = max([top, *near]) + 0.05 * (max([top, *near]) - bottom)
    margin = 0.05 * (top - bottom) or 0.1
    axes.set_ylim(bottom - margin, top + margin)
    for name, value in lines.items():
        if bottom <= value <= top:
            axes.axhline(value, color=INK, linewidth=0.8, linestyle=":")
            axes.annotate(
                name,
                (1.0, value),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=9,
                color=INK,
            )
