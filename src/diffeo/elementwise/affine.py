"""The affine elementwise map of RealNVP: a bounded scale and a shift."""

from torch import Tensor

from diffeo.elementwise.bound import bounded
from diffeo.saving.registry import register


@register
class Affine:
    r"""Scale and shift, :math:`z = x e^{s} + t` with :math:`s = b \tanh(r / b)`.

    Two parameters a dimension, `r` and `t`; all zero is the identity. The bound `b` is the same for
    the map and its inverse, so neither overflows where the other does not.

    log-det: `s`, elementwise.   Cost: nothing, in either direction.

    Args:
        bound: largest absolute log-scale.

    Shapes:
        x, z: ``(B, C, ...)``; parameters: ``(B, 2 C, ...)``, first all `r`, then all `t`.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> z, log_det = Affine().encode(torch.ones(1, 1), torch.tensor([[0.0, 3.0]]))
        >>> z, log_det
        (tensor([[4.]]), tensor([[0.]]))
    """

    parameters_per_dimension = 2

    def __init__(self, bound: float = 2.0):
        if not bound > 0:
            raise ValueError(f"Affine: bound must be positive, got {bound}")
        self.bound = bound

    def encode(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(z, log_det)``, both of x's shape."""
        raw, shift = parameters.chunk(2, dim=1)
        log_scale = bounded(raw, self.bound)
        return x * log_scale.exp() + shift, log_scale

    def decode(self, z: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """``(x, log_det)`` of the inverse, both of z's shape."""
        raw, shift = parameters.chunk(2, dim=1)
        log_scale = bounded(raw, self.bound)
        return (z - shift) * (-log_scale).exp(), -log_scale

    def __repr__(self) -> str:
        return f"Affine(bound={self.bound:g})"
