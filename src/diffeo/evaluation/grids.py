"""Many images as one picture."""

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image


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
