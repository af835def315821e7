"""Memory layout of images, and squares of pixels as places."""

from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """The same image batch with a pixel's channels side by side in memory, which convolutions run faster on.

    By permutations and not by ``memory_format``, which vmap does not take.
    """
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def to_squares(x: Tensor, side: int) -> Tensor:
    """Squares of pixels as places, ``(B, C, H, W)`` to ``(B, C side^2, H/side, W/side)``.

    As ``F.pixel_unshuffle``, which leaves a batch without rows as it is.
    """
    if side == 1:
        return x
    height, width = x.shape[2] // side, x.shape[3] // side
    squares: Tensor = x.unflatten(3, (width, side)).unflatten(2, (height, side))  # (B, C, H/side, side, W/side, side)
    return squares.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def from_squares(h: Tensor, side: int) -> Tensor:
    """The inverse of :func:`to_squares`."""
    if side == 1:
        return h
    pixels: Tensor = h.unflatten(1, (h.shape[1] // side**2, side, side))  # (B, C, side, side, H/side, W/side)
    return pixels.permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
