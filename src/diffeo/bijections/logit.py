"""Logit: from an interval to the real line."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.saving.registry import register


@register
class Logit(Bijection):
    r"""The logit of points of :math:`[0, n)`, and of a margin around it.

    .. math:: z = \log s - \log(1 - s), \qquad s = \alpha + (1 - 2\alpha)\, x / n

    Takes what :class:`~diffeo.Quantizer` makes of integers below `n` to the real line; its log-det
    counts the division by `n` too. :math:`1 - s` is computed from :math:`n - x`, which is exact for
    dequantized points, and never from `s`. So that 0 and `n` themselves have a finite z, the domain is a little
    larger: :math:`s \in (0, 1)`, that is :math:`x \in (-m, n + m)` with :math:`m = n \alpha / (1 - 2 \alpha)`;
    with :math:`\alpha = 0` it is (0, n). Outside of it the density is zero: log_det is -inf, with finite
    gradients. Decoding stays inside, also where rounding would reach the end.

    log-det: :math:`\sum_i \log \frac{1 - 2\alpha}{n} - \log s_i - \log(1 - s_i)`.   Cost: nothing.

    Args:
        values: the length `n` of the interval.
        alpha: margin that keeps `s` away from 0 and 1 (RealNVP, section 4.1, uses 0.05).

    Shapes:
        x, z: ``(B, ...)``.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, section 4.1.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> Logit(256).encode(torch.tensor([[128.0]]))[0]
        tensor([[0.]])
        >>> Logit(1.0, alpha=0.0).decode(torch.tensor([[100.0]]))[0] < 1
        tensor([[True]])
    """

    def __init__(self, values: float = 1.0, alpha: float = 1e-6):
        super().__init__()
        if not values > 0:
            raise ValueError(f"Logit: values must be positive, got {values}")
        if not 0 <= alpha < 0.5:
            raise ValueError(f"Logit: alpha must be in [0, 0.5), got {alpha}")
        self.values, self.alpha = values, alpha
        margin = values * alpha / (1 - 2 * alpha)
        self.domain = f"({-margin or 0:g}, {values + margin:g})"
        self.log_slope = math.log1p(-2 * alpha) - math.log(values)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        slope = (1 - 2 * self.alpha) / self.values
        s, rest = self.alpha + slope * x, self.alpha + slope * (self.values - x)  # s and 1 - s
        outside = (s <= 0) | (rest <= 0)
        log_s = torch.where(outside, 0.5, s).log()
        log_rest = torch.where(outside, 0.5, rest).log()
        log_det = (self.log_slope - log_s - log_rest).flatten(1).sum(1)
        return log_s - log_rest, log_det.masked_fill(outside.flatten(1).any(1), -math.inf)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.values * (torch.sigmoid(z) - self.alpha) / (1 - 2 * self.alpha)
        low, high = self._ends(x.dtype)
        x = x.clamp(low, high)
        return x, (-F.softplus(z) - F.softplus(-z) - self.log_slope).flatten(1).sum(1)

    def _ends(self, dtype: torch.dtype) -> tuple[float, float]:
        """The smallest and largest number of a type that are safely inside the domain."""
        limits, margin = torch.finfo(dtype), self.values * self.alpha / (1 - 2 * self.alpha)
        low = -margin * (1 - 4 * limits.eps) if margin else max(1.0, self.values) * limits.tiny
        return low, (self.values + margin) * (1 - limits.eps)

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def extra_repr(self) -> str:
        return f"values={self.values:g}, alpha={self.alpha:g}"
