"""Bases: the densities that a flow maps data onto."""

import math
import operator
from typing import Protocol

import torch
from torch import Tensor, nn

from diffeo.saving.registry import register

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class Base(Protocol):
    """What a flow needs of a density of noise; :class:`StandardNormal` is one, and so may be a class of your own.

    Write it as an ``nn.Module`` with a buffer or parameter: it then moves with the flow and says its precision. The
    temperature is for the base to understand: it makes samples safer as it falls to 0.

    Example:
        >>> import diffeo
        >>> @diffeo.register
        ... class Laplace(nn.Module):
        ...     def __init__(self, features: int):
        ...         super().__init__()
        ...         self.shape = (features,)
        ...         self.register_buffer("origin", torch.zeros(()))
        ...
        ...     def log_prob(self, z):
        ...         return -(z.abs() + math.log(2)).sum(1)
        ...
        ...     def sample(self, n, *, temperature=1.0, noise=None, generator=None):
        ...         if noise is None:
        ...             u = torch.rand(n, *self.shape, dtype=self.origin.dtype, generator=generator) - 0.5
        ...             noise = -u.sign() * torch.log1p(-2 * u.abs())
        ...         return noise * temperature
        >>> flow = diffeo.Flow(diffeo.ActNorm(3), Laplace(3)).eval()
        >>> flow.log_prob(torch.zeros(1, 3)), flow.sample(5).shape
        (tensor([-2.0794], grad_fn=<AddBackward0>), torch.Size([5, 3]))
    """

    shape: tuple[int, ...]  # of a row of z

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density in nats, ``(B,)``, of z ``(B, *shape)``."""

    def sample(
        self,
        n: int,
        *,
        temperature: float = 1.0,
        noise: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """`n` points, ``(n, *shape)``; of `noise`, points at temperature 1, where it is given, else drawn."""


def expect_base(thing: object, flow: str) -> None:
    """Refuse what is no base.

    Raises:
        TypeError: naming what it lacks, or what its shape should be.
    """
    if isinstance(thing, type):
        raise TypeError(f"{flow}: the base must be an object, got the class {thing.__name__}. Use {thing.__name__}(..)")
    needed = "A base needs shape, a tuple; log_prob(z); and sample(n, *, temperature, noise, generator)"
    lacks = [part for part in ("shape", "log_prob", "sample") if not hasattr(thing, part)]
    if lacks:
        raise TypeError(f"{flow}: the base {type(thing).__name__} has no {' and no '.join(lacks)}. {needed}")
    shape = thing.shape  # type: ignore[attr-defined]
    if not (isinstance(shape, tuple) and all(isinstance(n, int) for n in shape)):
        advice = ". Write self.shape = tuple(shape): a registered class gets lists" if isinstance(shape, list) else ""
        raise TypeError(f"{flow}: the base {type(thing).__name__} has shape {shape!r}. {needed}{advice}")


def check_n(n: object) -> int:
    """How many samples are asked for.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is negative.
    """
    try:
        rows = operator.index(n)  # type: ignore[arg-type]
    except TypeError:
        advice = "Use a whole number"
        if isinstance(n, (tuple, list)) and all(isinstance(size, int) for size in n):
            rows = math.prod(n)
            advice = f"Use n={rows}" + (f" and samples.unflatten(0, {tuple(n)})" if len(n) > 1 else "")
            advice += ": the shape of one sample is the flow's own"
        elif isinstance(n, float) and math.isfinite(n):
            advice = f"Use n={max(0, round(n))}"
        raise TypeError(f"n must be a whole number, how many samples, got {n!r}. {advice}") from None
    if rows < 0:
        raise ValueError(f"n, the number of samples, must not be negative, got {rows}")
    return rows


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
        self.shape: tuple[int, ...] = (features,)
        self.register_buffer("origin", torch.zeros(()))

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density in nats, ``(B,)``."""
        return -0.5 * z.square().flatten(1).sum(1) - self.features * HALF_LOG_2PI

    def draw(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Noise for :meth:`sample`, ``(n, D)``: drawn where the generator lives, then moved."""
        n = check_n(n)
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
        n = check_n(n)
        return (self.draw(n, generator) if noise is None else noise) * temperature

    def extra_repr(self) -> str:
        return f"{self.features}"
