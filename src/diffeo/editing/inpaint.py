"""Inpainting: what may stand where an image is unknown."""

import re

import torch
from torch import Tensor

from diffeo.editing.langevin import langevin
from diffeo.editing.posterior import Posterior, mode
from diffeo.flow import Flow
from diffeo.inputs import Condition
from diffeo.saving.options import check_seed

SIDES = ("left", "right", "top", "bottom", "middle")


def inpaint(
    flow: Flow,
    x: Tensor,
    known: Tensor,
    *,
    n: int = 8,
    sigma: float | None = None,
    steps: int = 400,
    condition: Condition = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Images that agree with the known pixels, ``(B, n, C, H, W)``: samples of what may stand in the others.

    z is sampled from :math:`p(z) \, N(y \mid m \odot g(z), \sigma^2)` by :func:`~diffeo.editing.langevin`, and the
    known pixels of g(z), which agree up to sigma, are replaced by the given ones.

    Args:
        flow: of images.
        x: images, ``(B, C, H, W)``; what they hold at unknown pixels is not looked at.
        known: booleans, ``(H, W)``, ``(C, H, W)`` or ``(B, C, H, W)``; see :func:`known_pixels`.
        n: samples for every image.
        sigma: how far the known pixels of g(z) may be off, in grey levels; 2 % of their range if not given.
            Smaller is closer, and needs more steps.
        steps: of the walk.
        condition: ``(B, ..)`` or one for all.
        temperature: below 1 the flow's middle counts more, and the samples vary less.
        generator: source of everything random.

    Raises:
        ValueError: if something does not fit, or no pixel is unknown.

    References:
        Asim, Daniels, Leong, Ahmed and Hand, Invertible generative models for inverse problems, 2020.
        https://arxiv.org/abs/1905.11672

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> x, known = diffeo.data.load("digits").test.x[:3], known_pixels("right", (1, 8, 8))
        >>> filled = inpaint(flow, x, known, n=2, steps=4)
        >>> filled.shape, bool((filled[..., :4] == x[:, None, ..., :4]).all())
        (torch.Size([3, 2, 1, 8, 8]), True)
    """
    posterior, seen, mask = _posterior(flow, x, known, sigma, condition, temperature, n)
    filled = posterior.images(langevin(posterior, steps=steps, generator=generator).z)
    return torch.where(mask[:, None], seen[:, None], filled)


def inpaint_mode(
    flow: Flow,
    x: Tensor,
    known: Tensor,
    *,
    sigma: float | None = None,
    steps: int = 200,
    condition: Condition = None,
) -> Tensor:
    """The image of the likeliest z given the known pixels, ``(B, C, H, W)``; see :func:`inpaint`.

    The mode lies nearer to 0 than samples do, so that the image is smoother than what is missing.

    Raises:
        ValueError: if something does not fit, or no pixel is unknown.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x[:3]
        >>> inpaint_mode(flow, x, known_pixels("50%", (1, 8, 8)), steps=4).shape
        torch.Size([3, 1, 8, 8])
    """
    posterior, seen, mask = _posterior(flow, x, known, sigma, condition, 1.0, 1)
    return torch.where(mask, seen, posterior.images(mode(posterior, steps=steps))[:, 0])


def known_pixels(hidden: str, shape: tuple[int, ...], *, seed: int = 0) -> Tensor:
    """Which pixels are known, booleans of `shape`, alike in all channels, where `hidden` says which are not.

    Args:
        hidden: ``left``, ``right``, ``top``, ``bottom``: that half; ``middle``: a square of half the height and
            width; ``50%``: so many at random.
        shape: ``(C, H, W)``.
        seed: of those at random.

    Raises:
        ValueError: if `hidden` is something else.

    Example:
        >>> known_pixels("top", (1, 4, 2)).int()[0]
        tensor([[0, 0],
                [0, 0],
                [1, 1],
                [1, 1]], dtype=torch.int32)
    """
    seed = check_seed(seed, "known_pixels")
    _, height, width = shape
    known = torch.ones(height, width, dtype=torch.bool)
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", hidden)
    if share and 0 < float(share[1]) <= 100:
        count = max(1, round(float(share[1]) / 100 * height * width))
        order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed))
        known.view(-1)[order[:count]] = False
    elif hidden in SIDES:
        rows = {"top": slice(0, height // 2), "bottom": slice(height - height // 2, None)}
        columns = {"left": slice(0, width // 2), "right": slice(width - width // 2, None)}
        if hidden == "middle":
            top, left = height // 4, width // 4
            rows["middle"], columns["middle"] = slice(top, top + height // 2), slice(left, left + width // 2)
        known[rows.get(hidden, slice(None)), columns.get(hidden, slice(None))] = False
    else:
        raise ValueError(f"what is hidden must be {', '.join(SIDES)} or a share such as 50%, got {hidden!r}")
    return known.expand(shape).clone()


def spread(samples: Tensor) -> Tensor:
    """Standard deviation of every pixel over an image's samples, in grey levels: ``(B, n, ..)`` to ``(B, ..)``.

    Raises:
        ValueError: of fewer than two samples.
    """
    if samples.shape[1] < 2:
        raise ValueError(f"a spread needs at least 2 samples of every image, got {samples.shape[1]}")
    return samples.double().std(1)


def _posterior(
    flow: Flow,
    x: Tensor,
    known: Tensor,
    sigma: float | None,
    condition: Condition,
    temperature: float,
    copies: int,
) -> tuple[Posterior, Tensor, Tensor]:
    """The posterior, the images without what is unknown, and the mask in their shape."""
    if known.dtype != torch.bool:
        raise ValueError(f"known must be booleans, got {known.dtype}. Use known > 0")
    try:
        mask = known.expand(x.shape).to(x.device)
    except RuntimeError:
        raise ValueError(f"known has shape {tuple(known.shape)}, and the images {tuple(x.shape)}") from None
    if not len(x):
        raise ValueError("there are no images to fill in: x has 0 rows")
    if bool(mask.all()):
        raise ValueError("every pixel is known: there is nothing to fill in")
    seen = torch.where(mask, x, torch.zeros_like(x))
    flow.check(seen, condition)
    posterior = Posterior(
        flow, seen, known=mask, sigma=sigma, condition=condition, temperature=temperature, copies=copies
    )
    return posterior, seen.to(flow.device), mask.to(flow.device)
