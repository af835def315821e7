"""What every recipe does first: a door for integers, the real line, zero mean and unit variance."""

from diffeo.bijections import Bijection, Logit, Standardize
from diffeo.doors import Quantizer

Shape = tuple[int, ...]


def as_shape(shape: int | Shape, flow: str) -> Shape:
    """A row's shape: ``(D,)`` for vectors, ``(C, H, W)`` for images.

    Raises:
        ValueError: if it is neither, or a size is below 1.
    """
    row = (shape,) if isinstance(shape, int) else tuple(shape)
    if len(row) not in (1, 3) or any(not isinstance(n, int) or n < 1 for n in row):
        raise ValueError(f"{flow}: expected a number of features, or (channels, height, width), got {shape}")
    return row


def preprocess(shape: Shape, values: int | None) -> tuple[Quantizer | None, list[Bijection]]:
    """The door, and the layers that bring data to about N(0, 1) in every dimension."""
    if values is None:
        return None, [Standardize(shape)]
    return Quantizer(values), [Logit(values), Standardize(shape)]
