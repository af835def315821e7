"""Squeeze: trade resolution for channels."""

from typing import Literal

import torch
from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.bijections.permutation import zeros
from diffeo.saving.registry import register


@register
class Squeeze(Bijection):
    r"""Each 2x2 block of pixels becomes four channels: ``(C, H, W)`` to ``(4 C, H/2, W/2)``.

    ``order="plain"`` keeps a block's pixels together, as Glow does (channel ``4 c + 2 i + j``).
    ``order="checkerboard"`` is the one in which RealNVP lets channels leave: first the diagonal pixels (0, 0) and
    (1, 1) of every colour, then (0, 1) and (1, 0), so that channel halves are the two colours of a checkerboard.

    log-det: 0.   Cost: nothing, in either direction.

    Args:
        order: ``"plain"`` or ``"checkerboard"``.

    Shapes:
        x: ``(B, C, H, W)``; z: ``(B, 4 C, H/2, W/2)``.

    Raises:
        ValueError: if height or width is odd.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, section 3.6.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> x = torch.tensor([[[[0, 1], [2, 3]]]])
        >>> Squeeze("plain").encode(x)[0].flatten().tolist()
        [0, 1, 2, 3]
        >>> Squeeze("checkerboard").encode(x)[0].flatten().tolist()
        [0, 3, 1, 2]
    """

    def __init__(self, order: Literal["plain", "checkerboard"] = "plain"):
        super().__init__()
        if order not in ("plain", "checkerboard"):
            raise ValueError(f"Squeeze: order must be 'plain' or 'checkerboard', got {order!r}")
        self.order = order

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.output_shape(tuple(x.shape[1:]))
        blocks = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # (B, C, H/2, 2, W/2, 2)
        if self.order == "plain":
            z = blocks.permute(0, 2, 4, 1, 3, 5).flatten(3)  # (B, H/2, W/2, 4C): channels last in memory
            return z.permute(0, 3, 1, 2), zeros(x)
        rows = blocks.permute(0, 2, 4, 3, 5, 1).flatten(3, 4)  # (B, H/2, W/2, 4, C)
        first, second, third, fourth = rows.unbind(3)
        return torch.cat([first, fourth, second, third], 3).permute(0, 3, 1, 2), zeros(x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.input_shape(tuple(z.shape[1:]))
        rows = z.permute(0, 2, 3, 1)  # (B, H/2, W/2, 4C)
        if self.order == "plain":
            blocks = rows.unflatten(3, (-1, 2, 2)).permute(0, 3, 1, 4, 2, 5)  # (B, C, H/2, 2, W/2, 2)
        else:
            first, fourth, second, third = rows.chunk(4, 3)
            parts = torch.stack([first, second, third, fourth], 3)
            blocks = parts.unflatten(3, (2, 2)).permute(0, 5, 1, 3, 2, 4)
        return blocks.flatten(4, 5).flatten(2, 3), zeros(z)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise ValueError(f"Squeeze: expected rows of shape (C, H, W), got {shape}")
        channels, height, width = shape
        if height % 2 or width % 2 or not height or not width:
            raise ValueError(
                f"Squeeze: height and width must be even, got {height}x{width}. Pad the image, or squeeze less often"
            )
        return (4 * channels, height // 2, width // 2)

    def input_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[0] % 4:
            raise ValueError(f"Squeeze: expected rows of shape (4 C, H, W) to decode, got {shape}")
        channels, height, width = shape
        return (channels // 4, 2 * height, 2 * width)

    def extra_repr(self) -> str:
        return repr(self.order)
