"""The small network that stands for a conditioner when a coupling is checked: made of numbers, so that it travels."""

from dataclasses import dataclass

import torch
from torch import Tensor


class WrongWidth(ValueError):
    """A network was given rows of another width than it was made for."""


@dataclass(frozen=True)
class Network:
    """``network(x_kept) -> (log_scale_raw, shift)``, both of the width of ``x_kept``.

    Args:
        inner: ``(D, H)``.
        outer: ``(H, 2 D)``.
    """

    inner: Tensor
    outer: Tensor

    @classmethod
    def draw(cls, dimensions: int, generator: torch.Generator) -> "Network":
        """With random weights, of a size that makes every term of a log-determinant count."""
        inner = torch.randn(dimensions, 8, generator=generator) / dimensions**0.5
        return cls(inner, torch.randn(8, 2 * dimensions, generator=generator) / 2)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Raises WrongWidth if `x` is not ``(B, D)``: the kept values come with zeros in place of the others."""
        if x.ndim != 2 or x.shape[1] != len(self.inner):
            raise WrongWidth(f"network takes x * mask of shape (B, {len(self.inner)}), not {tuple(x.shape)}")
        raw, shift = (torch.tanh(x @ self.inner.to(x)) @ self.outer.to(x)).chunk(2, dim=1)
        return raw, shift
