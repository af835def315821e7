"""Pictures of densities and points on the plane."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffeo.evaluation.figures import DATA, SAMPLE
from diffeo.evaluation.numbers import plain_numbers
from diffeo.flow import Flow

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        plain_numbers(axis)
    return figure


def scatter_picture(samples: Tensor) -> "Figure":
    """Points of the plane."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axis = figure.subplots()
    across, up = samples.cpu().numpy().T
    axis.scatter(across, up, s=4, color=SAMPLE, linewidths=0)
    axis.set(aspect="equal")
    plain_numbers(axis)
    return figure
