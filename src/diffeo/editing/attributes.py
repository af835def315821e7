"""Attributes that can be measured: how thick, slanted and bright a drawing is, and from where a face is lit."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FINER = 4  # parts of a pixel's side, for thickness


def brightness(images: Tensor) -> Tensor:
    """The mean of all pixels, ``(N, H, W) -> (N,)``, in the images' units.

    Raises:
        ValueError: if the images have another number of dimensions.

    Example:
        >>> brightness(torch.tensor([[[0, 16], [8, 8]]]))
        tensor([8.])
    """
    return _grey(images).mean((1, 2))


def lighting(images: Tensor) -> Tensor:
    """From where an image is lit: the mean of its right half less that of its left, ``(N, H, W) -> (N,)``.

    In the images' units, positive if the right half is the brighter one. Of an odd width the middle column counts for
    neither half.

    Raises:
        ValueError: if the images have another number of dimensions.

    Example:
        >>> lighting(torch.tensor([[[0, 9, 16], [8, 9, 8]]]))
        tensor([8.])
    """
    grey_images = _grey(images)
    half = grey_images.shape[2] // 2
    return grey_images[:, :, -half:].mean((1, 2)) - grey_images[:, :, :half].mean((1, 2))


def slant(images: Tensor) -> Tensor:
    r"""How far a drawing leans, in degrees, positive to the right: ``(N, H, W) -> (N,)``.

    :math:`\arctan(-\mu_{11} / \mu_{02})` with the central moments
    :math:`\mu_{pq} = \sum x_{ij} (j - \bar j)^p (i - \bar i)^q` of the ink x at row i (downwards) and column j: the
    angle to which shearing would bring an upright line. A drawing without ink, or of one row, has 0.

    Raises:
        ValueError: if the images have another number of dimensions.

    References:
        Castro et al., Morpho-MNIST, 2019. https://arxiv.org/abs/1809.10780

    Example:
        >>> slant(torch.eye(8).flip(0)[None])
        tensor([45.])
    """
    ink = _grey(images)
    down = torch.arange(ink.shape[1], dtype=ink.dtype, device=ink.device)[:, None]
    across = torch.arange(ink.shape[2], dtype=ink.dtype, device=ink.device)
    weight = ink / ink.sum((1, 2), keepdim=True).clamp(min=1e-12)
    down = down - (weight * down).sum((1, 2), keepdim=True)
    across = across - (weight * across).sum((1, 2), keepdim=True)
    shear, height = (weight * across * down).sum((1, 2)), (weight * down.square()).sum((1, 2))
    return torch.where(height > 1e-6, torch.atan(-shear / height.clamp(min=1e-6)), 0.0).rad2deg()


def thickness(images: Tensor) -> Tensor:
    r"""The mean width of strokes in pixels, ``(N, H, W) -> (N,)``.

    :math:`4\,\overline{d}` where d is a point's distance from the stroke's edge, averaged over the stroke: in a long
    stroke of width w, d runs evenly from 0 to w/2, so its mean is w/4. The stroke is what is brighter than half of the
    image's brightest pixel, on a grid four times finer (bilinear). A drawing without ink has 0.

    Raises:
        ValueError: if the images have another number of dimensions.

    References:
        Castro et al., Morpho-MNIST, 2019, who average d over the skeleton instead. https://arxiv.org/abs/1809.10780

    Example:
        >>> stroke = torch.zeros(1, 28, 28)
        >>> stroke[:, :, 10:14] = 255
        >>> thickness(stroke).round()
        tensor([4.])
    """
    from scipy.ndimage import distance_transform_edt

    ink = _grey(images)
    finer = F.interpolate(ink[:, None], scale_factor=FINER, mode="bilinear", align_corners=False)[:, 0]
    stroke = F.pad(finer > 0.5 * finer.amax((1, 2), keepdim=True), (1, 1, 1, 1)).cpu().numpy()
    found = [4 * (distance_transform_edt(one)[one] - 0.5).mean() / FINER if one.any() else 0.0 for one in stroke]
    return torch.tensor(np.array(found), dtype=ink.dtype, device=ink.device)


def _grey(images: Tensor) -> Tensor:
    if images.dim() != 3:
        raise ValueError(
            f"expected images of shape (N, H, W), got {tuple(images.shape)}. Use x.float().mean(1) or x[:, 0]"
        )
    return images if images.is_floating_point() else images.float()


def grey(x: Tensor) -> Tensor:
    """Images ``(N, C, H, W)`` as attributes take them: the mean of their channels, ``(N, H, W)``."""
    return x.mean(1) if x.is_floating_point() else x.float().mean(1)


ATTRIBUTES: dict[str, Callable[[Tensor], Tensor]] = {
    "thickness": thickness,
    "slant": slant,
    "brightness": brightness,
    "lighting": lighting,
}
