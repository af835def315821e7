"""Edits of images in latent space: what moves, what stays, what is refused."""

import pytest
import torch
from torch import Tensor

import diffeo
from diffeo import editing
from diffeo.editing.latent import level_mask


def same(a: Tensor, b: Tensor) -> bool:
    return bool((a == b).all())


def test_an_interpolation_begins_and_ends_with_the_images(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    start, end = digits.test.x[:4], digits.test.x[4:8]
    for path in ("linear", "spherical"):
        strip = editing.interpolate(flow, start, end, steps=5, path=path)
        assert strip.shape == (4, 5, 1, 8, 8)
        assert same(strip[:, 0], start)
        assert same(strip[:, -1], end)
        assert not same(strip[:, 2], start)


def test_an_arc_keeps_the_length_that_a_line_loses() -> None:
    from diffeo.editing.interpolation import linear, spherical

    a, b = torch.randn(2, 5, 400)
    b = b * (a.norm(dim=1) / b.norm(dim=1))[:, None]
    middle = torch.tensor(0.5)
    torch.testing.assert_close(spherical(a, b, middle).norm(dim=1), a.norm(dim=1))
    assert bool((linear(a, b, middle).norm(dim=1) < 0.8 * a.norm(dim=1)).all())


def test_an_arc_between_equal_opposite_or_empty_latents_is_a_line() -> None:
    from diffeo.editing.interpolation import spherical

    a = torch.randn(1, 4)
    for other in (a, -a, torch.zeros(1, 4)):
        torch.testing.assert_close(spherical(a, other, torch.tensor(0.25)), 0.75 * a + 0.25 * other)


def test_only_the_levels_that_were_named_move(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    start, end = digits.test.x[:4], digits.test.x[4:8]
    z = editing.encode_images(flow, start)
    last = editing.interpolate(flow, start, end, steps=2, levels=[1])[:, -1]
    expected = torch.where(level_mask(flow, [1]), editing.encode_images(flow, end), z)
    assert same(last, editing.decode_images(flow, expected))
    assert not same(last, end)


def test_conditions_are_interpolated_with_the_latents(with_classes: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    x, labels = digits.test.x, digits.test.labels
    strip = editing.interpolate(with_classes, x[:4], x[4:8], steps=3, condition=labels[:4], end_condition=labels[4:8])
    assert same(strip[:, 0], x[:4])
    assert same(strip[:, -1], x[4:8])
    with pytest.raises(ValueError, match="a condition is needed"):
        editing.interpolate(with_classes, x[:4], x[4:8])


def test_resampling_keeps_the_kept_levels_and_draws_the_others(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    x = digits.test.x[:4]
    draw = editing.resample_levels(flow, x, [0], n=3, generator=torch.Generator().manual_seed(0))
    again = editing.resample_levels(flow, x, [0], n=3, generator=torch.Generator().manual_seed(0))
    assert draw.shape == (4, 3, 1, 8, 8)
    assert same(draw, again)
    assert not same(draw[:, 0], draw[:, 1])
    cold = editing.resample_levels(flow, x, [0], n=1, temperature=0)[:, 0]
    assert same(cold, editing.reconstruct(flow, x, [0]))
    assert same(editing.reconstruct(flow, x, [0, 1]), x)
    with pytest.raises(ValueError, match="all of the 2 levels are kept"):
        editing.resample_levels(flow, x, [0, 1])


def test_mixing_all_levels_gives_the_other_image_and_none_the_first(
    flow: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x, other = digits.test.x[:4], digits.test.x[4:8]
    assert same(editing.mix_levels(flow, x, other, [0, 1]), other)
    assert same(editing.mix_levels(flow, x, other, []), x)
    mixed, reverse = editing.mix_levels(flow, x, other, [0]), editing.mix_levels(flow, other, x, [1])
    assert same(mixed, reverse)


def test_temperature_scales_the_latent(flow: diffeo.Flow) -> None:
    z = flow.base.draw(3, torch.Generator().manual_seed(0))
    strip = editing.temperature_strip(flow, z, [0, 0.5, 1])
    assert same(strip[:, 2], flow.sample(3, noise=z))
    assert same(strip[:, 1], flow.sample(3, noise=z, temperature=0.5))
    assert same(strip[0, 0], strip[2, 0])
    for wrong in ([], [-1.0], [float("nan")]):
        with pytest.raises(ValueError, match="temperatures must be finite"):
            editing.temperature_strip(flow, z, wrong)


def test_a_class_change_to_its_own_class_changes_nothing(
    with_classes: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x, labels = digits.test.x[:6], digits.test.labels[:6]
    assert same(editing.change_class(with_classes, x, labels, labels, temperature=1), x)
    assert not same(editing.change_class(with_classes, x, labels, (labels + 1) % 10, temperature=1), x)
    with pytest.raises(ValueError, match="from 0 to 9"):
        editing.change_class(with_classes, x, labels, labels + 10)


def test_a_class_change_of_the_wrong_kind_of_flow_names_the_right_one(
    flow: diffeo.Flow, with_classes: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x, labels = digits.test.x[:6], digits.test.labels[:6]
    with pytest.raises(ValueError, match="diffeo edit direction"):
        editing.change_class(flow, x, labels, labels)
    with pytest.raises(ValueError, match="Use change_class"):
        editing.move_to_class(with_classes, x, labels, labels, torch.zeros(10, 64))


def test_the_class_stays_where_a_flow_is_conditioned_on_images(
    with_images: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x, labels = digits.test.x[:6], digits.test.labels[:6]
    for edit in (
        lambda: editing.change_class(with_images, x, labels, labels),
        lambda: editing.move_to_class(with_images, x, labels, labels, torch.zeros(10, 64)),
    ):
        with pytest.raises(ValueError, match=r"conditioned on rows of shape \(1, 4, 4\), .* stays as it is"):
            edit()


def test_directions_are_found_under_the_condition_of_the_rows(
    with_images: diffeo.Flow, with_classes: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    small = diffeo.data.load("digits", condition="downscaled").train
    for flow, part, condition in (
        (with_images, small, small.condition),
        (with_classes, digits.train, digits.train.labels),
    ):
        (found,) = editing.attribute_directions(flow, part, ["slant"], rows=50)
        (told,) = editing.attribute_directions(flow, part, ["slant"], rows=50, condition=condition[:50])
        assert same(found.vector, told.vector)
    with pytest.raises(ValueError, match="no labels and no other condition"):
        editing.attribute_directions(with_images, diffeo.data.Part(digits.train.x), ["slant"])


def test_numbers_that_are_none_are_refused(
    flow: diffeo.Flow, with_classes: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x, labels, means = digits.test.x[:2], digits.test.labels[:2], torch.zeros(10, 64)
    step = editing.Direction(torch.ones(64), "ink", "means", "one", 1.0, 10, 1.0)
    for wrong in (float("nan"), float("inf"), -1.0):
        with pytest.raises(ValueError, match=f"temperature must be a finite number of at least 0, got {wrong}"):
            editing.resample_levels(flow, x, [0], temperature=wrong)
        with pytest.raises(ValueError, match=f"temperature must be a finite number of at least 0, got {wrong}"):
            editing.change_class(with_classes, x, labels, labels, temperature=wrong)
    for wrong in (float("nan"), float("-inf")):
        with pytest.raises(ValueError, match=f"strength must be a finite number, got {wrong}"):
            editing.move_to_class(flow, x, labels, labels, means, strength=wrong)
        with pytest.raises(ValueError, match=f"strengths must be finite numbers, got 1, {wrong}"):
            editing.sweep(flow, x, step, [1, wrong])


def test_classes_out_of_range_are_refused(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    x, labels, means = digits.test.x[:2], torch.tensor([3, 4]), torch.zeros(10, 64)
    for wrong, message in (
        (labels - 4, "must be from 0 to 9, got -1 to 0"),
        (labels + 6, "must be from 0 to 9, got 9 to 10"),
        (labels.float(), "must be integers from 0 to 9, got torch.float32"),
    ):
        with pytest.raises(ValueError, match=f"labels {message}"):
            editing.move_to_class(flow, x, wrong, labels, means)
        with pytest.raises(ValueError, match=f"targets {message}"):
            editing.move_to_class(flow, x, labels, wrong, means)
        with pytest.raises(ValueError, match=f"labels {message}"):
            editing.class_means(torch.zeros(2, 4), wrong, 10)


def test_a_class_without_images_has_no_mean(digits: diffeo.data.Dataset) -> None:
    with pytest.raises(ValueError, match="class 3 has no image"):
        editing.class_means(torch.zeros(3, 4), torch.tensor([0, 1, 2]), 4)
    means = editing.class_means(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1]), 2)
    assert means.tolist() == [[2.0], [5.0]]


def test_held_attributes_are_those_of_the_image_again(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    x = digits.test.x[:30]
    z = editing.encode_images(flow, x) + 0.3 * flow.base.draw(30, torch.Generator().manual_seed(0))
    directions = editing.attribute_directions(flow, digits.train, ["brightness"])

    def off(latents: Tensor) -> float:
        after = editing.decode_images(flow, latents)
        return float((editing.brightness(after[:, 0]) - editing.brightness(x[:, 0])).abs().mean())

    assert off(editing.hold_attributes(flow, z, x, directions)) < 0.3 * off(z)
    assert same(editing.hold_attributes(flow, z, x, []), z)
    with pytest.raises(ValueError, match="colour is not measured"):
        editing.attribute_directions(flow, digits.train, ["colour"])


def test_continuous_images_are_edited_too(continuous: diffeo.Flow) -> None:
    x = torch.rand(4, 3, 8, 8)
    strip = editing.interpolate(continuous, x[:2], x[2:], steps=3, path="spherical")
    torch.testing.assert_close(strip[:, 0], x[:2], atol=1e-4, rtol=0)
    torch.testing.assert_close(editing.reconstruct(continuous, x, [0, 1]), x, atol=1e-4, rtol=0)
    assert editing.resample_levels(continuous, x, [0], n=2).shape == (4, 2, 3, 8, 8)


def test_what_does_not_fit_is_refused(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    x = digits.test.x
    vectors = diffeo.RealNVP(2, couplings=2, width=4)
    with pytest.raises(ValueError, match=r"editing is of images, .* shape \(2,\)"):
        editing.interpolate(vectors, torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"levels 0 .* to 1, got 2"):
        editing.reconstruct(flow, x[:2], [2])
    with pytest.raises(ValueError, match="at least 2 steps"):
        editing.interpolate(flow, x[:2], x[2:4], steps=1)
    with pytest.raises(ValueError, match="as many ends as starts"):
        editing.interpolate(flow, x[:2], x[2:5])
    with pytest.raises(ValueError, match="path must be"):
        editing.interpolate(flow, x[:2], x[2:4], path="round")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="as many images of both"):
        editing.mix_levels(flow, x[:2], x[2:5], [0])
