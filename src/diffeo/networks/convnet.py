"""Convolutional conditioners of Glow."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.networks.conditioning import AddCondition, Shape
from diffeo.networks.coordinates import PlaceBias
from diffeo.networks.last_layer import OutputConv
from diffeo.networks.layout import channels_last
from diffeo.saving.registry import register


@register
class ConvNet(nn.Module):
    r"""3x3, 1x1 and 3x3 convolutions with ReLUs between them; the last starts at zero (Glow, section 3.3).

    Args:
        channels: channels of the input.
        outputs: channels of the output.
        width: channels of the hidden layers.
        places: ``(H, W)`` to learn a bias for every place of the first hidden layer; None for images of any size.
        condition_shape: ``(E,)`` or ``(E, H, W)`` of the embedded condition, or None.

    Shapes:
        x: ``(B, channels, H, W)``; result: ``(B, outputs, H, W)``.

    References:
        Kingma and Dhariwal, Glow, 2018. https://arxiv.org/abs/1807.03039

    Example:
        >>> ConvNet(2, 4, width=16)(torch.randn(1, 2, 8, 8)).shape
        torch.Size([1, 4, 8, 8])
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        width: int = 96,
        places: tuple[int, int] | None = None,
        condition_shape: Shape | None = None,
    ):
        super().__init__()
        if width < 1:
            raise ValueError(f"ConvNet: width must be at least 1, got {width}")
        self.condition_shape = None if condition_shape is None else tuple(condition_shape)
        self.inputs, self.outputs = channels, outputs
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.places = None if places is None else PlaceBias(width, places)
        self.condition = None if self.condition_shape is None else AddCondition(self.condition_shape, width)
        self.second = nn.Conv2d(width, width, 1)
        self.output = OutputConv(width, outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.first(channels_last(x))
        if self.places is not None:
            h = self.places(h)
        if self.condition is not None:
            h = self.condition(h, condition)
        return cast(Tensor, self.output(F.relu(self.second(F.relu(h)))))


@register
class ZeroConv(nn.Module):
    r"""One 3x3 convolution that starts at zero: the learned prior of Glow's splits.

    Args:
        channels: channels of the input.
        outputs: channels of the output.
        condition_shape: ``(E,)`` or ``(E, H, W)`` of the embedded condition, or None.

    Shapes:
        x: ``(B, channels, H, W)``; result: ``(B, outputs, H, W)``.

    Example:
        >>> ZeroConv(2, 4)(torch.randn(1, 2, 8, 8)).abs().sum()
        tensor(0., grad_fn=<SumBackward0>)
    """

    def __init__(self, channels: int, outputs: int, *, condition_shape: Shape | None = None):
        super().__init__()
        self.condition_shape = None if condition_shape is None else tuple(condition_shape)
        self.inputs, self.outputs = channels, outputs
        self.output = nn.Conv2d(channels, outputs, 3, padding=1)
        self.condition = None if self.condition_shape is None else AddCondition(self.condition_shape, outputs)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.output(channels_last(x))
        return cast(Tensor, h if self.condition is None else self.condition(h, condition))
