"""The learning rate of a step: linear warm-up, then a cosine to zero."""

import math


def learning_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """The rate at `step` of `steps`: up to `peak` over `warmup` steps, then down along a cosine.

    Example:
        >>> [round(learning_rate(step, 8, 1.0, 4), 2) for step in range(8)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
