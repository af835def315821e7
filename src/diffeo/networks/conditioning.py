"""How a condition enters a conditioner: added to its first hidden layer."""

import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.saving.registry import register

Shape = tuple[int, ...]


@register
class AddCondition(nn.Module):
    r"""Add a linear function of the condition to a hidden layer, :math:`h + A c`.

    A vector is added alike at every place of an image; a map is brought to the hidden layer's
    resolution (averaged, or repeated) and mixed by a 1x1 convolution.

    Args:
        condition_shape: ``(E,)`` or ``(E, H, W)``.
        width: channels of the hidden layer.

    Shapes:
        h: ``(B, width)`` or ``(B, width, H, W)``; condition: ``(B, *condition_shape)``.

    Example:
        >>> layer = AddCondition((3,), 8)
        >>> layer(torch.zeros(2, 8, 5, 5), torch.zeros(2, 3)).shape
        torch.Size([2, 8, 5, 5])
    """

    def __init__(self, condition_shape: Shape, width: int):
        super().__init__()
        self.condition_shape = tuple(condition_shape)
        if len(self.condition_shape) not in (1, 3):
            raise ValueError(
                f"AddCondition: expected a condition of shape (E,) or (E, H, W), got {self.condition_shape}"
            )
        self.project = nn.Linear(self.condition_shape[0], width, bias=False)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        if condition.dim() == 2:
            bias: Tensor = self.project(condition)
            return h + (bias if h.dim() == 2 else bias[:, :, None, None])
        if h.dim() == 2:
            raise ValueError(
                "a condition that is a map needs an image flow; "
                "embed it as a vector, for example with ImageEmbedding(.., vector=True)"
            )
        bias = F.conv2d(condition, self.project.weight[:, :, None, None])
        return h + F.interpolate(bias, h.shape[2:], mode="area")
