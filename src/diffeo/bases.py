"""Bases: the densities that a flow maps data onto."""

import math

import torch
from torch import Tensor, nn

from diffeo.io import register

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def check_temperature(temperature: float) -> None:
    """Refuse what cannot multiply z.

    Raises:
        ValueError: if it is negative or not finite.
    """
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature must be a finite number of at least 0, got {temperature}")


@register
class StandardNormal(nn.Module):
    r"""The standard normal on R^D, :math:`\log p(z) = -\tfrac12 \sum_i z_i^2 - \tfrac D2 \log 2\pi`.

    Args:
        features: the dimension D.

    Shapes:
        z: ``(B, D)``; log_prob: ``(B,)``, nats.

    Example:
        >>> base = StandardNormal(2)
        >>> base.log_prob(torch.zeros(1, 2))
        tensor([-1.8379])
    """

    space = "R^D"

    origin: Tensor  # the mean; it carries dtype and device for flows without parameters

    def __init__(self, features: int):
        super().__init__()
        if features < 1:
            raise ValueError(f"StandardNormal: features must be at least 1, got {features}")
        self.features = features
        self.shape = (features,)
        self.register_buffer("origin", torch.zeros(()))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density in nats, ``(B,)``."""
        return -0.5 * z.square().flatten(1).sum(1) - self.features * HALF_LOG_2PI

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Noise for :meth:`sample`, ``(n, D)``: drawn where the generator lives, then moved."""
        device = self.origin.device if generator is None else generator.device
        noise = torch.randn(n, self.features, dtype=self.origin.dtype, device=device, generator=generator)
        return noise.to(self.origin.device)

    def sample(
        self,
        n: int,
        *,
        temperature: float = 1.0,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """`n` points, ``(n, D)``: `noise` (standard normal; drawn if not given) times `temperature`."""
        return (self.draw(n, generator) if noise is None else noise) * temperature

    def extra_repr(self) -> str:
        return f"{self.features}"
