"""Upscaling: images of twice the size, by a flow that was conditioned on the small ones."""

import torch
import torch.nn.functional as F
from torch import Tensor

from diffeo.editing.latent import check_images
from diffeo.flow import Flow


def upscale(
    flow: Flow,
    small: Tensor,
    *,
    n: int = 1,
    temperature: float = 0.7,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Images of which the given ones may be the averages, ``(B, n, C, 2H, 2W)``: samples of p(x | small).

    Args:
        flow: trained with the condition ``downscaled``.
        small: integers of the flow's number of values, ``(B, C, H, W)``.
        n: samples for every image.
        temperature: of z: 0 gives the middle of the distribution, 1 all of its variety.
        generator: source of z.

    Raises:
        ValueError: if the flow is not conditioned on images of half its size, or the images do not fit.

    References:
        Lugmayr, Danelljan, Van Gool and Timofte, SRFlow: learning the super-resolution space with normalizing flow,
        2020. https://arxiv.org/abs/2006.14200

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, condition_shape=(1, 4, 4), steps=1, width=8)
        >>> upscale(flow, torch.full((3, 1, 4, 4), 8, dtype=torch.uint8), n=2).shape
        torch.Size([3, 2, 1, 8, 8])
    """
    check_upscales(flow)
    wanted = (flow.shape[0], flow.shape[1] // 2, flow.shape[2] // 2)
    if tuple(small.shape[1:]) != wanted:
        raise ValueError(f"expected small images of shape (B, {', '.join(map(str, wanted))}), got {tuple(small.shape)}")
    if n < 1:
        raise ValueError(f"at least one result is needed, got {n}")
    door = flow.door
    if door is None:
        raise ValueError("upscaling is of integers, and this flow is continuous. Build it with values=")
    door.check(small)
    condition = (small.to(flow.device, flow.dtype) / (door.values - 1)).repeat_interleave(n, 0)
    x = flow.sample(len(condition), condition, temperature=temperature, generator=generator)
    return x.view(len(small), n, *flow.shape)


def check_upscales(flow: Flow) -> None:
    """Refuse a flow that is not conditioned on images of half its size.

    Raises:
        ValueError: saying how one is trained.
    """
    check_images(flow)
    taken = getattr(flow.embedding, "shape", None)
    if taken != (flow.shape[0], flow.shape[1] // 2, flow.shape[2] // 2):
        raise ValueError(
            f"upscaling needs a flow conditioned on images of half its size {flow.shape}; this one is "
            + ("not conditioned" if taken is None else f"conditioned on rows of shape {taken}")
            + ". Train one: diffeo train glow mnist --condition downscaled"
        )


def inconsistency(images: Tensor, small: Tensor) -> Tensor:
    """How far the averages over 2x2 pixels are from the small images, in grey levels: mean over pixels, ``(B,)``.

    Of images that `small` was made of it is at most 0.5, by rounding.

    Example:
        >>> inconsistency(torch.tensor([[[[0, 8], [8, 16]]]]), torch.tensor([[[[7]]]]))
        tensor([1.], dtype=torch.float64)
    """
    return (F.avg_pool2d(images.double(), 2) - small.double()).abs().flatten(1).mean(1)


def bicubic(small: Tensor, peak: float) -> Tensor:
    """Twice the size by bicubic interpolation, within the range: what upscaling is compared with; float64.

    Example:
        >>> bicubic(torch.full((1, 1, 2, 2), 5), 16.0).unique()
        tensor([5.], dtype=torch.float64)
    """
    return F.interpolate(small.double(), scale_factor=2, mode="bicubic", align_corners=False).clamp(0, peak)
