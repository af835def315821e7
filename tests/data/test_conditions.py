"""Conditions that are made of the rows themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import diffeo
from diffeo.data.conditions import downscaled


def test_a_row_is_conditioned_on_its_averages_as_a_small_picture_holds_them() -> None:
    data = diffeo.data.load("digits", condition="downscaled")
    x, condition = data.test.x.double(), data.test.condition
    assert condition is not None
    assert data.condition_shape == (1, 4, 4)
    averages = (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4
    assert float((condition.double() * 16 - averages).abs().max()) <= 0.5 + 1e-5
    torch.testing.assert_close(condition * 16, (condition * 16).round())
    again = diffeo.data.load(data.name, **data.options)
    assert torch.equal(again.test.condition, condition)
    assert diffeo.data.load("digits").condition_shape is None


def test_a_folder_of_new_images_gets_the_same_condition(tmp_path: Path) -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(pixels).save(tmp_path / "one.png")
    part = diffeo.data.read(f"folder:{tmp_path}", condition="downscaled")
    assert torch.equal(part.condition, downscaled(torch.from_numpy(pixels)[None, None], 256))
    assert float(part.condition[0, 0, 0, 0] * 255) == pytest.approx(4, abs=0.5)  # of 0, 1, 8 and 9


def test_what_has_no_such_condition_is_named() -> None:
    for name, condition, words in (
        ("moons", "downscaled", "is for images of integers, and moons has rows of shape"),
        ("digits", "downscale", "Did you mean downscaled"),
    ):
        with pytest.raises(ValueError, match=words):
            diffeo.data.load(name, condition=condition)
    with pytest.raises(ValueError, match="7x8 pixels cannot be halved"):
        downscaled(torch.zeros(1, 1, 7, 8), 256)


def test_fit_and_scores_are_given_the_condition() -> None:
    data = diffeo.data.load("digits", condition="downscaled")
    flow = diffeo.Glow(data.shape, values=17, condition_shape=data.condition_shape, steps=1, width=4).double()
    diffeo.fit(flow, data, epochs=1, batch_size=512, progress=False)
    mine = diffeo.evaluation.row_log_probs(flow, data.test)
    other = diffeo.data.Part(data.test.x, condition=data.test.condition.flip(0))
    assert not torch.equal(mine, diffeo.evaluation.row_log_probs(flow, other))
    with pytest.raises(ValueError, match="no labels and no other condition"):
        diffeo.evaluation.row_log_probs(flow, diffeo.data.Part(data.test.x))
