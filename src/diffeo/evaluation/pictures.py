"""Pictures of samples, densities and learning curves."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch
from torch import Tensor

from diffeo.flow import Flow

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

INK, DATA, SAMPLE = "#222222", "#777777", "#d55e00"  # safe for red-green blindness (Okabe and Ito)


def image_grid(images: Tensor, values: int = 256, *, columns: int | None = None, pixels: int = 640) -> "Image":
    """Integers ``(N, C, H, W)`` with 1 or 3 channels as one picture, at least `pixels` wide, pixel edges kept."""
    from PIL import Image as PIL

    n, channels, height, width = images.shape
    if channels not in (1, 3):
        raise ValueError(f"a picture needs 1 or 3 channels, got {channels}")
    columns = columns or max(1, math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    grid = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), 128, np.uint8)
    grey = (
        (images.cpu().double() * (255 / (values - 1))).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    )
    for i, image in enumerate(grey):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        grid[top : top + height, left : left + width] = image
    times = max(1, math.ceil(pixels / grid.shape[1]))
    picture = PIL.fromarray(grid[:, :, 0] if channels == 1 else grid)
    return picture.resize((grid.shape[1] * times, grid.shape[0] * times), PIL.Resampling.NEAREST)


@torch.no_grad()
def density_picture(flow: Flow, samples: Tensor, data: Tensor, *, size: int = 300) -> "Figure":
    """Three panels of a density on the plane: the data, the samples, and the density itself."""
    from matplotlib.figure import Figure

    low, high = data.quantile(0.001, 0), data.quantile(0.999, 0)
    middle, half = (low + high) / 2, 0.6 * float((high - low).max())
    left, right, bottom, top = (
        float(middle[0]) - half, float(middle[0]) + half, float(middle[1]) - half, float(middle[1]) + half,
    )  # fmt: skip
    across, up = torch.linspace(left, right, size), torch.linspace(bottom, top, size)
    grid = torch.stack(torch.meshgrid(across, up, indexing="xy"), 2).flatten(0, 1).to(flow.device, flow.dtype)
    density = flow.log_prob(grid, batch_size=2**16).exp().view(size, size).cpu().numpy()
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for axis, points, title, colour in (
        (panels[0], data, "data", DATA),
        (panels[1], samples, "samples", SAMPLE),
    ):
        axis.scatter(*points[:5000].cpu().numpy().T, s=2, color=colour, linewidths=0)
        axis.set_title(title)
    panels[2].imshow(density, origin="lower", extent=(left, right, bottom, top), cmap="viridis")
    panels[2].set_title("density")
    for axis in panels:
        axis.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    return figure


def scatter_picture(samples: Tensor) -> "Figure":
    """Points of the plane."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    across, up = samples.cpu().numpy().T
    axis.scatter(across, up, s=4, color=SAMPLE, linewidths=0)
    axis.set(aspect="equal")
    return figure


def curves_picture(history: Sequence[dict[str, float]], unit: str, baselines: dict[str, float], title: str) -> "Figure":
    """Training and validation loss by epoch, with the baselines as lines."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axis = figure.subplots()
    epochs = [record["epoch"] for record in history]
    mark = "o" if len(epochs) < 10 else ""
    axis.plot(
        epochs,
        [record["train"] for record in history],
        color=DATA,
        marker=mark,
        markersize=4,
        label="training batches",
    )
    axis.plot(
        epochs,
        [record["validation"] for record in history],
        color=SAMPLE,
        marker=mark,
        markersize=4,
        label="validation, averaged weights",
    )
    shown = [record[k] for record in history for k in ("train", "validation") if math.isfinite(record[k])]
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if shown:
        bottom, top = min(shown), float(np.quantile(shown, 0.9))
        lines = {name: value for name, value in baselines.items() if math.isfinite(value)}
        near = [value for value in lines.values() if value < top + 2 * (top - bottom) + 0.1]
        top = max([top, *near]) + 0.05 * (max([top, *near]) - bottom)
        axis.set_ylim(bottom - 0.05 * (top - bottom), top + 0.05 * (top - bottom))
        for name, value in lines.items():
            if value <= top:
                axis.axhline(value, color=INK, linewidth=0.8, linestyle=":")
                axis.annotate(
                    name,
                    (1.0, value),
                    xycoords=("axes fraction", "data"),
                    ha="right",
                    va="bottom",
                    fontsize=9,
                    color=INK,
                )
    axis.set(xlabel="epoch", ylabel=unit, title=title)
    axis.legend(frameon=False)
    return figure


def save_figure(figure: "Figure", path: Path | BinaryIO) -> None:
    """Write a matplotlib figure as PNG."""
    figure.savefig(path, dpi=110, format="png")
