"""Gaussianize: every dimension's own distribution, as a layer that turns it into a standard normal."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.moments import claim, finite_rows
from diffeo.saving.registry import register

FLOOR = 2.0**-11  # share of the uniform density: no cell is so rare that rounding could not find back into it
COUNTED = 2**22  # numbers at a time, of all training rows
PRIOR = 20.0  # rows' worth of belief in what all dimensions have in common


@register
class Gaussianize(Bijection):
    r"""Points of :math:`[0, n)` to the real line, each dimension by its own distribution function.

    .. math:: z_i = \Phi^{-1}(F_i(x_i)), \qquad F_i(x) = \int_0^x \sum_k p_{ik}\, [x' \in k] / |k| \; dx'

    :math:`\Phi` is the standard normal's distribution function. The density of a dimension is constant in
    each of a few intervals, fine near 0 and n, where images have most of their mass. A pixel that is always
    black leaves as a standard normal: nothing is left to be learned of it, while after a logit the noise inside
    its cell keeps a shape that no affine coupling can make normal. :meth:`initialize` sets the :math:`p_{ik}`
    from the whole training split; they go on learning with the flow.

    Outside of [0, n) the density is zero: log_det is -inf, with finite gradients. Both tails are
    computed from their own side, so no digits are lost near n.

    log-det: :math:`\sum_i \log p_{ik} - \log |k| - \log \varphi(z_i)`.   Cost: nothing, in either direction.

    Args:
        shape: shape of a row.
        values: the length `n` of the interval.

    Shapes:
        x, z: ``(B, *shape)``.

    References:
        Chen and Gopinath, Gaussianization, 2000. https://papers.nips.cc/paper/1856-gaussianization
        Meng, Song, Song and Ermon, Gaussianization flows, 2020. https://arxiv.org/abs/2003.01941

    Example:
        >>> layer = Gaussianize((1,), 256)
        >>> z, log_det = layer.encode(torch.tensor([[192.0], [64.0], [256.0]]))
        >>> z[:2, 0], log_det[2]
        (tensor([ 0.6745, -0.6745], grad_fn=<SelectBackward0>), tensor(-inf, grad_fn=<SelectBackward0>))
    """

    fits_all_rows = True

    edges: Tensor
    initialized: Tensor

    def __init__(self, shape: Shape, values: int):
        super().__init__()
        if values < 2:
            raise ValueError(f"Gaussianize: values must be at least 2, got {values}")
        self.shape, self.values = tuple(shape), values
        self.domain = f"(0, {values:g})"
        self.register_buffer("edges", torch.tensor(edges(values)))
        self.register_buffer("initialized", torch.tensor(False))
        share = (self.edges[1:] - self.edges[:-1]) / values
        self.raw = nn.Parameter(share.log().repeat(math.prod(self.shape), 1))  # (D, K)

    def probabilities(self) -> Tensor:
        """Of every interval, for every dimension: ``(D, K)``."""
        share = (self.edges[1:] - self.edges[:-1]) / self.values
        return FLOOR * share + (1 - FLOOR) * self.raw.softmax(1)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(x, self.raw, self.shape)
        p = self.probabilities()
        below = p.cumsum(1) - p
        above = p.flip(1).cumsum(1).flip(1) - p
        point = x.flatten(1)  # (B, D)
        outside = (point <= 0) | (point >= self.values)
        point = torch.where(outside, 0.5 * self.values, point)
        k = torch.bucketize(point.detach().contiguous(), self.edges[1:-1], right=True)
        low, high = self.edges[k], self.edges[k + 1]
        mass, under, over = self._at(torch.stack([p, below, above], -1), k).unbind(-1)
        under = under + mass * (point - low) / (high - low)
        over = over + mass * (high - point) / (high - low)
        z = _probit(under, over)
        log_det = (mass.log() - (high - low).log() + 0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(1)
        return z.view_as(x), log_det.masked_fill(outside.any(1), -math.inf)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, self.raw, self.shape)
        p = self.probabilities()
        below = p.cumsum(1) - p
        above = p.flip(1).cumsum(1).flip(1) - p
        point = z.flatten(1)
        under, over = (0.5 * torch.erfc(side * point / math.sqrt(2)) for side in (-1, 1))  # ndtr is 0 from -5.6 on
        left = point < 0
        passed = torch.where(left[..., None], under[..., None] >= below[:, 1:], over[..., None] < above[:, :-1])
        k = passed.sum(-1)
        low, high = self.edges[k], self.edges[k + 1]
        mass, start, end = self._at(torch.stack([p, below, above], -1), k).unbind(-1)
        x = torch.where(left, low + (under - start) / mass * (high - low), high - (over - end) / mass * (high - low))
        x = torch.minimum(torch.maximum(x, low), high)
        limits = torch.finfo(x.dtype)  # both ends are outside of the domain, so rounding must not reach them
        x = x.clamp(2 * self.values * limits.tiny / FLOOR, self.values * (1 - limits.eps))
        log_det = -(mass.log() - (high - low).log() + 0.5 * point.square() + 0.5 * math.log(2 * math.pi))
        return x.view_as(z), log_det.sum(1)

    def _at(self, table: Tensor, k: Tensor) -> Tensor:
        """Rows `k` of every dimension's table: ``(D, K, n), (B, D) -> (B, D, n)``."""
        first = torch.arange(table.shape[0], device=k.device) * table.shape[1]
        return F.embedding(first + k, table.flatten(0, 1))

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.shape:
            raise ValueError(f"Gaussianize: built for rows of shape {self.shape}, not {shape}")
        return shape

    input_shape = output_shape

    def set_from(self, x: Tensor) -> None:
        self.expect(x, self.raw, self.shape)
        rows = finite_rows(x, "Gaussianize")
        claim(self.initialized, "Gaussianize")
        with torch.no_grad():
            share = (self.edges[1:] - self.edges[:-1]) / self.values
            count = self._counts(rows)
            common = 0.9 * count.sum(0) / count.sum() + 0.1 * share
            self.raw.copy_(((count + PRIOR * common) / (len(rows) + PRIOR)).log())

    def _counts(self, x: Tensor) -> Tensor:
        """How many rows fall into each interval, by dimension: ``(D, K)``."""
        dimensions, intervals = self.raw.shape
        first = intervals * torch.arange(dimensions, device=x.device)
        count = torch.zeros(dimensions * intervals, dtype=torch.long, device=x.device)
        for rows in x.flatten(1).split(max(1, COUNTED // dimensions)):
            k = torch.bucketize(rows.contiguous(), self.edges[1:-1], right=True)
            count += (first + k).flatten().bincount(minlength=len(count))
        return count.view(dimensions, intervals).to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.shape}, values={self.values}, intervals={self.raw.shape[1]}"


def edges(values: int) -> list[float]:
    """Where the density may change: every integer of few; of many eighths, and powers of two from both ends.

    Example:
        >>> edges(4)
        [0.0, 1.0, 2.0, 3.0, 4.0]
        >>> edges(256)[:8]
        [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    """
    if values <= 32:
        return [float(k) for k in range(values + 1)]
    near = [2**i for i in range(values.bit_length()) if 2**i < values / 8]
    points = {0, values, *(values * i // 8 for i in range(1, 8)), *near, *(values - k for k in near)}
    return [float(k) for k in sorted(points)]


def _probit(under: Tensor, over: Tensor) -> Tensor:
    """The standard normal's quantile of a probability, given with what it leaves over: the smaller of both is used."""
    left = under < over
    half = torch.full_like(under, 0.5)
    return torch.where(
        left, torch.special.ndtri(torch.where(left, under, half)), -torch.special.ndtri(torch.where(left, half, over))
    )
