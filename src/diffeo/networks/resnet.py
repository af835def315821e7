"""Residual convolutional network: the conditioner of RealNVP on images."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.io import register
from diffeo.networks.conditioning import AddCondition, Shape
from diffeo.networks.layout import channels_last


@register
class ResidualConvNet(nn.Module):
    r"""A 3x3 convolution, residual blocks (ReLU, 1x1, ReLU, 3x3), and a 3x3 convolution that starts at zero.

    The residual nets of RealNVP without their batch norm, which would couple the rows of a batch.

    Args:
        channels: channels of the input.
        outputs: channels of the output.
        width: channels of the hidden layers.
        blocks: how many residual blocks.
        dropout: probability to drop a hidden channel while training.
        condition_shape: ``(E,)`` or ``(E, H, W)`` of the embedded condition, or None.

    Shapes:
        x: ``(B, channels, H, W)``; result: ``(B, outputs, H, W)``.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, section 4.1.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> ResidualConvNet(1, 2, width=16)(torch.randn(1, 1, 8, 8)).shape
        torch.Size([1, 2, 8, 8])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        width: int = 64,
        blocks: int = 2,
        dropout: float = 0.0,
        condition_shape: Shape | None = None,
    ):
        super().__init__()
        if width < 1:
            raise ValueError(f"ResidualConvNet: width must be at least 1, got {width}")
        self.condition_shape = None if condition_shape is None else tuple(condition_shape)
        self.dropout = dropout
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.condition = None if self.condition_shape is None else AddCondition(self.condition_shape, width)
        self.narrow = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(blocks))
        self.wide = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(blocks))
        self.output = nn.Conv2d(width, outputs, 3, padding=1)
        with torch.no_grad():
            self.output.weight.zero_()
            cast(Tensor, self.output.bias).zero_()

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.first(channels_last(x))
        if self.condition is not None:
            h = self.condition(h, condition)
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            inside = F.relu(narrow(F.relu(h)))
            if self.dropout:
                inside = F.dropout2d(inside, self.dropout, self.training)
            h = h + wide(inside)
        return cast(Tensor, self.output(F.relu(h)))
