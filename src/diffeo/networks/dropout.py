"""Dropout whose random numbers may come from a generator of one's own, a thread's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.saving.registry import register

_generator: ContextVar[torch.Generator | None] = ContextVar("generator of dropout", default=None)


@contextmanager
def dropout_from(generator: torch.Generator) -> Iterator[None]:
    """Inside, in this thread alone, :class:`Dropout` draws from `generator`, and torch's global one is left alone."""
    before = _generator.set(generator)
    try:
        yield
    finally:
        _generator.reset(before)


@register
class Dropout(nn.Module):
    r"""Set entries, or channels of images, to zero in training: :math:`x \cdot m / (1 - p)`, :math:`P(m = 0) = p`.

    Draws from torch's global generator, and inside of :func:`diffeo.fit` from one that is seeded by the step: use it
    in place of ``torch.nn.Dropout`` in networks of your own, so that trainings in several threads do not disturb one
    another.

    Args:
        p: probability to drop an entry, or a channel.

    Shapes:
        x: ``(B, D)`` or ``(B, C, H, W)``; the result has x's.

    Raises:
        ValueError: if `p` is not in [0, 1).

    Example:
        >>> layer = Dropout(0.5)
        >>> sorted(set(layer(torch.ones(100, 2)).flatten().tolist()))
        [0.0, 2.0]
        >>> layer.eval()(torch.ones(1, 2))
        tensor([[1., 1.]])
    """

    def __init__(self, p: float):
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p must be in [0, 1), got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        generator = None if torch.compiler.is_compiling() else _generator.get()
        if generator is None:
            return F.dropout(x, self.p) if x.dim() == 2 else F.dropout2d(x, self.p)
        kept = torch.empty_like(x) if x.dim() == 2 else x.new_empty(*x.shape[:2], 1, 1)
        return x * kept.bernoulli_(1 - self.p, generator=generator).div_(1 - self.p)

    def extra_repr(self) -> str:
        return f"{self.p}"
