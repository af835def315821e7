"""What layers that are set from data take from a batch: its finite rows, mean and scale."""

import torch
from torch import Tensor

from diffeo.system.warning import warn


def moments(x: Tensor, dims: tuple[int, ...], layer: str) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over `dims`, computed in float64 and returned in x's dtype.

    Rows that are not finite are dropped and counted; what is constant gets scale 1: both with a warning.

    Raises:
        ValueError: if no finite row is left.
    """
    x = finite_rows(x, layer)
    wide = x.double()
    mean = wide.mean(dims)
    shape = [1 if i in dims else n for i, n in enumerate(x.shape)]
    scale = (wide - mean.view(shape)).square().mean(dims).sqrt()
    constant = scale <= 4 * torch.finfo(x.dtype).eps * mean.abs()
    if bool(constant.any()):
        some = torch.nonzero(constant.flatten()).flatten().tolist()
        which = ", ".join(map(str, some[:8])) + (", .." if len(some) > 8 else "")
        warn(f"{layer}: constant in {len(some)} of {constant.numel()} channels ({which}): scale 1 is kept")
    scale = torch.where(constant, torch.ones_like(scale), scale)
    return mean.to(x.dtype), scale.to(x.dtype)


def finite_rows(x: Tensor, layer: str) -> Tensor:
    """The rows that are finite; a warning counts the others.

    Raises:
        ValueError: if no finite row is left.
    """
    finite = x.isfinite().flatten(1).all(1)
    dropped = int((~finite).sum())
    if dropped == len(x):
        raise ValueError(f"{layer}: none of {len(x)} rows is finite, so there is nothing to initialize from")
    if not dropped:
        return x
    warn(f"{layer}: {dropped} of {len(x)} rows are not finite and were left out")
    return x[finite]


class AlreadyInitialized(RuntimeError):
    """A layer was to be initialized from data a second time."""


def claim(initialized: Tensor, layer: str) -> None:
    """Refuse a second initialization; remember the first."""
    if bool(initialized):
        raise AlreadyInitialized(f"{layer} is initialized already. Pass force=True to Flow.initialize to do it again.")
    initialized.fill_(True)
