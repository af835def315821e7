"""Doors: where data is not a point of R^D. Integers enter and leave by way of noise inside their cell."""

import torch
from torch import Tensor, nn

from diffeo.saving.registry import register

MAX_VALUES = 2**16


@register
class Quantizer(nn.Module):
    r"""Integers :math:`x \in \{0, .., n-1\}` to points of :math:`[0, n)`, and back by the floor.

    :math:`y = x + u` with `u` inside the unit cell; decode is :math:`\lfloor y \rfloor`, clamped.
    A surjection, not a bijection: since a cell has volume one,
    :math:`\log P(x) = \log \int p(x + u)\,du \ge E_u \log p(x + u)`, and the average over several
    draws of `u` tightens the bound. No constant for the number of values: the points keep the
    integers' units, and the layer behind the door (:class:`~diffeo.Logit`) counts its own scale.

    Noise is rounded to the middles of :math:`2^{15}` equal parts (fewer beyond 256 values), so that
    :math:`x + u` and :math:`n - (x + u)` are exact in float32 and never reach the next integer.

    Args:
        values: how many integers there are; 256 for 8-bit images, 17 for scikit-learn's digits.

    Shapes:
        x, noise, y: ``(B, ...)``, all the same.

    Raises:
        ValueError: if `values` is not between 2 and 65,536; from :meth:`check`, if data is not integers
            from 0 to ``values - 1``.

    References:
        Theis, van den Oord and Bethge, A note on the evaluation of generative models, 2016.
        https://arxiv.org/abs/1511.01844

    Example:
        >>> door = Quantizer(256)
        >>> x = torch.tensor([[0, 128, 255]], dtype=torch.uint8)
        >>> y = door.encode(x, torch.full((1, 3), 0.5))
        >>> y
        tensor([[  0.5000, 128.5000, 255.5000]])
        >>> door.decode(y)
        tensor([[  0, 128, 255]], dtype=torch.uint8)
    """

    def __init__(self, values: int):
        super().__init__()
        if not 2 <= values <= MAX_VALUES:
            raise ValueError(f"Quantizer: values must be between 2 and {MAX_VALUES}, got {values}")
        self.values = values
        self.parts = 2 ** min(15, 23 - (values - 1).bit_length())  # parts of a cell: x + u has at most 24 bits

    def encode(self, x: Tensor, noise: Tensor) -> Tensor:
        """Points inside the cells of `x`, in the dtype of `noise`, which lies in (0, 1)."""
        part = (noise * self.parts).floor().clamp(0, self.parts - 1)
        points: Tensor = x.to(noise.dtype) + (part + 0.5) / self.parts
        return points

    def decode(self, y: Tensor) -> Tensor:
        """The integers in whose cells `y` lies; what is outside the range goes to its nearest end."""
        dtype = torch.uint8 if self.values <= 256 else torch.int32
        return y.detach().nan_to_num(0.0).floor().clamp(0, self.values - 1).to(dtype)

    def check(self, x: Tensor) -> None:
        """Refuse what is not integers from 0 to ``values - 1``."""
        if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
            whole = x.is_floating_point() and bool((x == x.round()).all()) and bool((x.abs() < self.values).all())
            raise ValueError(
                f"expected integers from 0 to {self.values - 1}, got {x.dtype}. "
                + ("Use x.long(). " if whole or x.dtype == torch.bool else "")
                + f"For images in [0, 1] pass (x * {self.values - 1}).round().long(); for continuous data build the "
                f"flow without values="
            )
        x = x.long() if x.dtype in (torch.uint16, torch.uint32, torch.uint64) else x  # which know no minimum
        if x.numel() and (int(x.min()) < 0 or int(x.max()) >= self.values):
            raise ValueError(
                f"expected integers from 0 to {self.values - 1}, got values from {int(x.min())} to {int(x.max())}. "
                f"Build the flow with values={int(x.max()) + 1}, or rescale the data"
            )

    def extra_repr(self) -> str:
        return f"values={self.values}"
