"""A table's columns: samples beside data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from diffeo.evaluation.figures import DATA, SAMPLE, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTILES = (0.05, 0.5, 0.95)
BINS = 40
ROOM = 32  # letters below a histogram
POINTS = 1500  # of each kind in a panel of the pair plot


@dataclass(frozen=True)
class Side:
    """One column of the data, or of the samples, in numbers; `quantiles` are those of 5, 50 and 95 percent."""

    mean: float
    deviation: float
    quantiles: tuple[float, float, float]


@dataclass(frozen=True)
class Column:
    """A column of the data beside the samples', and the Kolmogorov-Smirnov distance between them, from 0 to 1."""

    name: str
    data: Side
    samples: Side
    distance: float


def compare_columns(data: Tensor, samples: Tensor, names: Sequence[str]) -> list[Column]:
    """Every column in numbers.

    Example:
        >>> x = torch.arange(100.0)[:, None]
        >>> found = compare_columns(x, x + 10, ["height"])[0]
        >>> found.samples.mean - found.data.mean, found.distance
        (10.0, 0.1)
    """
    from scipy.stats import ks_2samp

    return [
        Column(name, _side(a), _side(b), round(float(ks_2samp(a, b, method="asymp").statistic), 12))
        for name, a, b in zip(names, data.double().numpy().T, samples.double().numpy().T, strict=True)
    ]


def chance_distance(rows: int, samples: int) -> float:
    """The Kolmogorov-Smirnov distance that equal distributions exceed once in twenty times."""
    return 1.358 * math.sqrt((rows + samples) / (rows * samples))


def correlation_difference(data: Tensor, samples: Tensor) -> Tensor:
    """Correlations of the samples less those of the data, ``(D, D)``; 0 where a column is constant."""
    return _correlation(samples) - _correlation(data)


def column_picture(data: Tensor, samples: Tensor, label: str) -> "Figure":
    """Histograms of one column, of the data and of the samples."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.8, 2.0), layout="constrained")
    axes = figure.subplots()
    span = _span(data)
    axes.stairs(*_density(data, span), fill=True, color=DATA, alpha=0.45)
    axes.stairs(*_density(samples, span), color=SAMPLE, linewidth=1.4)
    axes.set(title=label, yticks=[])
    axes.title.set_fontsize(10)
    axes.tick_params(labelsize=8)
    plain(axes)
    ticks = axes.xaxis.get_major_formatter().format_ticks(list(axes.get_xticks()))
    if len("".join(ticks)) > ROOM:
        axes.locator_params(axis="x", nbins=3)
    axes.spines["left"].set_visible(False)
    return figure


def pair_picture(data: Tensor, samples: Tensor, labels: Sequence[str]) -> "Figure":
    """Samples over data for every pair of columns, with histograms on the diagonal."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    n = len(labels)
    close = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    figure = Figure(figsize=(1.7 * n + 0.6, 1.7 * n + 0.4), layout=close)
    panels = figure.subplots(n, n, squeeze=False)
    spans = [_span(data[:, i]) for i in range(n)]
    for row in range(n):
        for column in range(n):
            axes = panels[row, column]
            if column > row:
                axes.set_axis_off()
                continue
            axes.set(xlim=spans[column])
            if row == column:
                for x, colour, alpha in ((data, DATA, 0.45), (samples, SAMPLE, 0.45)):
                    axes.stairs(*_density(x[:, row], spans[row]), fill=True, color=colour, alpha=alpha)
                axes.set(yticks=[])
            else:
                axes.set(ylim=spans[row])
                for x, colour, alpha in ((data, DATA, 0.5), (samples, SAMPLE, 0.4)):
                    across, up = x[:POINTS, column].numpy(), x[:POINTS, row].numpy()
                    axes.scatter(across, up, s=3, color=colour, alpha=alpha, linewidths=0, rasterized=True)
                if column:
                    axes.set(yticklabels=[])
            if row < n - 1:
                axes.set(xticklabels=[])
            axes.locator_params(nbins=3)
            axes.tick_params(labelsize=7)
            plain(axes)
        panels[n - 1, row].set_xlabel(labels[row], fontsize=9)
        panels[row, 0].set_ylabel(labels[row], fontsize=9)
    return figure


def correlation_picture(difference: Tensor, labels: Sequence[str]) -> "Figure":
    """How far the samples' correlations are off, as a matrix of colours."""
    from matplotlib.figure import Figure

    n = len(labels)
    side = min(7.0, 2.2 + 0.32 * n)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    largest = max(0.05, float(difference.abs().max()))
    shown = axes.imshow(difference.numpy(), cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    if n <= 30:
        axes.set_xticks(range(n), labels, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
        axes.set_yticks(range(n), labels, fontsize=8)
    else:
        axes.set(xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, shrink=0.75)
    return figure


def _side(x: np.ndarray) -> Side:
    low, middle, high = map(float, np.quantile(x, QUANTILES))
    return Side(float(x.mean()), float(x.std()), (low, middle, high))


def _correlation(x: Tensor) -> Tensor:
    found: Tensor = torch.atleast_2d(x.double().T.corrcoef())
    return found.nan_to_num(0.0)


def _density(x: Tensor, span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Heights and edges of a histogram; what lies outside counts in the total only."""
    edges = np.linspace(*span, BINS + 1)
    return np.histogram(x.numpy(), edges)[0] / max(1, len(x)) / (edges[1] - edges[0]), edges


def _span(column: Tensor) -> tuple[float, float]:
    """Where nearly all of a column lies, with a margin; far outliers are left outside."""
    low, high = np.quantile(column.numpy(), (0.002, 0.998))
    margin = 0.05 * (high - low) or max(0.5, abs(float(low)) * 0.05)
    return float(low - margin), float(high + margin)
