"""Conditions as a two-sample test sees them: numbers in columns, the same for a row of data and its sample."""

import torch
import torch.nn.functional as F
from torch import Tensor

PLACES = 8  # a side, at most, to which images are pooled


def condition_features(condition: Tensor) -> Tensor:
    """What a condition adds to its rows, ``(N, F)``: labels one-hot, vectors as they are, images pooled to 8x8.

    Images do not go through the flow's embedding: one that loses the condition would hide what it loses.

    Args:
        condition: ``(N,)`` labels, ``(N, n)`` vectors or ``(N, C, H, W)`` images.

    Example:
        >>> condition_features(torch.tensor([2, 0, 2])).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
        >>> condition_features(torch.zeros(5, 1, 28, 20)).shape
        torch.Size([5, 64])
    """
    if condition.dim() == 1 and not condition.is_floating_point():
        _, place = condition.unique(return_inverse=True)
        return F.one_hot(place).double()
    condition = condition.double()
    if condition.dim() == 4:
        height, width = condition.shape[2:]
        condition = F.adaptive_avg_pool2d(condition, (min(height, PLACES), min(width, PLACES)))
    return condition.reshape(len(condition), -1)


def condition_groups(condition: Tensor | None, rows: int) -> Tensor:
    """The number of every row's condition, from 0, ``(rows,)``: rows with equal conditions have equal numbers.

    Example:
        >>> condition_groups(torch.tensor([[0.5], [0.1], [0.5]]), 3)
        tensor([1, 0, 1])
    """
    if condition is None:
        return torch.zeros(rows, dtype=torch.long)
    found: Tensor = condition.reshape(rows, -1).unique(dim=0, return_inverse=True)[1]
    return found.cpu()
