"""Denoising, and what it is compared with."""

import pytest
import torch

import diffeo
from diffeo.editing import best_blur, denoise, denoise_mode, psnr


def test_noise_may_lead_beyond_the_range_and_integers_come_back() -> None:
    torch.manual_seed(0)
    flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=4)
    x = diffeo.data.load("digits").test.x[:2]
    generator = torch.Generator().manual_seed(0)
    noisy = x + 8.0 * torch.randn(x.shape, generator=generator)
    assert float(noisy.min()) < 0
    samples = denoise(flow, noisy, 8.0, n=3, steps=8, generator=generator)
    likeliest = denoise_mode(flow, noisy, 8.0, steps=8)
    assert samples.shape == (2, 3, 1, 8, 8)
    assert samples.dtype == likeliest.dtype == torch.uint8
    assert int(samples.max()) <= 16
    with pytest.raises(ValueError, match="sigma must be a positive number of grey levels, got -1"):
        denoise(flow, noisy, -1.0)


def test_less_noise_leaves_an_image_closer_to_what_was_seen() -> None:
    flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=4)
    data = diffeo.data.load("digits")
    flow.initialize(data.train.x)
    x = data.test.x[:4]
    near, far = (psnr(denoise_mode(flow, x, sigma, steps=150), x, 16).mean() for sigma in (0.5, 20.0))
    assert near > far + 3


def test_psnr_is_of_each_image() -> None:
    truth = torch.zeros(2, 1, 2, 2)
    found = psnr(torch.stack([truth[0] + 1.6, truth[1]]), truth, 16.0)
    assert found.tolist() == pytest.approx([20.0, float("inf")])


def test_the_blur_is_the_best_of_its_kind() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.full((3, 1, 16, 16), 8.0)
    noisy = truth + 3 * torch.randn(truth.shape, generator=generator)
    blurred, width = best_blur(noisy, truth, 16.0)
    assert width == 2.0  # of an image without any detail the widest
    assert float(psnr(blurred, truth, 16.0).min()) > float(psnr(noisy, truth, 16.0).max())
