"""Nearest training images: whether samples are copies."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.evaluation import Estimate, estimate

CANDIDATES = 8  # more than wanted, whose distances are then computed without cancellation


@dataclass(frozen=True)
class Neighbours:
    """The training rows nearest to some images, nearest first.

    Attributes:
        indices: ``(N, k)``, rows of the training part.
        distances: ``(N, k)``, root mean square difference a pixel, in the images' units.
    """

    indices: Tensor
    distances: Tensor


@dataclass(frozen=True)
class Memorization:
    """How near samples come to training rows, beside how near test rows do, which nothing learnt.

    Attributes:
        samples: mean distance of a sample from its nearest training row.
        test: the same of test rows.
        nearest_sample: the least distance of a sample.
        nearest_test: the least distance of a test row.
        copies: share of samples that are nearer than the nearest hundredth of test rows; one in a hundred is expected
            where samples are distributed as test rows are.
    """

    samples: Estimate
    test: Estimate
    nearest_sample: float
    nearest_test: float
    copies: float

    def __str__(self) -> str:
        return (
            f"distance from the nearest training image, mean (least): samples {self.samples.mean:.3f} "
            f"({self.nearest_sample:.3f}), test images {self.test.mean:.3f} ({self.nearest_test:.3f})\n"
            f"samples nearer than the nearest 1 % of test images: {100 * self.copies:.1f} %"
        )


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
    indices, distances = [], []
    for some in x.flatten(1).float().cpu().split(256):
        near = torch.cdist(some - middle, centred).topk(few, largest=False).indices
        exact = (some[:, None] - rows[near]).square().mean(2).sqrt()
        order = exact.argsort(1)[:, :k]
        indices.append(near.gather(1, order))
        distances.append(exact.gather(1, order))
    return Neighbours(torch.cat(indices), torch.cat(distances))


def memorization(samples: Tensor, train: Tensor, test: Tensor) -> Memorization:
    """Compare samples' distances from their nearest training rows with those of test rows.

    Args:
        samples: ``(N, *shape)``.
        train: ``(M, *shape)``.
        test: rows that the flow did not learn from; as many as there are samples do.

    Raises:
        ValueError: if shapes differ or something is empty.

    References:
        Alaa et al., How faithful is your synthetic data?, 2022 (authenticity). https://arxiv.org/abs/2102.08921

    Example:
        >>> train, test = torch.randn(500, 2), torch.randn(200, 2)
        >>> memorization(train[:100], train, test).copies        # copies of training rows
        1.0
    """
    if not len(samples) or not len(test):
        raise ValueError(f"samples and test rows are needed, got {len(samples)} and {len(test)}")
    of_samples = nearest_neighbours(samples, train).distances[:, 0]
    of_test = nearest_neighbours(test, train).distances[:, 0]
    copies = float((of_samples < of_test.quantile(0.01)).float().mean())
    return Memorization(
        estimate(of_samples), estimate(of_test), float(of_samples.min()), float(of_test.min()), copies
    )  # fmt: skip
