"""Inpainting: what is known stays, what is unknown is not looked at."""

import pytest
import torch

import diffeo
from diffeo.editing import inpaint, inpaint_mode, known_pixels, spread


@pytest.fixture(scope="module")
def flow() -> diffeo.Flow:
    torch.manual_seed(0)
    flow = diffeo.Glow((1, 8, 8), values=17, classes=10, steps=1, width=8)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return flow


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_known_pixels_come_back_as_given_and_others_vary(flow: diffeo.Flow) -> None:
    part = diffeo.data.load("digits").test
    x, labels, known = part.x[:3], part.labels[:3], known_pixels("60%", (1, 8, 8), seed=2)
    samples = inpaint(flow, x, known, n=4, steps=20, condition=labels, generator=seeded())
    likeliest = inpaint_mode(flow, x, known, steps=10, condition=labels)
    assert samples.shape == (3, 4, 1, 8, 8)
    assert samples.dtype == likeliest.dtype == torch.uint8
    assert bool((samples == x[:, None])[:, :, known].all())
    assert bool((likeliest == x)[:, known].all())
    assert float(spread(samples)[:, known].max()) == 0
    assert float(spread(samples)[:, ~known].mean()) > 0.5


def test_what_is_hidden_is_not_looked_at(flow: diffeo.Flow) -> None:
    x, known = diffeo.data.load("digits").test.x[:2], known_pixels("right", (1, 8, 8))
    other = torch.where(known, x, 16 - x)
    for edit in (
        lambda y: inpaint(flow, y, known, n=2, steps=6, condition=1, generator=seeded()),
        lambda y: inpaint_mode(flow, y, known, steps=6, condition=1),
    ):
        assert torch.equal(edit(x), edit(other))


def test_unknown_pixels_of_continuous_images_may_be_nan() -> None:
    flow = diffeo.Glow((1, 4, 4), steps=1, width=4)
    x = torch.randn(2, 1, 4, 4, generator=seeded())
    known = known_pixels("middle", (1, 4, 4))
    x[:, ~known] = torch.nan
    filled = inpaint(flow, x, known, n=2, steps=6, generator=seeded())
    assert bool(filled.isfinite().all())
    assert torch.equal(filled[:, 0][:, known], x[:, known])


def test_what_can_be_hidden() -> None:
    for hide, count in (("left", 15), ("right", 15), ("top", 14), ("bottom", 14), ("middle", 6), ("25%", 9)):
        known = known_pixels(hide, (3, 5, 7))
        assert int((~known[0]).sum()) == count, hide
        assert torch.equal(known[0], known[2])
    assert not torch.equal(known_pixels("25%", (1, 8, 8), seed=0), known_pixels("25%", (1, 8, 8), seed=1))
    for wrong in ("0%", "101%", "half", "%"):
        with pytest.raises(ValueError, match="must be left, right, top, bottom, middle or a share such as 50%"):
            known_pixels(wrong, (1, 8, 8))


def test_what_does_not_fit_is_named(flow: diffeo.Flow) -> None:
    x, known = diffeo.data.load("digits").test.x[:2], known_pixels("right", (1, 8, 8))
    for mask, words in (
        (known.float(), "known must be booleans, got torch.float32"),
        (known[:, :4], r"known has shape \(1, 4, 8\), and the images \(2, 1, 8, 8\)"),
        (known | True, "every pixel is known"),
    ):
        with pytest.raises(ValueError, match=words):
            inpaint(flow, x, mask, condition=1)
    with pytest.raises(ValueError, match="there are no images to fill in"):
        inpaint(flow, x[:0], known, condition=1)
    with pytest.raises(ValueError, match="expected integers from 0 to 16"):
        inpaint(flow, x + 100, known, condition=1)
    with pytest.raises(ValueError, match="a condition is needed"):
        inpaint(flow, x, known)
    with pytest.raises(ValueError, match="at least 2 samples"):
        spread(torch.zeros(2, 1, 1, 4, 4))
