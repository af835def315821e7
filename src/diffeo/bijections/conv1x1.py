"""Invertible 1x1 convolution: a learned mixing of channels with a cheap determinant."""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.elementwise import bounded, unbounded
from diffeo.saving.registry import register
from diffeo.saving.skeleton import from_file

LOWER_BOUND = 2.0  # of the entries below L's diagonal; pivoting starts them below 1
LOG_DIAGONAL_BOUND = 4.0
UPPER_BOUND = 2.0  # times sqrt(C): of the entries above U's diagonal


class FrozenInverse(NamedTuple):
    """An inverse, and what it was made from: tensors, their versions and where they lie."""

    inverse: Tensor
    made_from: tuple[tuple[Tensor, int, int], ...]


@register
class InvertibleConv1x1(Bijection):
    r"""Mix the channels of every pixel by one matrix, :math:`z_{hw} = W x_{hw}` with :math:`W = P L U`.

    `P` is a fixed permutation, `L` unit lower triangular, `U` upper triangular with a diagonal of fixed
    signs. Starts as a random rotation. The log-diagonal and the entries beside both diagonals are
    bounded by a tanh, since bounding the diagonal alone leaves `W` free to become singular to rounding.
    :math:`|\det W|` then lies between :math:`e^{-4C}` and :math:`e^{4C}` for all parameters, so `W` has an inverse.
    How exactly rounding lets it be found is another matter: with every parameter at its worst, the condition number
    reaches 1e5 for two channels, 2e8 for three, and from six channels on more than float64 resolves. Training stays
    far from that (below 3.3 in the models that ship); the round trip that every run measures would show it.
    Decoding solves the two triangular systems; no inverse is kept, except inside
    :meth:`diffeo.Flow.frozen`.

    log-det: :math:`H W \sum_c \log |U_{cc}|`.   Cost: one 1x1 convolution, in either direction.

    Args:
        channels: size of dimension 1.

    Shapes:
        x, z: ``(B, C)`` or ``(B, C, H, W)``.

    Raises:
        ValueError: if `x` has another number of channels.

    References:
        Kingma and Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, 2018, section 3.2.
        https://arxiv.org/abs/1807.03039

    Example:
        >>> layer = InvertibleConv1x1(4)
        >>> x = torch.randn(2, 4, 8, 8)
        >>> z, log_det = layer.encode(x)
        >>> torch.allclose(layer.decode(z)[0], x, atol=1e-5)
        True
    """

    tolerance = 128.0

    order: Tensor
    inverse_order: Tensor
    sign: Tensor

    def __init__(self, channels: int):
        super().__init__()
        if channels < 1:
            raise ValueError(f"InvertibleConv1x1: channels must be at least 1, got {channels}")
        self.channels = channels
        self.upper_bound = UPPER_BOUND * math.sqrt(channels)
        if from_file():  # which says all of it, and a rotation of many channels takes long
            p = lower = upper = torch.eye(channels)
        else:
            p, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels))[0])
        diagonal = upper.diagonal()
        self.register_buffer("order", p.argmax(1))  # W's row i is row order[i] of L U
        self.register_buffer("inverse_order", p.argmax(0))
        self.register_buffer("sign", diagonal.sign())
        below, above = unbounded(lower, LOWER_BOUND).tril(-1), unbounded(upper, self.upper_bound).triu(1)
        self.raw_triangles = nn.Parameter(below + above)  # L below the diagonal, U above it
        self.raw_log_diagonal = nn.Parameter(unbounded(diagonal.abs().log(), LOG_DIAGONAL_BOUND))
        self._frozen_inverse: FrozenInverse | None = None

    def factors(self) -> tuple[Tensor, Tensor, Tensor]:
        r"""L, U and :math:`\log |U_{cc}|`: ``(C, C)``, ``(C, C)``, ``(C,)``."""
        log_diagonal = bounded(self.raw_log_diagonal, LOG_DIAGONAL_BOUND)
        one = torch.diag_embed(torch.ones_like(log_diagonal))
        lower = bounded(self.raw_triangles, LOWER_BOUND).tril(-1) + one
        upper = bounded(self.raw_triangles, self.upper_bound).triu(1) + torch.diag_embed(self.sign * log_diagonal.exp())
        return lower, upper, log_diagonal

    def weight(self) -> Tensor:
        """The matrix W, ``(C, C)``."""
        lower, upper, _ = self.factors()
        return (lower @ upper).index_select(0, self.order)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(x, self.raw_triangles, (self.channels,), (self.channels, -1, -1))
        lower, upper, log_diagonal = self.factors()
        return _mix(x, (lower @ upper).index_select(0, self.order)), self._log_det(x, log_diagonal)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, self.raw_triangles, (self.channels,), (self.channels, -1, -1))
        inverse = self._inverse_if_frozen()
        if inverse is not None:
            return _mix(z, inverse), -self._log_det(z, bounded(self.raw_log_diagonal, LOG_DIAGONAL_BOUND))
        lower, upper, log_diagonal = self.factors()
        rows = z.index_select(1, self.inverse_order)
        rows = rows if z.dim() == 2 else rows.permute(0, 2, 3, 1).flatten(0, 2)  # (N, C), a pixel a row
        rows = torch.linalg.solve_triangular(lower.mT, rows, upper=True, left=False)
        rows = torch.linalg.solve_triangular(upper.mT, rows, upper=False, left=False)
        x = rows if z.dim() == 2 else rows.unflatten(0, (z.shape[0], *z.shape[2:])).permute(0, 3, 1, 2)
        return x, -self._log_det(z, log_diagonal)

    def _log_det(self, x: Tensor, log_diagonal: Tensor) -> Tensor:
        places = 1 if x.dim() == 2 else x.shape[2] * x.shape[3]
        return (log_diagonal.sum() * places).expand(x.shape[0])

    def freeze(self) -> None:
        if any(tensor.is_inference() for tensor in self._sources()):
            return  # whose versions are not counted
        made_from = tuple((tensor, tensor._version, tensor.data_ptr()) for tensor in self._sources())
        with torch.inference_mode(False), torch.no_grad():
            lower, upper, _ = (f.double() for f in self.factors())
            inverse = torch.linalg.solve_triangular(
                lower, torch.diag_embed(torch.ones_like(self.sign.double())), upper=False
            )
            inverse = torch.linalg.solve_triangular(upper, inverse, upper=True)
            inverse = inverse.index_select(1, self.order).to(self.raw_triangles)
        self._frozen_inverse = FrozenInverse(inverse, made_from)

    def thaw(self) -> None:
        self._frozen_inverse = None

    def _sources(self) -> tuple[Tensor, ...]:
        return self.raw_triangles, self.raw_log_diagonal, self.order, self.sign

    def _inverse_if_frozen(self) -> Tensor | None:
        """The prepared inverse, while it is this matrix's and no gradient is to flow into the parameters."""
        if torch.compiler.is_compiling() or (frozen := self._frozen_inverse) is None:
            return None
        wants_gradients = torch.is_grad_enabled()
        for (tensor, version, at), now in zip(frozen.made_from, self._sources(), strict=True):
            if now is not tensor or now._version != version or now.data_ptr() != at:
                return None
            if wants_gradients and now.requires_grad:
                return None
        return frozen.inverse

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made from: the parameters alone."""
        return {**self.__dict__, "_frozen_inverse": None}

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(f"InvertibleConv1x1: built for {self.channels} channels, not {shape[0]}")
        return shape

    input_shape = output_shape

    def extra_repr(self) -> str:
        return f"{self.channels}"


def _mix(x: Tensor, weight: Tensor) -> Tensor:
    return F.linear(x, weight) if x.dim() == 2 else F.conv2d(x, weight[:, :, None, None])
