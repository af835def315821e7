"""What an elementwise map is: a one-dimensional invertible function with parameters."""

from typing import Protocol

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
