"""Upscaling by a flow that is conditioned on images of half its size."""

import pytest
import torch

import diffeo
from diffeo.editing import bicubic, inconsistency, upscale


@pytest.fixture(scope="module")
def flow() -> diffeo.Flow:
    torch.manual_seed(0)
    flow = diffeo.Glow((1, 8, 8), values=17, condition_shape=(1, 4, 4), steps=1, width=8)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return flow


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_results_depend_on_the_small_image_and_the_seed(flow: diffeo.Flow) -> None:
    small = torch.stack([torch.zeros(1, 4, 4), torch.full((1, 4, 4), 16.0)]).long()
    x = upscale(flow, small, n=3, generator=seeded())
    assert (x.shape, x.dtype) == ((2, 3, 1, 8, 8), torch.uint8)
    assert torch.equal(x, upscale(flow, small, n=3, generator=seeded()))
    assert not torch.equal(x[0, 0], x[0, 1])
    noise = torch.zeros(2, 64)
    expected = flow.sample(2, small.float() / 16, noise=noise)
    assert torch.equal(upscale(flow, small, temperature=0.0)[:, 0], expected)
    assert not torch.equal(expected[0], expected[1])


def test_averages_are_compared_in_grey_levels() -> None:
    small = torch.tensor([[[[3, 5]]], [[[0, 0]]]])
    repeated = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert inconsistency(repeated, small).tolist() == [0, 0]
    assert inconsistency(repeated, small + 2).tolist() == [2, 2]
    assert bicubic(small, 4.0).shape == (2, 1, 2, 4)
    assert float(bicubic(small, 4.0).max()) == 4


def test_what_does_not_fit_is_named(flow: diffeo.Flow) -> None:
    small = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    options = {"values": 17, "steps": 1, "width": 4}
    for wrong, words in (
        (lambda: upscale(diffeo.Glow((1, 8, 8), **options), small), "--condition downscaled"),
        (lambda: upscale(diffeo.Glow((1, 8, 8), classes=10, **options), small), "conditioned on rows of shape"),
        (lambda: upscale(flow, torch.zeros(1, 1, 8, 8, dtype=torch.uint8)), r"expected small images of shape \(B, 1"),
        (lambda: upscale(flow, small + 17), "expected integers from 0 to 16"),
        (lambda: upscale(flow, small.float()), "expected integers from 0 to 16"),
        (lambda: upscale(flow, small, n=0), "at least one result"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
