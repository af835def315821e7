"""Multilayer perceptron: the conditioner of vector couplings."""

import warnings
from itertools import chain, pairwise, repeat
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.networks.conditioning import AddCondition, Shape
from diffeo.networks.dropout import Dropout
from diffeo.saving.registry import register


@register
class MLP(nn.Module):
    r"""Linear layers with ReLUs between them; the last starts at zero, so that a coupling starts as the identity.

    Args:
        features: size of the input; 0 is allowed (what is changed then depends on the condition alone).
        outputs: size of the output.
        width: size of the hidden layers.
        depth: how many hidden layers.
        dropout: probability to drop a hidden unit while training.
        condition_shape: ``(E,)`` of the embedded condition, or None.

    Shapes:
        x: ``(B, features)``; result: ``(B, outputs)``.

    Example:
        >>> MLP(2, 6, width=32)(torch.randn(4, 2)).abs().max()
        tensor(0., grad_fn=<MaxBackward1>)
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        *,
        width: int = 128,
        depth: int = 2,
        dropout: float = 0.0,
        condition_shape: Shape | None = None,
    ):
        super().__init__()
        if depth < 1 or width < 1:
            raise ValueError(f"MLP: depth and width must be at least 1, got {depth} and {width}")
        self.condition_shape = None if condition_shape is None else tuple(condition_shape)
        self.inputs, self.outputs = features, outputs
        self.dropout = Dropout(dropout) if dropout else None  # one that drops nothing takes time too
        sizes = chain([features], repeat(width, depth))
        with warnings.catch_warnings():  # torch warns of the weight without entries when features is 0
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.condition = None if self.condition_shape is None else AddCondition(self.condition_shape, width)
        self.output = nn.Linear(width, outputs)
        with torch.no_grad():
            self.output.weight.zero_()
            self.output.bias.zero_()

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        for i, layer in enumerate(self.hidden):
            x = layer(x)
            if i == 0 and self.condition is not None:
                x = self.condition(x, condition)
            x = F.relu(x)
            if self.dropout is not None:
                x = self.dropout(x)
        return cast(Tensor, self.output(x))
