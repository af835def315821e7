"""What an elementwise map is: a one-dimensional invertible function with parameters."""

from typing import Protocol, cast

from torch import Tensor


class Elementwise(Protocol):
    """A one-dimensional invertible function, applied to every entry with its own parameters.

    Coupling layers call it with what their conditioner says; parameters lie along dimension 1,
    ``parameters_per_dimension`` times as many as `x` has. All-zero parameters are the identity.
    """

    parameters_per_dimension: int

    def encode(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(z, log_det)``, both of x's shape."""

    def decode(self, z: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(x, log_det)`` of the inverse, both of z's shape."""


PARTS = ("parameters_per_dimension", "encode", "decode")


def expect_elementwise(thing: object, layer: str) -> Elementwise:
    """Refuse what is no elementwise map.

    Raises:
        TypeError: naming what it lacks.
    """
    if isinstance(thing, type):
        raise TypeError(
            f"{layer}: elementwise must be an object, got the class {thing.__name__}. Use {thing.__name__}()"
        )
    lacks = [part for part in PARTS if not hasattr(thing, part)]
    if lacks:
        raise TypeError(
            f"{layer}: the elementwise map {type(thing).__name__} has no {' and no '.join(lacks)}. "
            "It needs parameters_per_dimension, encode(x, parameters) and decode(z, parameters)"
        )
    return cast(Elementwise, thing)
