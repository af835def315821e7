"""How a coupling divides what it sees: halves of dimension 1, or the colours of a checkerboard."""

import torch
from torch import Tensor

from diffeo.bijections.bijection import Shape


def halves(channels: int, swap: bool = False) -> tuple[int, int]:
    """How many channels a coupling keeps and how many it changes: the first half is kept, or with `swap` the second."""
    first = channels // 2
    return (channels - first, first) if swap else (first, channels - first)


class Halves:
    """The first half of dimension 1 is kept and the second changed, or with `swap` the other way round."""

    def __init__(self, channels: int, swap: bool):
        self.channels, self.swap = channels, swap
        self.kept, self.changed = halves(channels, swap)
        self.shapes: tuple[Shape, ...] = ((channels,), (channels, -1, -1))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half = self.channels // 2
        first, second = x[:, :half], x[:, half:]
        return (second, first) if self.swap else (first, second)

    def merge(self, kept: Tensor, changed: Tensor) -> Tensor:
        return torch.cat([changed, kept] if self.swap else [kept, changed], 1)

    def total(self, log_det: Tensor) -> Tensor:
        return log_det.flatten(1).sum(1)


class Checkerboard:
    """Pixels with even row + column are kept (with `swap`: odd), the others changed, by `where`."""

    def __init__(self, channels: int, swap: bool):
        self.channels, self.swap = channels, swap
        self.kept = self.changed = channels
        self.shapes: tuple[Shape, ...] = ((channels, -1, -1),)

    def _changed(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        row = torch.arange(height, device=x.device)[:, None]
        column = torch.arange(width, device=x.device)
        return (row + column) % 2 == (0 if self.swap else 1)  # (H, W)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.masked_fill(self._changed(x), 0.0), x

    def merge(self, kept: Tensor, changed: Tensor) -> Tensor:
        return torch.where(self._changed(kept), changed, kept)

    def total(self, log_det: Tensor) -> Tensor:
        return log_det.masked_fill(~self._changed(log_det), 0.0).flatten(1).sum(1)


Partition = Halves | Checkerboard

PARTITIONS: dict[str, type[Partition]] = {"halves": Halves, "checkerboard": Checkerboard}
