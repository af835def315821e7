"""Exponential moving average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    r"""Averages of the weights, :math:`\bar\theta \leftarrow d\,\bar\theta + (1 - d)\,\theta`.

    At first :math:`d = (1 + t) / (10 + t)`, so that the start is soon forgotten; later it is `decay`.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> ema = EMA(layer, 0.99)
        >>> ema.update(0)
        >>> with ema.swapped():
        ...     averaged = layer.weight.clone()
    """

    def __init__(self, model: nn.Module, decay: float):
        self.parameters: list[Tensor] = list(model.parameters())
        self.decay = decay
        self.averages = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.averages, self.parameters, 1 - decay)

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Inside, the model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, average in zip(self.parameters, self.averages, strict=True):
            kept: Tensor = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(kept)
