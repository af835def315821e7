"""Memory layout of images."""

from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """The same image batch with a pixel's channels side by side in memory, which convolutions run faster on.

    By permutations and not by ``memory_format``, which vmap does not take.
    """
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
