"""Calibration as a picture: three panels, each with the band in which nineteen in twenty true flows lie."""

import math
from typing import TYPE_CHECKING

import numpy as np

from diffeo.evaluation.calibration.calibration import Calibration
from diffeo.evaluation.calibration.coverage import Coverage
from diffeo.evaluation.calibration.normality import Normality
from diffeo.evaluation.figures import DATA, INK, SAMPLE, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 30  # dimensions that get a dot each


def calibration_picture(found: Calibration) -> "Figure":
    """Three panels: the probability integral transform, coverage of regions, distance of every latent dimension."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    transform, regions, dimensions = figure.subplots(1, 3)
    _transform(transform, found.normality)
    _regions(regions, found.coverage)
    _dimensions(dimensions, found.normality)
    for axes in (transform, regions, dimensions):
        plain(axes)
    return figure


def _transform(axes: "Axes", latents: Normality) -> None:
    bins = len(latents.histogram)
    heights = [part * bins for part in latents.histogram]
    spread = 1.96 * math.sqrt((bins - 1) / (latents.rows * len(latents.distance)))  # of a binomial count, as a density
    axes.stairs(heights, np.linspace(0, 1, bins + 1), fill=True, color=SAMPLE, alpha=0.7)
    axes.axhspan(1 - spread, 1 + spread, color=DATA, alpha=0.4, linewidth=0)
    axes.axhline(1.0, color=INK, linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1.15 * max(*heights, 1 + spread)), xlabel="normal cdf of z", ylabel="density",
             title="latents of data (flat is right)")  # fmt: skip


def _regions(axes: "Axes", cover: Coverage) -> None:
    levels, error = np.array([0, *cover.levels, 1]), np.array([0, *cover.error, 0])
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    axes.fill_between(levels, levels - 1.96 * error, levels + 1.96 * error, color=DATA, alpha=0.4, linewidth=0)
    axes.plot(cover.levels, cover.found, color=SAMPLE, marker="o", markersize=4, clip_on=False)
    axes.set(
        xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="part of samples", ylabel="part of data",
        title="regions of high density",
    )  # fmt: skip


def _dimensions(axes: "Axes", latents: Normality) -> None:
    """Sorted distances over those of as many true dimensions: the i-th smallest p-value is Beta(i, D + 1 - i)."""
    from matplotlib.ticker import MaxNLocator
    from scipy.stats import beta, kstwobign

    n = len(latents.distance)
    shown = np.unique(np.linspace(0, n - 1, min(n, 200)).round().astype(int))  # enough for a curve
    root = math.sqrt(latents.rows)
    low, middle, high = (
        kstwobign.isf(beta.ppf(q, shown + 1, n - shown)) / (root + 0.12 + 0.11 / root)  # Stephens 1970: fast, to 4 %
        for q in (0.975, 0.5, 0.025)
    )
    rank, width = np.arange(1, n + 1), 0.5 if n <= FEW else 0.0
    at = np.stack([shown + 1 - width, shown + 1 + width], 1).ravel()
    axes.fill_between(at, low.repeat(2), high.repeat(2), color=DATA, alpha=0.4, linewidth=0)
    axes.plot(at, middle.repeat(2), color=INK, linewidth=0.8)
    axes.plot(rank, sorted(latents.distance, reverse=True), color=SAMPLE, marker="o" if n <= FEW else "")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlim=(min(1 - width, n - 0.5), n + width), ylim=(0, None), xlabel="latent dimension, largest first",
             ylabel="distance from the normal", title="every latent dimension")  # fmt: skip
