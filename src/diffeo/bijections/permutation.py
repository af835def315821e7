"""Fixed permutations of dimension 1."""

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.saving.registry import register


@register
class Permutation(Bijection):
    r"""Reorder dimension 1, :math:`z_i = x_{\pi(i)}`.

    log-det: 0.   Cost: nothing, in either direction.

    Args:
        order: :math:`\pi`, each of 0 .. C-1 once.

    Shapes:
        x, z: ``(B, C)`` or ``(B, C, H, W)``.

    Raises:
        ValueError: if `order` is no permutation, or `x` has another number of channels.

    Example:
        >>> Permutation([2, 0, 1]).encode(torch.tensor([[10, 11, 12]]))[0]
        tensor([[12, 10, 11]])
    """

    order: Tensor
    inverse_order: Tensor

    def __init__(self, order: Sequence[int]):
        super().__init__()
        if sorted(order) != list(range(len(order))):
            raise ValueError(f"Permutation: expected each of 0 .. {len(order) - 1} once, got {list(order)[:16]}")
        self.channels = len(order)
        self.register_buffer("order", torch.tensor(list(order), dtype=torch.long))
        inverse = sorted(range(len(order)), key=list(order).__getitem__)
        self.register_buffer("inverse_order", torch.tensor(inverse, dtype=torch.long))

    @classmethod
    def random(cls, channels: int, seed: int) -> "Permutation":
        """A permutation drawn with `seed`: the same in every process."""
        order = list(range(channels))
        random.Random(seed).shuffle(order)
        return cls(order)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(x, None, (self.channels,), (self.channels, -1, -1))
        return x.index_select(1, self.order), zeros(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, None, (self.channels,), (self.channels, -1, -1))
        return z.index_select(1, self.inverse_order), zeros(z)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(f"Permutation: built for {self.channels} channels, not {shape[0]}")
        return shape

    input_shape = output_shape

    def extra_repr(self) -> str:
        return f"{self.channels}"


@register
class Flip(Bijection):
    r"""Reverse dimension 1, :math:`z_i = x_{C-1-i}`.

    log-det: 0.   Cost: nothing, in either direction.

    Shapes:
        x, z: ``(B, C)`` or ``(B, C, H, W)``.

    Example:
        >>> Flip().encode(torch.tensor([[1, 2, 3]]))[0]
        tensor([[3, 2, 1]])
    """

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return x.flip(1), zeros(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return z.flip(1), zeros(z)


def zeros(x: Tensor) -> Tensor:
    """The log-det of a map that preserves volume, ``(B,)``."""
    return x.new_zeros(x.shape[:1], dtype=x.dtype if x.is_floating_point() else torch.get_default_dtype())
