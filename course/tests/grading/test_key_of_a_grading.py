"""What is drawn for a hand-in: by a secret of the lecturer, so that it is the same again and nobody foretells it."""

from pathlib import Path

import pytest
import torch

from diffeo.data import load
from diffeo_course.grading.analysis import images
from diffeo_course.grading.drawing import Draw, key_in, new_key


def test_key_and_program_decide_what_is_drawn_and_nothing_else() -> None:
    one = Draw("a key", "x = 1")
    assert torch.equal(one.uniform("noise", 5), Draw("a key", "x = 1").uniform("noise", 5))
    for other in (Draw("b key", "x = 1"), Draw("a key", "x = 2")):
        assert not torch.equal(one.uniform("noise", 5), other.uniform("noise", 5))
        assert one.seed("cases") != other.seed("cases")
    assert not torch.equal(one.uniform("noise", 5), one.uniform("other noise", 5))


def test_what_is_drawn_is_distributed_as_it_says() -> None:
    draw = Draw("a key", "")
    uniform, normal = draw.uniform("u", 20_000), draw.normal("n", 20_000)
    assert 0 <= float(uniform.min()) < 1e-3
    assert 1 - 1e-3 < float(uniform.max()) < 1
    assert abs(float(uniform.mean()) - 0.5) < 0.01
    assert (abs(float(normal.mean())) < 0.03, abs(float(normal.std()) - 1) < 0.03) == (True, True)
    assert sorted(draw.order("o", 100).tolist()) == list(range(100))


def test_a_key_is_drawn_once_and_read_afterwards(tmp_path: Path) -> None:
    key = key_in(tmp_path / "key")
    assert len(key) == len(new_key()) == 32
    assert key != new_key()
    assert key_in(tmp_path / "key") == key


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 20, b"x" * 5000])
def test_a_key_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ValueError, match="expected a key of 8 to 1,000 letters"):
        key_in(tmp_path / "key")


def test_images_and_noise_follow_from_the_key_and_stay_inside_cells() -> None:
    data = load("digits")
    first, second = (images(data, Draw(key, "x = 1"), "test", "test") for key in ("a key", "another key"))
    assert torch.equal(first, images(data, Draw("a key", "x = 1"), "test", "test"))
    assert not torch.equal((first * 17).floor(), (second * 17).floor()), "other images too, not only other noise"
    inside = first * 17 % 1
    assert 0 < float(inside.min()) < float(inside.max()) < 1
