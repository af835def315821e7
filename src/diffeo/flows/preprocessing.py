"""What every recipe does first: a door for integers, the real line, zero mean and unit variance."""

import operator
from typing import Literal

from diffeo.bijections import Bijection, Gaussianize, Logit, Standardize
from diffeo.doors import Quantizer

Shape = tuple[int, ...]
Preprocessing = Literal["gaussianize", "logit"]


def as_shape(shape: int | Shape, flow: str) -> Shape:
    """A row's shape: ``(D,)`` for vectors, ``(C, H, W)`` for images.

    Raises:
        ValueError: if it is neither, or a size is below 1.
    """
    try:
        row = tuple(operator.index(n) for n in (shape if isinstance(shape, (tuple, list)) else (shape,)))
    except TypeError:
        row = ()
    if len(row) not in (1, 3) or min(row) < 1:
        raise ValueError(f"{flow}: expected a number of features, or (channels, height, width), got {shape}")
    return row


def at_least(flow: str, least: int, **options: int) -> None:
    """Refuse options below `least`.

    Raises:
        ValueError: naming the option.
    """
    for name, value in options.items():
        if value < least:
            raise ValueError(f"{flow}: {name} must be at least {least}, got {value}")


def preprocess(
    flow: str, shape: Shape, values: int | None, kind: Preprocessing = "logit"
) -> tuple[Quantizer | None, list[Bijection]]:
    """The door, and the layers that bring data to about N(0, 1) in every dimension.

    Raises:
        ValueError: if `kind` is neither "gaussianize" nor "logit".
    """
    if kind not in ("gaussianize", "logit"):
        raise ValueError(f"{flow}: preprocessing must be 'gaussianize' or 'logit', got {kind!r}")
    if values is None:
        return None, [Standardize(shape)]
    if kind == "gaussianize":
        return Quantizer(values), [Gaussianize(shape, values)]
    return Quantizer(values), [Logit(values), Standardize(shape)]
