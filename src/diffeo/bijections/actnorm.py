"""ActNorm: a per-channel affine map that starts by whitening its first batch."""

import torch
from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.elementwise import bounded, unbounded
from diffeo.moments import claim, moments
from diffeo.saving.registry import register

BOUND = 10.0  # of |log-scale|: scales from 4.5e-5 to 2.2e4


@register
class ActNorm(Bijection):
    r"""Scale and shift each channel, :math:`z = (x + b) \cdot e^{s}`.

    Starts as the identity; :meth:`initialize` sets `b` and `s` so that a batch comes out with zero
    mean and unit variance in every channel (Glow, section 3.1). From then on both are ordinary
    parameters: unlike batch norm it never looks at the batch again, in training or after. `s` is
    bounded by a tanh at 10, alike in both directions.

    log-det: :math:`H W \sum_c s_c`.   Cost: nothing, in either direction.

    Args:
        channels: size of dimension 1.

    Shapes:
        x, z: ``(B, C)`` or ``(B, C, H, W)``.

    Raises:
        ValueError: if `x` has another number of channels.

    References:
        Kingma and Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, 2018.
        https://arxiv.org/abs/1807.03039

    Example:
        >>> layer = ActNorm(3)
        >>> x = torch.randn(8, 3, 4, 4)
        >>> z, log_det = layer.encode(x)
        >>> torch.allclose(layer.decode(z)[0], x)
        True
    """

    initialized: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.channels = channels
        self.shift = nn.Parameter(torch.zeros(channels))
        self.raw_log_scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialized", torch.tensor(False))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        shift, log_scale, log_det = self._like(x)  # (C,) or (C, 1, 1); (B,)
        return (x + shift) * log_scale.exp(), log_det

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        shift, log_scale, log_det = self._like(z)
        return z * (-log_scale).exp() - shift, -log_det

    def _like(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.expect(x, self.shift, (self.channels,), (self.channels, -1, -1))
        log_scale = bounded(self.raw_log_scale, BOUND)
        places = 1 if x.dim() == 2 else x.shape[2] * x.shape[3]
        log_det = (log_scale.sum() * places).expand(x.shape[0])
        if x.dim() == 2:
            return self.shift, log_scale, log_det
        return self.shift[:, None, None], log_scale[:, None, None], log_det

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(f"ActNorm: built for {self.channels} channels, not {shape[0]}")
        return shape

    input_shape = output_shape

    def initialize(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        self._like(x)
        mean, scale = moments(x, (0,) if x.dim() == 2 else (0, 2, 3), "ActNorm")
        claim(self.initialized, "ActNorm")
        with torch.no_grad():
            self.shift.copy_(-mean)
            self.raw_log_scale.copy_(unbounded(-scale.log(), BOUND))
        return self.encode(x)[0]

    def extra_repr(self) -> str:
        return f"{self.channels}"
