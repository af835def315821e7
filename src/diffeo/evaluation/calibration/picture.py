"""Calibration as a picture: three panels that would be flat, straight and low."""

import math
from typing import TYPE_CHECKING

from diffeo.evaluation.calibration.calibration import Calibration
from diffeo.evaluation.figures import DATA, INK, SAMPLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def calibration_picture(found: Calibration) -> "Figure":
    """Three panels: the probability integral transform, coverage of regions, distance of every latent dimension."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    transform, regions, dimensions = figure.subplots(1, 3)

    bars = found.normality.histogram
    entries = found.rows * len(found.normality.distance)
    spread = 2 * math.sqrt((1 / len(bars)) * (1 - 1 / len(bars)) / entries)
    left = [i / len(bars) for i in range(len(bars))]
    transform.bar(left, [bar * len(bars) for bar in bars], width=1 / len(bars), align="edge", color=SAMPLE, alpha=0.7)
    transform.axhline(1.0, color=INK, linewidth=0.8)
    transform.axhspan(1 - spread * len(bars), 1 + spread * len(bars), color=DATA, alpha=0.3, linewidth=0)
    transform.set(xlim=(0, 1), xlabel="normal cdf of z", ylabel="density", title="latents of data (flat is right)")

    cover = found.coverage
    regions.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    low = [level - 2 * error for level, error in zip(cover.levels, cover.error, strict=True)]
    high = [level + 2 * error for level, error in zip(cover.levels, cover.error, strict=True)]
    regions.fill_between(cover.levels, low, high, color=DATA, alpha=0.3, linewidth=0)
    regions.plot(cover.levels, cover.found, color=SAMPLE, marker="o", markersize=4)
    regions.set(
        xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="part of samples", ylabel="part of data",
        title="regions of high density",
    )  # fmt: skip

    distance = sorted(found.normality.distance, reverse=True)
    root = math.sqrt(found.rows)
    dimensions.plot(range(1, len(distance) + 1), distance, color=SAMPLE, marker="o" if len(distance) < 30 else "")
    dimensions.axhline(1.63 / (root + 0.12 + 0.11 / root), color=INK, linewidth=0.8, linestyle=":")
    dimensions.annotate("p = 0.01", (1.0, 1.63 / root), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                        fontsize=9, color=INK)  # fmt: skip
    dimensions.set(ylim=(0, None), xlabel="latent dimension, worst first", ylabel="distance from the normal",
                   title="every latent dimension")  # fmt: skip
    return figure
