"""Randomness of training as a function of where it is used: (seed, attempt, step), never of what ran before."""

import hashlib
from functools import lru_cache

import torch
from torch import Tensor


def position_seed(*position: int | str) -> int:
    """A seed for one use: a hash of its position."""
    return int.from_bytes(hashlib.sha256(repr(position).encode()).digest()[:8], "big") >> 1


def generator(*position: int | str) -> torch.Generator:
    """A CPU generator for one use, seeded by a hash of its position."""
    return torch.Generator().manual_seed(position_seed(*position))


def batch_rows(step: int, rows: int, batch_size: int, seed: int, attempt: int = 0) -> Tensor:
    """Row numbers of a step's batch, in the order of their position in it.

    Every epoch is a permutation of its own; what is left over at its end is not used.
    """
    per_epoch = max(1, rows // batch_size)
    epoch, place = divmod(step, per_epoch)
    return _order(rows, seed, attempt, epoch)[place * batch_size : (place + 1) * batch_size]


@lru_cache(maxsize=8)  # of trainings in other threads, too
def _order(rows: int, seed: int, attempt: int, epoch: int) -> Tensor:
    return torch.randperm(rows, generator=generator("order", seed, attempt, epoch))


def batch_noise(step: int, x: Tensor, dtype: torch.dtype, seed: int, attempt: int = 0) -> Tensor:
    """Noise in (0, 1) for a step's batch, of x's shape."""
    return torch.rand(x.shape, dtype=dtype, generator=generator("noise", seed, attempt, step)).to(x.device)
