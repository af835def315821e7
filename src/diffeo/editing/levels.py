"""What each level of the latent holds: keep some, draw others anew, or take them from another image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diffeo.bases import check_temperature
from diffeo.editing.latent import as_rows, decode_images, encode_images, level_mask
from diffeo.flow import Flow
from diffeo.inputs import Condition


def resample_levels(
    flow: Flow,
    x: Tensor,
    keep: Sequence[int],
    *,
    n: int = 8,
    temperature: float = 1.0,
    condition: Condition = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Keep some levels of each image's latent and draw the others anew `n` times: ``(B, n, C, H, W)``.

    What all `n` have in common is what the kept levels hold.

    Args:
        flow: of images.
        x: ``(B, C, H, W)``.
        keep: numbers of levels, 0 the coarsest.
        n: how many for each image.
        temperature: multiplies what is drawn; 0 puts it at its mean.
        condition: ``(B, ..)`` or one for all.
        generator: source of what is drawn.

    Raises:
        ValueError: if there is no such level, nothing is drawn anew, or the temperature is negative or not finite.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, appendix D.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, levels=2, steps=1, width=8)
        >>> resample_levels(flow, diffeo.data.load("digits").test.x[:3], [0], n=5).shape
        torch.Size([3, 5, 1, 8, 8])
    """
    mask = level_mask(flow, keep)
    if bool(mask.all()):
        raise ValueError(f"all of the {len(flow.level_shapes)} levels are kept, so nothing can be drawn: leave one out")
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    check_temperature(temperature)
    z = encode_images(flow, x, condition).repeat_interleave(n, 0)
    drawn = flow.base.sample(len(z), temperature=temperature, generator=generator)
    rows = as_rows(flow, condition, len(x))
    edited = decode_images(flow, torch.where(mask, z, drawn), None if rows is None else rows.repeat_interleave(n, 0))
    return edited.view(len(x), n, *flow.shape)


def reconstruct(flow: Flow, x: Tensor, keep: Sequence[int], *, condition: Condition = None) -> Tensor:
    """Images from part of their latents, ``(B, C, H, W)``: the levels `keep`, the others at their mean, 0.

    Kept numbers are a description of the image; this is what such a description still says. See
    :func:`resample_levels` for arguments and errors.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, levels=2, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x[:3]
        >>> bool((reconstruct(flow, x, [0, 1]) == x).all()), bool((reconstruct(flow, x, [0]) == x).all())
        (True, False)
    """
    z = encode_images(flow, x, condition)
    return decode_images(flow, torch.where(level_mask(flow, keep), z, 0.0), condition)


def mix_levels(
    flow: Flow,
    x: Tensor,
    other: Tensor,
    take: Sequence[int],
    *,
    condition: Condition = None,
    other_condition: Condition = None,
) -> Tensor:
    """Images whose latent is that of `x`, but with the levels `take` of `other`: ``(B, C, H, W)``.

    Args:
        flow: of images.
        x: ``(B, C, H, W)``.
        other: as many.
        take: numbers of levels, 0 the coarsest.
        condition: of `x`; the result is decoded under it.
        other_condition: of `other`; that of `x` if not given.

    Raises:
        ValueError: if there is no such level, or there are not as many images of both.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, levels=2, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x
        >>> bool((mix_levels(flow, x[:3], x[3:6], [0, 1]) == x[3:6]).all())
        True
    """
    if len(x) != len(other):
        raise ValueError(f"as many images of both are needed, got {len(x)} and {len(other)}")
    mask = level_mask(flow, take)
    own = encode_images(flow, x, condition)
    taken = encode_images(flow, other, condition if other_condition is None else other_condition)
    return decode_images(flow, torch.where(mask, taken, own), condition)
