"""RealNVP: affine couplings, for vectors and, at several scales, for images."""

import math
from functools import partial
from typing import Any, ClassVar

from diffeo.bases import StandardNormal
from diffeo.bijections import (
    ActNorm,
    Bijection,
    Chain,
    Coupling,
    Flatten,
    Permutation,
    Split,
    Squeeze,
    halves,
)
from diffeo.flow import Flow
from diffeo.flows.fitting import unfit
from diffeo.flows.levels import plan_levels
from diffeo.flows.preprocessing import Preprocessing, as_shape, at_least, preprocess
from diffeo.networks import MLP, ResidualConvNet, embedding_for
from diffeo.saving.registry import register
from diffeo.system.warning import warn

Shape = tuple[int, ...]


@register
class RealNVP(Flow):
    r"""Affine couplings: one part of the input scales and shifts the other.

    **Vectors**: `couplings` of them; the halves alternate, and a fixed permutation follows every second.

    **Images**, in the order of the paper: at every scale three couplings on a checkerboard, a squeeze, three
    on channel halves, and half of the channels leave; the last scale has four on a checkerboard.
    The networks are residual, and equally wide at every scale.

    Departures: ActNorm in place of batch norm, before every coupling, since batch norm couples the rows of
    a batch and a density would depend on what else is scored with it. The networks learn a bias for every
    place, and their last layer learns three times as fast as the others. The channel halves are the two colours
    of the checkerboard again, seen at half the resolution, where the paper takes care to divide the pixels in
    another way; halves of upper and lower pixels gain little (1.868 for 1.872 bits per dim, means of three seeds of
    25 epochs on the 8x8 digits). A checkerboard's network sees
    images of 14 pixels a side or more as squares of 2x2 pixels (the changed pixels are 0 as before): the
    same work is done faster, and reaches further.

    Args:
        shape: number of features, or ``(C, H, W)``.
        values: how many integer values a dimension has; None for continuous data.
        classes: condition on class labels, this many.
        condition_shape: condition on vectors ``(n,)`` or images ``(C, H, W)``.
        couplings: for vectors, how many couplings.
        depth: for vectors, hidden layers of the networks.
        levels: for images, how many scales; two, where they fit, if not given.
        blocks: for images, residual blocks of each network.
        width: hidden units or channels of the networks; 128 for vectors and 48 for images if not given.
        dropout: probability to drop a hidden unit while training.
        preprocessing: of integers: "gaussianize" by every dimension's own distribution, or "logit" as in the paper.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, D)``.

    Raises:
        ValueError: if an option does not fit, or the image cannot be halved that often.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> flow = RealNVP((1, 28, 28), values=256, width=8)
        >>> flow.level_shapes
        [(2, 14, 14), (2, 14, 14)]
    """

    earlier_options: ClassVar = {"preprocessing": "logit"}

    @staticmethod
    def without_effect(options: dict[str, Any]) -> dict[str, str]:
        """Vectors and images have architectures of their own, with options of their own."""
        only_for = {"vectors": ("couplings", "depth"), "images": ("levels", "blocks"), "integers": ("preprocessing",)}
        return unfit("RealNVP", options, **only_for)

    def __init__(
        self,
        shape: int | Shape,
        *,
        values: int | None = None,
        classes: int | None = None,
        condition_shape: int | Shape | None = None,
        couplings: int = 12,
        depth: int = 2,
        levels: int | None = None,
        blocks: int = 1,
        width: int | None = None,
        dropout: float = 0.0,
        preprocessing: Preprocessing = "gaussianize",
    ):
        row = as_shape(shape, "RealNVP")
        at_least("RealNVP", 1, couplings=couplings)
        at_least("RealNVP", 0, blocks=blocks)
        if not 0 <= dropout < 1:
            raise ValueError(f"RealNVP: dropout must be in [0, 1), got {dropout}")
        door, layers = preprocess("RealNVP", row, values, preprocessing)
        embedding = embedding_for(classes, condition_shape, spatial=len(row) == 3)
        condition = None if embedding is None else embedding.output_shape
        if len(row) == 1:
            layers += vector_layers(row[0], couplings, 128 if width is None else width, depth, dropout, condition)
        else:
            levels = plan_levels("RealNVP", row, levels, squeezes_less=1, most=2)
            layers.append(image_layers(row, levels, 48 if width is None else width, blocks, dropout, condition))
        super().__init__(Chain(layers), StandardNormal(math.prod(row)), door=door, embedding=embedding)


def vector_layers(
    features: int, couplings: int, width: int, depth: int, dropout: float, condition: Shape | None
) -> list[Bijection]:
    """Couplings on alternating halves."""
    if features == 1:
        warn("RealNVP of one feature: affine couplings have nothing to keep, so the density is Gaussian")
    layers: list[Bijection] = []
    for i in range(couplings):
        swap = i % 2 == 1 and features > 1
        kept, changed = halves(features, swap)
        network = MLP(kept, 2 * changed, width=width, depth=depth, dropout=dropout, condition_shape=condition)
        layers += [ActNorm(features), Coupling(features, network, swap=swap)]
        if swap and features > 2 and i + 1 < couplings:
            layers.append(Permutation.random(features, seed=i))
    return layers


def image_layers(
    shape: Shape, levels: int, width: int, blocks: int, dropout: float, condition: Shape | None
) -> Bijection:
    """The multi-scale architecture: this scale's couplings, and a Split around the scales that follow."""
    channels, height, side = shape
    patch = 2 if height % 2 == side % 2 == 0 and min(height, side) >= 14 else 1

    network = partial(ResidualConvNet, width=width, blocks=blocks, dropout=dropout, condition_shape=condition)

    def checkerboard(i: int) -> list[Bijection]:
        net = network(channels, 2 * channels, places=(height, side), patch=patch)
        return [ActNorm(channels), Coupling(channels, net, partition="checkerboard", swap=i % 2 == 1)]

    def channelwise(i: int) -> list[Bijection]:
        kept, changed = halves(4 * channels)
        net = network(kept, 2 * changed, places=(height // 2, side // 2))
        return [ActNorm(4 * channels), Coupling(4 * channels, net, swap=i % 2 == 1)]

    if levels == 1:  # the last scale
        return Chain([layer for i in range(4) for layer in checkerboard(i)] + [Flatten(shape)])
    squeezed = (4 * channels, height // 2, side // 2)
    rest = image_layers((2 * channels, height // 2, side // 2), levels - 1, width, blocks, dropout, condition)
    layers = [layer for i in range(3) for layer in checkerboard(i)]
    layers.append(Squeeze("checkerboard"))
    layers += [layer for i in range(3) for layer in channelwise(i)]
    return Chain([*layers, Split(squeezed, rest)])
