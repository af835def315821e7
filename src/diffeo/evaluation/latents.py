"""What data becomes inside a flow, beside the standard normal that it should become."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from diffeo.data import Part
from diffeo.evaluation.figures import INK, SAMPLE, SERIES, plain
from diffeo.evaluation.likelihood import condition_for
from diffeo.flow import Flow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = 2000  # of a part: enough for pictures
FEW = 6  # dimensions that get a line each


@torch.no_grad()
def draw_latents(flow: Flow, part: Part, *, rows: int = ROWS, seed: int = 0) -> Tensor:
    """Z of at most `rows` rows of a part, chosen by `seed`, ``(N, D)``.

    Integers get drawn noise: the middle of a cell, which :meth:`~diffeo.Flow.encode` takes without it, is not
    distributed as the latent is.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(part), generator=generator)[:rows]
    rows_x, condition, found = part.x[chosen], condition_for(flow, part), []
    condition = None if condition is None else condition[chosen.to(condition.device)]
    size = max(1, 2**19 // math.prod(flow.shape))
    for start in range(0, len(rows_x), size):
        x = rows_x[start : start + size].to(flow.device)
        noise = None if flow.door is None else flow.draw_noise(x, generator)
        z, _ = flow.encode(x, None if condition is None else condition[start : start + size], noise)
        found.append(z.cpu())
    return torch.cat(found)


def latents_picture(z: Tensor) -> dict[str, "Figure"]:
    """Three figures: ``histogram`` of z against N(0, 1), ``quantiles`` against the normal's, and ``norm`` against chi.

    The histogram has a line for each of up to six dimensions; of more, that of all numbers together, with the band
    in which nine in ten dimensions lie.
    """
    finite = z[z.isfinite().all(1)].double()
    numbers = finite.numpy()
    figures = {}
    figures["histogram"], axes = _figure("z", "density")
    _histogram(axes, numbers)
    figures["quantiles"], axes = _figure("quantile of N(0, 1)", "quantile of z")
    _quantiles(axes, finite.flatten())
    figures["norm"], axes = _figure("norm of z", "density")
    _norm(axes, np.linalg.norm(numbers, axis=1), numbers.shape[1])
    return figures


def latent_map_picture(flow: Flow, z: Tensor) -> "Figure":
    """Mean and standard deviation of every entry of z over the rows, as images, one column a level.

    A level's channels stand side by side. Where the flow is right, all means are 0 and all deviations 1.
    """
    from matplotlib.figure import Figure

    finite = z[z.isfinite().all(1)]
    levels = flow.levels(finite)
    if levels[0].dim() != 4:
        levels = [finite.unflatten(1, flow.shape)]
    down, across = _tiled(levels[0][0]).shape
    figure = Figure(figsize=(2.6 * len(levels) + 1.2, 2 * (2.6 * down / across + 0.35)), layout="constrained")
    panels = figure.subplots(2, len(levels), squeeze=False)
    for row, (name, middle) in enumerate((("mean", 0.0), ("standard deviation", 1.0))):
        for axes, level in zip(panels[row], levels, strict=True):
            shown = axes.imshow(
                _tiled(level.mean(0) if row == 0 else level.std(0)), cmap="RdBu_r", vmin=middle - 1, vmax=middle + 1
            )
            axes.set(xticks=[], yticks=[])
            if row == 0:
                axes.set_title(" x ".join(map(str, level.shape[1:])), fontsize=10)
        panels[row, 0].set_ylabel(name)
        figure.colorbar(shown, ax=list(panels[row]), shrink=0.8)
    return figure


def _figure(across: str, up: str) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6, 2.9), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=across, ylabel=up)
    plain(axes)
    return figure, axes


def _histogram(axes: "Axes", z: np.ndarray) -> None:
    edges = np.linspace(-4.5, 4.5, 61)
    middles, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    inside = np.clip(z, edges[0], edges[-1])  # what lies beyond counts in the outermost bars
    every = np.stack([np.histogram(column, edges)[0] for column in inside.T]) / (len(z) * width)
    if len(every) <= FEW:
        for i, counts in enumerate(every):
            axes.stairs(counts, edges, color=SERIES[i], label=f"dimension {i + 1}", linewidth=1.2)
    else:
        low, high = np.quantile(every, (0.05, 0.95), axis=0)
        axes.fill_between(
            middles, low, high, step="mid", color=SAMPLE, alpha=0.2, linewidth=0, label="single dimensions"
        )
        axes.stairs(every.mean(0), edges, color=SAMPLE, linewidth=1.4, label="all numbers")
    axes.plot(middles, np.exp(-0.5 * middles**2) / math.sqrt(2 * math.pi), color=INK, linestyle="--", label="N(0, 1)")
    axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=8, loc="upper left", handlelength=1.2)


def _quantiles(axes: "Axes", z: Tensor) -> None:
    ordered = z.sort().values
    n = len(ordered)
    edge = torch.special.ndtri(torch.tensor(0.5 / n, dtype=torch.float64))
    normal = torch.linspace(float(edge), -float(edge), min(n, 200), dtype=torch.float64)
    at = (torch.special.ndtr(normal) * n - 0.5).round().long().clamp(0, n - 1)
    axes.plot(normal[[0, -1]], normal[[0, -1]], color=INK, linestyle="--", linewidth=1)
    axes.plot(normal, ordered[at], ".", color=SAMPLE, markersize=4)


def _norm(axes: "Axes", norms: np.ndarray, features: int) -> None:
    from scipy.stats import chi

    law = chi(features)
    low, high = law.ppf(1e-4), law.ppf(1 - 1e-4)
    low, high = min(low, np.quantile(norms, 0.005)), max(high, np.quantile(norms, 0.995))
    axes.hist(
        np.clip(norms, low, high), 50, range=(low, high), density=True, color=SAMPLE, alpha=0.6, label="test rows"
    )
    across = np.linspace(low, high, 200)
    axes.plot(across, law.pdf(across), color=INK, linestyle="--", label=f"chi, {features} dimensions")
    axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=8)


def _tiled(level: Tensor) -> np.ndarray:
    """Channels ``(C, H, W)`` side by side in a grid, with a line of nothing between."""
    channels, height, width = level.shape
    across = math.ceil(math.sqrt(channels))
    down = math.ceil(channels / across)
    gap = 0 if height * width == 1 or channels == 1 else 1
    grid = np.full((down * (height + gap) - gap, across * (width + gap) - gap), np.nan)
    for i, channel in enumerate(level.double().numpy()):
        top, left = (i // across) * (height + gap), (i % across) * (width + gap)
        grid[top : top + height, left : left + width] = channel
    return grid
