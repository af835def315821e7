"""What a training uses where nothing is said: for :func:`diffeo.fit`, ``diffeo train`` and ``diffeo config`` alike.

It follows from the shape of a row and the number of training rows, and needs no torch. The precision depends on the
device, too: ``training/precision.py``.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

SMALLEST, LARGEST = 64, 1024  # rows a batch
STEPS_AN_EPOCH = 500  # of a table, about, until the batch is the largest
RATE = 1e-3  # for the smallest batch
STEPS, EPOCHS = 1500, 10  # of a training whose length is left open: at least


class Decided(NamedTuple):
    """What a training uses; epochs are None where a time budget is to decide."""

    batch_size: int
    lr: float
    epochs: int | None


def decide(
    shape: Sequence[int], rows: int, *, batch_size: int | None = None, lr: float | None = None,
    epochs: int | None = None, time_budget: float | None = None,
) -> Decided:  # fmt: skip
    """What a training of rows of this shape uses, with so many of them; what is given stays.

    Images are trained in batches of 64 at 1e-3. For tables the batch is a power of two that makes about 500 steps an
    epoch, from 64 up to 1,024, and the rate grows with its square root: the noise of a gradient falls by it. Epochs are
    enough for 1,500 steps, and at least 10.

    Example:
        >>> [tuple(decide((2,), rows)) for rows in (100, 20_000, 100_000, 1_659_900)]
        [(64, 0.001, 1500), (64, 0.001, 10), (256, 0.002, 10), (1024, 0.004, 10)]
        >>> decide((1, 28, 28), 1_000_000, lr=0.01, time_budget=60.0)
        Decided(batch_size=64, lr=0.01, epochs=None)
    """
    images = len(shape) > 1
    if batch_size is None:
        wanted = SMALLEST if images else 2 ** round(math.log2(max(1.0, rows / STEPS_AN_EPOCH)))
        batch_size = min(LARGEST, max(SMALLEST, wanted))
    if lr is None:
        lr = RATE if images else float(f"{RATE * math.sqrt(max(1.0, batch_size / SMALLEST)):.2g}")
    if epochs is None and time_budget is None:
        per_epoch = max(1, rows // max(1, batch_size))
        epochs = max(EPOCHS, -(-STEPS // per_epoch))
    return Decided(batch_size, lr, epochs)
