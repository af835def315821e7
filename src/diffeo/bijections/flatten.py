"""Flatten: an image to a vector."""

import math

from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.bijections.permutation import zeros
from diffeo.saving.registry import register


@register
class Flatten(Bijection):
    r"""Rows of any shape to vectors, so that the base is one standard normal on R^D.

    log-det: 0.   Cost: nothing, in either direction.

    Args:
        shape: shape of a row of x, to restore it.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, D)``.

    Example:
        >>> Flatten((1, 2, 2)).output_shape((1, 2, 2))
        (4,)
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = tuple(shape)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(x, None, self.shape)
        return x.flatten(1), zeros(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, None, (math.prod(self.shape),))
        return z.unflatten(1, self.shape), zeros(z)

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.shape:
            raise ValueError(f"Flatten: built for rows of shape {self.shape}, not {shape}")
        return (math.prod(shape),)

    def input_shape(self, shape: Shape) -> Shape:
        return self.shape

    def level_shapes(self, shape: Shape) -> list[Shape]:
        return [shape]

    def extra_repr(self) -> str:
        return f"{self.shape}"
