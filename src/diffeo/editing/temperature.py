"""What temperature does: the same latents, scaled."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diffeo.editing.latent import as_rows, decode_images
from diffeo.flow import Flow
from diffeo.inputs import Condition


def temperature_strip(flow: Flow, z: Tensor, temperatures: Sequence[float], *, condition: Condition = None) -> Tensor:
    """Images of :math:`t z` for every temperature t: ``(B, T, C, H, W)``.

    At 0 all rows show the same image, that of z = 0; at 1 the images of z itself.

    Args:
        flow: of images.
        z: ``(B, D)``, drawn (``flow.base.draw``) or an image's (:func:`encode_images`).
        temperatures: at least one.
        condition: ``(B, ..)`` or one for all.

    Raises:
        ValueError: if a temperature is negative or not finite.

    References:
        Kingma and Dhariwal, Glow, 2018, section 6. https://arxiv.org/abs/1807.03039

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> strip = temperature_strip(flow, flow.base.draw(3), [0, 0.5, 1])
        >>> strip.shape, bool((strip[0, 0] == strip[1, 0]).all())
        (torch.Size([3, 3, 1, 8, 8]), True)
    """
    times = torch.as_tensor(list(temperatures), dtype=flow.dtype, device=flow.device)
    if not len(times) or not bool(times.isfinite().all()) or bool((times < 0).any()):
        raise ValueError(f"temperatures must be finite numbers of at least 0, got {list(temperatures)}")
    rows = as_rows(flow, condition, len(z))
    scaled = (z[:, None] * times[:, None]).flatten(0, 1)
    images = decode_images(flow, scaled, None if rows is None else rows.repeat_interleave(len(times), 0))
    return images.view(len(z), len(times), *flow.shape)
