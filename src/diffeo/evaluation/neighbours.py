"""The training images nearest to others."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CANDIDATES = 8  # more than wanted, whose distances are then computed without cancellation
ROWS = 256  # compared with all training rows at a time
SIDE = 32  # pixels of images that are compared


@dataclass(frozen=True)
class Neighbours:
    """The training rows nearest to some images, nearest first.

    Attributes:
        indices: ``(N, k)``, rows of the training part.
        distances: ``(N, k)``, root mean square difference a pixel, in the images' units.
    """

    indices: Tensor
    distances: Tensor


def nearest_neighbours(x: Tensor, train: Tensor, *, k: int = 1) -> Neighbours:
    r"""The `k` training rows nearest to every image by :math:`\sqrt{\sum (x - y)^2 / D}`.

    Args:
        x: ``(N, *shape)``.
        train: ``(M, *shape)``.
        k: how many.

    Raises:
        ValueError: if the shapes differ, or there are fewer than `k` training rows.

    Example:
        >>> train = torch.eye(4)
        >>> found = nearest_neighbours(train[2:3] * 3, train)
        >>> found.indices, found.distances
        (tensor([[2]]), tensor([[1.]]))
    """
    if x.shape[1:] != train.shape[1:]:
        raise ValueError(f"rows of shape {tuple(x.shape[1:])} cannot be compared with {tuple(train.shape[1:])}")
    if not 1 <= k <= len(train):
        raise ValueError(f"k must be from 1 to the number of training rows, {len(train)}, got {k}")
    rows = train.flatten(1).float().cpu()
    middle = rows.mean(0)  # far from the origin, what cdist multiplies out would lose the distances
    centred = rows - middle
    few = min(len(rows), k + CANDIDATES)
    indices = torch.empty(len(x), k, dtype=torch.long)
    distances = torch.empty(len(x), k)
    for start in range(0, len(x), ROWS):
        some = x[start : start + ROWS].flatten(1).float().cpu()
        near = torch.cdist(some - middle, centred).topk(few, largest=False).indices
        exact = (some[:, None] - rows[near]).square().mean(2).sqrt()
        order = exact.argsort(stable=True)[:, :k]
        indices[start : start + ROWS] = near.gather(1, order)
        distances[start : start + ROWS] = exact.gather(1, order)
    return Neighbours(indices, distances)


def comparable(x: Tensor) -> Tensor:
    r"""Images as they are compared: at most 32x32, with mean 0 and standard deviation 1 over an image's own pixels.

    Brightness, contrast and the noise of single pixels of large images then do not count. Two such images differ by
    :math:`\sqrt{2 (1 - r)}` a pixel (root mean square), where r is their correlation.

    Example:
        >>> x = torch.rand(1, 1, 4, 4)
        >>> torch.allclose(comparable(x), comparable(0.5 * x + 3), atol=1e-4)
        True
    """
    size = (min(x.shape[-2], SIDE), min(x.shape[-1], SIDE))
    small = torch.cat([F.adaptive_avg_pool2d(some.float(), size) for some in x.split(ROWS)])
    small -= small.mean((1, 2, 3), keepdim=True)
    deviation = small.square().mean((1, 2, 3), keepdim=True).sqrt()
    return small.div_(torch.where(deviation > 0, deviation, 1))
