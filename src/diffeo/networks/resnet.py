"""Residual convolutional network: the conditioner of RealNVP on images."""

import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.networks.conditioning import AddCondition, Shape
from diffeo.networks.coordinates import PlaceBias
from diffeo.networks.dropout import Dropout
from diffeo.networks.last_layer import OutputConv
from diffeo.networks.layout import channels_last, from_squares, to_squares
from diffeo.saving.registry import register


@register
class ResidualConvNet(nn.Module):
    r"""A 3x3 convolution, residual blocks (ReLU, 1x1, ReLU, 3x3), and a 3x3 convolution that starts at zero.

    The residual nets of RealNVP without their batch norm, which would couple the rows of a batch. With
    `patch` the network sees the image as squares of `patch` x `patch` pixels: fewer places with more
    channels, which processors run faster, and each convolution reaches as many times further.

    Args:
        channels: channels of the input.
        outputs: channels of the output.
        width: channels of the hidden layers.
        blocks: how many residual blocks.
        patch: side of the squares that are one place inside the network; 1 for pixels.
        places: ``(H, W)`` of the image to learn a bias for every place of the first hidden layer; None for
            images of any size.
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
        patch: int = 1,
        places: tuple[int, int] | None = None,
        dropout: float = 0.0,
        condition_shape: Shape | None = None,
    ):
        super().__init__()
        if width < 1:
            raise ValueError(f"ResidualConvNet: width must be at least 1, got {width}")
        if patch < 1 or (places is not None and (places[0] % patch or places[1] % patch)):
            raise ValueError(f"ResidualConvNet: squares of {patch}x{patch} pixels do not fill {places}. Use patch=1")
        self.condition_shape = None if condition_shape is None else tuple(condition_shape)
        self.inputs, self.outputs = channels, outputs
        self.dropout = Dropout(dropout) if dropout else None
        self.patch = patch
        self.first = nn.Conv2d(channels * patch**2, width, 3, padding=1)
        self.places = None if places is None else PlaceBias(width, (places[0] // patch, places[1] // patch))
        self.condition = None if self.condition_shape is None else AddCondition(self.condition_shape, width)
        self.narrow = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(blocks))
        self.wide = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(blocks))
        self.output = OutputConv(width, outputs * patch**2)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.first(channels_last(to_squares(x, self.patch)))
        if self.places is not None:
            h = self.places(h)
        if self.condition is not None:
            h = self.condition(h, condition)
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            inner = F.relu(narrow(F.relu(h)))
            if self.dropout is not None:
                inner = self.dropout(inner)
            h = h + wide(inner)
        return from_squares(self.output(F.relu(h)), self.patch)
