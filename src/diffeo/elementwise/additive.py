"""The additive elementwise map of NICE."""

import torch
from torch import Tensor

from diffeo.saving.registry import register


@register
class Additive:
    r"""Shift, :math:`z = x + t`: preserves volume.

    One parameter a dimension; zero is the identity.

    log-det: 0.   Cost: nothing, in either direction.

    Shapes:
        x, z, parameters: ``(B, C, ...)``.

    References:
        Dinh, Krueger and Bengio, NICE: Non-linear Independent Components Estimation, 2015.
        https://arxiv.org/abs/1410.8516

    Example:
        >>> Additive().encode(torch.ones(1, 1), torch.tensor([[3.0]]))
        (tensor([[4.]]), tensor([[0.]]))
    """

    parameters_per_dimension = 1

    def encode(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(z, log_det)``, both of x's shape."""
        return x + parameters, torch.zeros_like(x)

    def decode(self, z: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(x, log_det)`` of the inverse, both of z's shape."""
        return z - parameters, torch.zeros_like(z)

    def __repr__(self) -> str:
        return "Additive()"
