"""Conditions in any unit: their training mean and spread are taken out before a network sees them."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from diffeo.moments import claim, moments
from diffeo.networks.conditioning import Shape
from diffeo.saving.registry import register


@register
class StandardizeCondition(nn.Module):
    r"""Subtract the training mean of a condition and divide by the training scale, :math:`(c - \mu) / \sigma`.

    Every entry of a vector, and every channel of an image, has its own :math:`\mu, \sigma`: buffers, set by
    :meth:`diffeo.Flow.initialize` from all training rows and saved with the flow. A year, a temperature in kelvin and a
    share of one are then alike to the network behind it. What is constant keeps scale 1. The identity until
    initialized.

    :class:`~diffeo.VectorEmbedding` and :class:`~diffeo.ImageEmbedding` begin with it. By itself it is the embedding of
    a flow made by hand whose layers take the condition as it is.

    Args:
        shape: ``(n,)`` or ``(C, H, W)``, shape of a row.

    Shapes:
        condition: ``(B, *shape)``; the result has the same.

    Example:
        >>> import diffeo
        >>> coupling = diffeo.Coupling(2, diffeo.MLP(1, 2, condition_shape=(1,)))
        >>> flow = diffeo.Flow(coupling, diffeo.StandardNormal(2), embedding=StandardizeCondition((1,)))
        >>> year = torch.tensor([[2001.0], [2003.0]])
        >>> flow.initialize(torch.randn(2, 2), year)
        >>> flow.embed(year, 2)
        tensor([[-1.],
                [ 1.]])
    """

    earlier_tensors: ClassVar[dict[str, float | bool]] = {"mean": 0.0, "scale": 1.0, "initialized": True}

    mean: Tensor
    scale: Tensor
    initialized: Tensor

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = self.output_shape = tuple(shape)
        each = (self.shape[0], 1, 1) if len(self.shape) == 3 else self.shape
        self.register_buffer("mean", torch.zeros(each))
        self.register_buffer("scale", torch.ones(each))
        self.register_buffer("initialized", torch.tensor(False))

    def forward(self, condition: Tensor) -> Tensor:
        return (condition - self.mean) / self.scale

    @torch.no_grad()
    def initialize(self, condition: Tensor) -> None:
        """Set mean and scale from the training rows' conditions, ``(N, *shape)``."""
        mean, scale = moments(condition, (0, 2, 3) if len(self.shape) == 3 else (0,), "StandardizeCondition")
        claim(self.initialized, "StandardizeCondition")
        self.mean.copy_(mean.view_as(self.mean))
        self.scale.copy_(scale.view_as(self.scale))

    def extra_repr(self) -> str:
        return f"{self.shape}"
