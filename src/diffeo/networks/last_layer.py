"""The last layer of a convolutional conditioner: starts at zero, and learns fast."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.saving.registry import register

GAIN = 3.0  # as the exponent's in Glow's published code, conv2d_zeros(logscale_factor=3)


@register
class OutputConv(nn.Conv2d):
    r"""A 3x3 convolution that starts at zero, times a gain: :math:`3\,(W * h + b)`.

    Adam moves every weight by about the learning rate, whatever the weight does; the gain lets the scales
    and shifts of a coupling, which start at zero, grow three times as fast as that.

    Args:
        channels: channels of the input.
        outputs: channels of the output.

    Shapes:
        h: ``(B, channels, H, W)``; result: ``(B, outputs, H, W)``.

    Example:
        >>> OutputConv(8, 2)(torch.randn(1, 8, 4, 4)).abs().sum()
        tensor(0., grad_fn=<SumBackward0>)
    """

    def __init__(self, channels: int, outputs: int):
        super().__init__(channels, outputs, 3, padding=1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()

    def forward(self, h: Tensor) -> Tensor:
        bias = None if self.bias is None else GAIN * self.bias
        return F.conv2d(h, GAIN * self.weight, bias, padding=1)
