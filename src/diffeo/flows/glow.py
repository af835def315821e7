"""Glow: ActNorm, invertible 1x1 convolution and affine coupling, at several levels."""

import math
from typing import Any, ClassVar

from diffeo.bases import StandardNormal
from diffeo.bijections import (
    ActNorm,
    Bijection,
    Chain,
    Coupling,
    Flatten,
    InvertibleConv1x1,
    Split,
    Squeeze,
    halves,
)
from diffeo.flow import Flow
from diffeo.flows.fitting import unfit
from diffeo.flows.levels import plan_levels
from diffeo.flows.preprocessing import Preprocessing, as_shape, at_least, preprocess
from diffeo.networks import ConvNet, ZeroConv, embedding_for
from diffeo.saving.registry import register

Shape = tuple[int, ...]


@register
class Glow(Flow):
    r"""L levels of K steps; a step is ActNorm, an invertible 1x1 convolution and an affine coupling.

    Every level squeezes, takes its steps, and lets half of the channels leave, judged by a learned
    prior given the other half. The 1x1 convolution takes the place of RealNVP's fixed order of
    channels; the coupling is RealNVP's. The 1x1 convolution's matrix is kept as P L U.

    Departures: the couplings' networks learn a bias for every place of their first layer, since
    convolutions do not know where in the image they are, and their last layer, which starts at zero,
    learns three times as fast as the others.

    Args:
        shape: ``(C, H, W)``.
        values: how many integer values a pixel has; None for continuous images.
        classes: condition on class labels, this many.
        condition_shape: condition on vectors ``(n,)`` or images ``(C, H, W)``.
        levels: L, the scales of an image; as many as fit, up to three, if not given.
        steps: K, the steps at every level.
        width: hidden channels of the couplings' networks.
        preprocessing: of integers: "gaussianize" by every pixel's own distribution, or "logit" as in the paper.

    Shapes:
        x: ``(B, C, H, W)``; z: ``(B, D)``.

    Raises:
        ValueError: if an option does not fit, or the image cannot be halved that often.

    References:
        Kingma and Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, 2018.
        https://arxiv.org/abs/1807.03039

    Example:
        >>> flow = Glow((3, 32, 32), values=256, levels=3, steps=2, width=16)
        >>> flow.level_shapes
        [(48, 4, 4), (12, 8, 8), (6, 16, 16)]
    """

    earlier_options: ClassVar = {"preprocessing": "logit"}

    @staticmethod
    def without_effect(options: dict[str, Any]) -> dict[str, str]:
        """Continuous images are standardized only."""
        return unfit("Glow", options, integers=("preprocessing",))

    def __init__(
        self,
        shape: Shape,
        *,
        values: int | None = None,
        classes: int | None = None,
        condition_shape: int | Shape | None = None,
        levels: int | None = None,
        steps: int = 8,
        width: int = 48,
        preprocessing: Preprocessing = "gaussianize",
    ):
        row = as_shape(shape, "Glow")
        if len(row) != 3:
            raise ValueError(
                f"Glow: expected (channels, height, width), got {shape}. For vectors use RealNVP({row[0]})"
            )
        at_least("Glow", 1, steps=steps)
        levels = plan_levels("Glow", row, levels)
        door, layers = preprocess("Glow", row, values, preprocessing)
        embedding = embedding_for(classes, condition_shape, spatial=True)
        condition = None if embedding is None else embedding.output_shape
        layers.append(level(row, levels, steps, width, condition))
        super().__init__(Chain(layers), StandardNormal(math.prod(row)), door=door, embedding=embedding)


def level(shape: Shape, levels: int, steps: int, width: int, condition: Shape | None) -> Bijection:
    """Squeeze, K steps, and a Split around the levels that follow."""
    channels, height, side = 4 * shape[0], shape[1] // 2, shape[2] // 2
    layers: list[Bijection] = [Squeeze()]
    for _ in range(steps):
        layers += step((channels, height, side), width, condition)
    if levels == 1:
        return Chain([*layers, Flatten((channels, height, side))])
    kept, left = halves(channels)
    rest = level((kept, height, side), levels - 1, steps, width, condition)
    prior = ZeroConv(kept, 2 * left, condition_shape=condition)
    return Chain([*layers, Split((channels, height, side), rest, prior)])


def step(shape: Shape, width: int, condition: Shape | None) -> list[Bijection]:
    """One step of flow (Glow, figure 2a)."""
    channels, height, side = shape
    kept, changed = halves(channels)
    network = ConvNet(kept, 2 * changed, width=width, places=(height, side), condition_shape=condition)
    return [ActNorm(channels), InvertibleConv1x1(channels), Coupling(channels, network)]
