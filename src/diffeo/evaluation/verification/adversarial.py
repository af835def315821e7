"""Inputs near given ones that come back worst: gradient ascent on what a rounding error costs."""

from collections.abc import Callable

import torch
from torch import Tensor

Encode = Callable[[Tensor], Tensor]


def worst_inputs(
    round_trip: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    *,
    radius: Tensor,
    low: float | None = None,
    high: float | None = None,
    steps: int = 20,
    seed: int = 0,
) -> Tensor:
    r"""Points within `radius` of `x`, in every dimension, whose round trip is worst.

    ``round_trip(x, direction)`` encodes x, adds to z an error of the size of rounding along `direction`
    (entries of -1 and 1) and decodes. The distance to x is what that error costs; it is smooth, while the rounding
    itself is not. Its logarithm is climbed by the signs of its gradient; the best point of each row is kept.

    Args:
        round_trip: ``(B, *shape), (B, *shape) -> (B, *shape)``, differentiable.
        x: ``(B, *shape)``, where to start.
        radius: how far to go, broadcast against x.
        low: least value, if there is one.
        high: greatest value, if there is one.
        steps: steps of the ascent.
        seed: of the directions.

    References:
        Behrmann, Vicol, Wang, Grosse and Jacobsen, Understanding and mitigating exploding inverses in
        invertible neural networks, 2021, section 3. https://arxiv.org/abs/2006.09347

    Example:
        >>> steep = lambda x, direction: x + 1e-3 * x.pow(2) * direction
        >>> worst_inputs(steep, torch.tensor([[1.0, 2.0]]), radius=torch.tensor(0.5)).round(decimals=1)
        tensor([[1.5000, 2.5000]])
    """
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randint(0, 2, x.shape, generator=generator).to(x) * 2 - 1
    point, best, highest = x.clone(), x.clone(), x.new_full((len(x),), -torch.inf)
    for step in range(steps + 1):
        point.requires_grad_()
        with torch.enable_grad():
            cost = (round_trip(point, direction) - point).flatten(1).norm(dim=1)
            height = cost.clamp(min=torch.finfo(x.dtype).tiny).log()
            slope = torch.autograd.grad(height.sum(), point)[0].nan_to_num(0.0)
        with torch.no_grad():
            better = height > highest
            best[better], highest[better] = point[better], height[better]
            size = 2.5 * radius * (1 - step / (steps + 1)) / max(1, steps) ** 0.5
            point = torch.minimum(torch.maximum(point + size * slope.sign(), x - radius), x + radius)
            if low is not None or high is not None:
                point = point.clamp(low, high)
    return best.detach()
