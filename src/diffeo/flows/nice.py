"""NICE: additive couplings and one diagonal scaling."""

import math

from diffeo.bases import StandardNormal
from diffeo.bijections import ActNorm, Bijection, Chain, Coupling, Flatten, halves
from diffeo.elementwise import Additive
from diffeo.flow import Flow
from diffeo.flows.preprocessing import as_shape, at_least, preprocess
from diffeo.networks import MLP, embedding_for
from diffeo.saving.registry import register


@register
class NICE(Flow):
    r"""Additive couplings that alternate between two halves, then a diagonal scaling.

    Each coupling shifts one half by a network of the other and preserves volume; only the last layer,
    :math:`z = (x + b) e^{s}`, stretches. Images are treated as vectors, as in the paper.

    Args:
        shape: number of features, or ``(C, H, W)``.
        values: how many integer values a dimension has; None for continuous data.
        classes: condition on class labels, this many.
        condition_shape: condition on vectors ``(n,)`` or images ``(C, H, W)``.
        couplings: how many couplings.
        width: hidden units of the networks.
        depth: hidden layers of the networks.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, D)``.

    Raises:
        ValueError: if an option does not fit.

    References:
        Dinh, Krueger and Bengio, NICE: Non-linear Independent Components Estimation, 2015.
        https://arxiv.org/abs/1410.8516

    Example:
        >>> NICE(64, width=32).sample(2).shape
        torch.Size([2, 64])
    """

    def __init__(
        self,
        shape: int | tuple[int, ...],
        *,
        values: int | None = None,
        classes: int | None = None,
        condition_shape: int | tuple[int, ...] | None = None,
        couplings: int = 4,
        width: int = 256,
        depth: int = 3,
    ):
        row = as_shape(shape, "NICE")
        at_least("NICE", 1, couplings=couplings)
        features = math.prod(row)
        door, layers = preprocess("NICE", row, values)
        embedding = embedding_for(classes, condition_shape, spatial=False)
        condition = None if embedding is None else embedding.output_shape
        if len(row) == 3:
            layers.append(Flatten(row))

        def coupling(swap: bool) -> Bijection:
            kept, changed = halves(features, swap)
            network = MLP(kept, changed, width=width, depth=depth, condition_shape=condition)
            return Coupling(features, network, elementwise=Additive(), swap=swap)

        layers += [coupling(swap=i % 2 == 1 and features > 1) for i in range(couplings)]
        layers.append(ActNorm(features))
        super().__init__(Chain(layers), StandardNormal(features), door=door, embedding=embedding)
