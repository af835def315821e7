"""What a convolution cannot know: where in the image it is."""

import torch
from torch import Tensor, nn

from diffeo.saving.registry import register

GAIN = 3.0  # learns three times as fast as the weights beside it


@register
class PlaceBias(nn.Module):
    r"""A learned bias for every place and channel, :math:`h_{hw} + 3\, b_{hw}`; starts at zero.

    A border that is always black, or a digit that stands in the middle, is then no longer to be
    guessed from the pixels.

    Args:
        width: channels of the hidden layer.
        places: its ``(H, W)``.

    Shapes:
        h: ``(B, width, H, W)``; result: the same.

    Raises:
        ValueError: if `h` has other places.

    Example:
        >>> PlaceBias(8, (4, 4))(torch.zeros(2, 8, 4, 4)).shape
        torch.Size([2, 8, 4, 4])
    """

    def __init__(self, width: int, places: tuple[int, int]):
        super().__init__()
        self.places = (places[0], places[1])
        self.bias = nn.Parameter(torch.zeros(*self.places, width))  # channels last, as `h` lies in memory

    def forward(self, h: Tensor) -> Tensor:
        if tuple(h.shape[2:]) != self.places:
            raise ValueError(
                f"PlaceBias: built for {self.places[0]}x{self.places[1]} places, got {h.shape[2]}x{h.shape[3]}. "
                f"Build the network with places={tuple(h.shape[2:])}, or without it for images of any size"
            )
        return h + (GAIN * self.bias).permute(2, 0, 1).to(h.dtype)
