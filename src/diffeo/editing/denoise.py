"""Denoising: the image behind noise of a known size, and how well that works."""

import torch
from torch import Tensor

from diffeo.editing.langevin import langevin
from diffeo.editing.posterior import Posterior, mode
from diffeo.flow import Flow
from diffeo.inputs import Condition

BLURS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)  # pixels


def denoise(
    flow: Flow,
    noisy: Tensor,
    sigma: float,
    *,
    n: int = 8,
    steps: int = 400,
    condition: Condition = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Samples of the images that may lie behind noise, ``(B, n, C, H, W)``.

    z is sampled from :math:`p(z) \, N(y \mid g(z), \sigma^2)` by :func:`~diffeo.editing.langevin`. The mean of the
    samples of an image estimates the posterior mean, which has the smallest squared error of all guesses if the flow is
    right.

    Args:
        flow: of images.
        noisy: ``(B, C, H, W)``, integers or not; noise may have carried it beyond the range of values.
        sigma: standard deviation of the noise, in grey levels.
        n: samples for every image.
        steps: of the walk.
        condition: ``(B, ..)`` or one for all.
        temperature: below 1 the flow's middle counts more, and the samples vary less.
        generator: source of everything random.

    Raises:
        ValueError: if something does not fit, or `sigma` is not above 0.

    References:
        Whang, Lei and Dimakis, Solving inverse problems with a flow-based noise model, 2021.
        https://arxiv.org/abs/2003.08089

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x[:3]
        >>> denoise(flow, x + 3.0 * torch.randn(x.shape), 3.0, n=2, steps=4).shape
        torch.Size([3, 2, 1, 8, 8])
    """
    posterior = Posterior(flow, noisy, sigma=sigma, condition=condition, temperature=temperature, copies=n)
    return posterior.images(langevin(posterior, steps=steps, generator=generator).z)


def denoise_mode(flow: Flow, noisy: Tensor, sigma: float, *, steps: int = 200, condition: Condition = None) -> Tensor:
    """The image of the likeliest z behind noise, ``(B, C, H, W)``; see :func:`denoise`.

    Raises:
        ValueError: if something does not fit, or `sigma` is not above 0.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> denoise_mode(flow, diffeo.data.load("digits").test.x[:3], 3.0, steps=4).shape
        torch.Size([3, 1, 8, 8])
    """
    posterior = Posterior(flow, noisy, sigma=sigma, condition=condition)
    return posterior.images(mode(posterior, steps=steps))[:, 0]


def psnr(images: Tensor, truth: Tensor, peak: float) -> Tensor:
    r"""Peak signal to noise, :math:`10 \log_{10} (\text{peak}^2 / \text{MSE})`, of every image in decibels, ``(B,)``.

    Example:
        >>> psnr(torch.full((1, 1, 2, 2), 26.0), torch.full((1, 1, 2, 2), 0.5), 255.0)
        tensor([20.], dtype=torch.float64)
    """
    error = (images.double() - truth.double()).flatten(1).square().mean(1)
    return 10 * (peak**2 / error).log10()


def best_blur(noisy: Tensor, truth: Tensor, peak: float) -> tuple[Tensor, float]:
    """The noisy images within their range, blurred by the Gaussian that brings them closest to the truth.

    What denoising is compared with: its width, in pixels, is chosen knowing the answer.

    Example:
        >>> x = torch.tensor([[[[0.0, 16.0], [0.0, 16.0]]]])
        >>> best_blur(x, x, 16.0)[1]
        0.0
    """
    from scipy.ndimage import gaussian_filter

    within = noisy.double().clamp(0, peak).cpu().numpy()
    blurred = {width: torch.from_numpy(gaussian_filter(within, (0, 0, width, width))) for width in BLURS}
    best = max(BLURS, key=lambda width: float(psnr(blurred[width], truth.cpu(), peak).mean()))
    return blurred[best], best
