"""The batch size and the learning rate that a training gets if none is given."""

import math
from dataclasses import replace

from diffeo.cli.settings import TrainSettings

SMALLEST, LARGEST = 64, 1024  # rows a batch
STEPS_AN_EPOCH = 500  # of a table, about, until the batch is the largest
RATE = 1e-3  # for the smallest batch


def with_batch(settings: TrainSettings, *, rows: int, images: bool) -> TrainSettings:
    """The settings with a batch size for this many training rows, and a learning rate for that; what is given stays.

    Images are trained in batches of 64 at 1e-3. For tables the batch is a power of two that makes about 500 steps an
    epoch, from 64 up to 1,024, and the rate grows with its square root: the noise of a gradient falls by it.

    Example:
        >>> chosen = [with_batch(TrainSettings(), rows=n, images=False) for n in (20_000, 100_000, 1_659_900)]
        >>> [(settings.batch_size, settings.lr) for settings in chosen]
        [(64, 0.001), (256, 0.002), (1024, 0.004)]
        >>> with_batch(TrainSettings(lr=0.01), rows=1_000_000, images=True)
        TrainSettings(epochs=None, batch_size=64, accumulate=1, lr=0.01, ...)
    """
    batch = settings.batch_size
    if batch is None:
        wanted = SMALLEST if images else 2 ** round(math.log2(max(1.0, rows / STEPS_AN_EPOCH)))
        batch = min(LARGEST, max(SMALLEST, wanted))
    rate = settings.lr
    if rate is None:
        rate = RATE if images else float(f"{RATE * math.sqrt(max(1.0, batch / SMALLEST)):.2g}")
    return replace(settings, batch_size=batch, lr=rate)
