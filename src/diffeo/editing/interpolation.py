"""Interpolation: the images between two images."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from diffeo.editing.latent import as_rows, decode_embedded, encode_images, level_mask
from diffeo.flow import Flow
from diffeo.inputs import Condition

Path = Literal["linear", "spherical"]


@torch.no_grad()
def interpolate(
    flow: Flow,
    start: Tensor,
    end: Tensor,
    *,
    steps: int = 9,
    path: Path = "linear",
    levels: Sequence[int] | None = None,
    condition: Condition = None,
    end_condition: Condition = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Images from `start` to `end`, ``(B, steps, C, H, W)``, along a path of their latents.

    ``linear``: :math:`z_t = (1 - t)\, a + t\, b`.
    ``spherical``: :math:`z_t = (\sin((1 - t)\omega)\, a + \sin(t\omega)\, b) / \sin\omega`, where :math:`\omega` is the
    angle between a and b. It keeps the length, on which almost all of a normal distribution's mass lies: for
    latents drawn with noise, or of samples.

    Args:
        flow: of images.
        start: images to begin with, ``(B, C, H, W)``.
        end: as many to end with.
        steps: how many, both ends included.
        path: see above.
        levels: which levels of the latent move, 0 the coarsest; the others stay at the start's. All if not given.
        condition: of the start.
        end_condition: of the end, the start's if not given. Between them what the flow learnt of both (the
            embedding) is mixed in proportion.
        generator: draws the noise inside the cells of integers; the middle is taken if not given.

    Raises:
        ValueError: if images, levels or conditions do not fit, or there are fewer than two steps.

    References:
        Kingma and Dhariwal, Glow, 2018, section 6. https://arxiv.org/abs/1807.03039
        White, Sampling generative networks, 2016. https://arxiv.org/abs/1609.04468

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x
        >>> strip = interpolate(flow, x[:3], x[3:6], steps=5)
        >>> strip.shape, bool((strip[:, 0] == x[:3]).all()), bool((strip[:, -1] == x[3:6]).all())
        (torch.Size([3, 5, 1, 8, 8]), True, True)
    """
    if steps < 2:
        raise ValueError(f"an interpolation has at least 2 steps, its ends, got {steps}")
    if path not in ("linear", "spherical"):
        raise ValueError(f"path must be 'linear' or 'spherical', got {path!r}")
    if len(start) != len(end):
        raise ValueError(f"as many ends as starts are needed, got {len(end)} and {len(start)}")
    end_condition = condition if end_condition is None else end_condition
    mask = level_mask(flow, range(len(flow.level_shapes)) if levels is None else levels)
    a = encode_images(flow, start, condition, generator=generator)
    b = encode_images(flow, end, end_condition, generator=generator)
    times = torch.linspace(0, 1, steps, dtype=a.dtype, device=a.device)
    moved = torch.stack([PATHS[path](a[:, mask], b[:, mask], t) for t in times], 1)  # (B, steps, moving)
    z = a[:, None].repeat(1, steps, 1)
    z[:, :, mask] = moved
    first, last = (flow.embed(as_rows(flow, c, len(a)), len(a)) for c in (condition, end_condition))
    between = None
    if first is not None and last is not None:
        between = torch.stack([torch.lerp(first, last, float(t)) for t in times], 1).flatten(0, 1)
    images = decode_embedded(flow, z.flatten(0, 1), between)
    return images.view(len(a), steps, *flow.shape)


def linear(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The point of the straight line."""
    return torch.lerp(a, b, t)


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """The point of the arc; of vectors that (almost) point the same way or have no length, the straight line's."""
    lengths = a.norm(dim=1) * b.norm(dim=1)
    cosine = ((a * b).sum(1) / lengths.clamp(min=torch.finfo(a.dtype).tiny)).clamp(-1, 1)
    angle = cosine.arccos()[:, None]
    straight = (angle.sin() < 1e-3) | (lengths == 0)[:, None]
    sine = torch.where(straight, 1.0, angle.sin())
    arc = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / sine
    return torch.where(straight, linear(a, b, t), arc)


PATHS = {"linear": linear, "spherical": spherical}
