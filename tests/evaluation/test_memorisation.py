"""Copies of training images among samples: found where there are some, and only there; what is too few is said."""

import math

import pytest
import torch
from PIL.Image import Image
from scipy.stats import mannwhitneyu

import diffeo
from diffeo.data import Dataset, Part
from diffeo.evaluation import copying, memorisation, nearest_neighbours, pairs_picture
from diffeo.evaluation.neighbours import comparable


def drawn(rows: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, 1, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_neighbours_are_those_of_a_plain_comparison_nearest_first() -> None:
    x, train = drawn(300, 1), drawn(70, 2)
    found = nearest_neighbours(x, train, k=3)
    every = (x.flatten(1)[:, None] - train.flatten(1)).square().mean(2).sqrt()
    assert torch.equal(found.indices, every.argsort(1)[:, :3])
    assert torch.allclose(found.distances, every.sort(1).values[:, :3])
    assert nearest_neighbours(x[:0], train).indices.shape == (0, 1)
    with pytest.raises(ValueError, match=r"shape \(1, 4, 4\) cannot be compared with \(1, 2, 8\)"):
        nearest_neighbours(x, train.view(70, 1, 2, 8))
    with pytest.raises(ValueError, match="k must be from 1 to the number of training rows, 70, got 71"):
        nearest_neighbours(x, train, k=71)


def test_an_image_is_zero_away_from_itself_even_beside_thousands_of_bright_ones() -> None:
    train = torch.full((500, 1, 8, 8), 255.0) - torch.rand(500, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = nearest_neighbours(train[40:50], train)
    assert found.indices[:, 0].tolist() == list(range(40, 50))
    assert not found.distances.any()


def test_brightness_and_contrast_do_not_hide_a_copy_and_flat_images_are_no_accident() -> None:
    train, test = torch.rand(50, 1, 8, 8), torch.rand(40, 1, 8, 8)
    assert copying(0.3 * train[:10] + 0.2, train, test).copies == 1.0
    flat = comparable(torch.full((2, 1, 3, 3), 7, dtype=torch.uint8))
    assert not flat.any()


def test_ranks_agree_with_scipy_where_every_row_counts() -> None:
    samples, train, test = drawn(80, 1), drawn(200, 2), drawn(60, 3)
    found = copying(samples, train, test)
    d, e = (found.samples.distances[:, 0].numpy(), found.test.distances[:, 0].numpy())
    known = mannwhitneyu(d, e, alternative="less", use_continuity=False, method="asymptotic")
    assert found.nearer == pytest.approx(1 - known.statistic / (80 * 60))
    assert found.nearer_p_value == pytest.approx(known.pvalue, rel=1e-6)


def test_samples_of_the_same_distribution_are_no_copies_at_the_promised_rate() -> None:
    ranks, parts = 0, 0
    for seed in range(60):
        found = copying(drawn(60, 3 * seed), drawn(90, 3 * seed + 1), drawn(60, 3 * seed + 2), seed=seed)
        ranks, parts = ranks + (found.nearer_p_value < 0.05), parts + (found.at_training_p_value < 0.05)
        assert found.at_training_expected == pytest.approx(0.6)
    assert ranks <= 9  # of 60, where 3 are expected
    assert parts <= 9


def people(count: int, first: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten images a person, much alike."""
    centre = drawn(count, seed).repeat_interleave(10, 0)
    return centre + 0.3 * drawn(10 * count, seed + 1000), first + torch.arange(count).repeat_interleave(10)


def test_images_of_one_person_count_once() -> None:
    rejected = {True: 0, False: 0}
    for seed in range(40):
        train, train_group = people(30, 0, 4 * seed)
        test, test_group = people(6, 30, 4 * seed + 1)
        samples = people(60, 0, 4 * seed + 2)[0][::10]
        for grouped in rejected:
            found = copying(samples, train, test, groups=(train_group, test_group) if grouped else None)
            rejected[grouped] += min(found.nearer_p_value, found.at_training_p_value) < 0.05
        assert found.groups == 60
    assert rejected[True] <= 7  # two tests, of 40: at most 4 expected
    assert rejected[False] > rejected[True]  # sixty images of six persons are not sixty faces


def test_copies_are_noticed_from_about_the_share_that_is_promised() -> None:
    samples, train, test = drawn(200, 1), drawn(300, 2), drawn(200, 3)
    honest = copying(samples, train, test)
    for p_value, share in (
        ("nearer_p_value", honest.nearer_detectable),
        ("at_training_p_value", honest.at_training_detectable),
    ):
        assert share is not None
        noticed = {}
        for part in (0.4 * share, share, 1.6 * share):
            noticed[part] = 0
            for seed in range(10):
                some = drawn(200, 10 + seed)
                some[: round(200 * part)] = train[torch.randperm(300)[: round(200 * part)]]
                noticed[part] += getattr(copying(some, train, test, seed=seed), p_value) < 0.05
        counts = list(noticed.values())
        assert counts[1] >= 5
        assert counts[2] >= 9
        assert counts[0] < counts[2]


def test_poor_samples_hide_copies_from_ranks_but_not_from_parts() -> None:
    smooth = torch.nn.functional.avg_pool2d
    train, test = (smooth(torch.rand(200, 1, 16, 16), 3, 1, 1) for _ in range(2))
    samples = torch.rand(100, 1, 16, 16)
    samples[:40] = train[:40] + 0.2 * torch.randn(40, 1, 16, 16)  # copies, but noisy ones
    found = copying(samples, train, test)
    assert found.nearer_p_value > 0.5
    assert found.at_training_p_value < 0.05


def test_what_cannot_be_told_is_an_error_and_few_groups_say_how_little_they_tell() -> None:
    x = drawn(20, 1)
    with pytest.raises(ValueError, match="nothing to compare: 0 samples"):
        copying(x[:0], x, x)
    same = torch.zeros(20, dtype=torch.long)
    with pytest.raises(ValueError, match="a group has rows in the training part and in the test part"):
        copying(x, x, x, groups=(same, same))
    found = copying(x, drawn(20, 2), drawn(20, 3), groups=(same, same + 1))
    assert found.groups == 1
    assert found.nearer_detectable is None  # one person: ranks could not tell copies alone
    assert found.at_training_detectable is None


def faces() -> Dataset:
    """Twelve people with five images each, of whom three are the test part; there are no classes."""
    who = torch.arange(12).repeat_interleave(5)
    centre = torch.randint(40, 200, (12, 1, 8, 8), generator=torch.Generator().manual_seed(0)).repeat_interleave(5, 0)
    noise = torch.randint(0, 30, (60, 1, 8, 8), generator=torch.Generator().manual_seed(1))
    x = (centre + noise).to(torch.uint8)
    return Dataset("faces", *(Part(x[a:b], who[a:b]) for a, b in ((0, 40), (40, 45), (45, 60))), values=256)


def test_a_flow_that_learned_its_images_by_heart_has_a_gap() -> None:
    data = faces()
    torch.manual_seed(0)
    flow = diffeo.NICE(data.shape, values=256, width=64)
    diffeo.fit(flow, data.train.x, validation=data.train.x, epochs=40, batch_size=20, lr=3e-3, progress=False)
    found = memorisation(flow, data, samples=40)
    assert found.grouped
    assert found.copying.groups == 3
    assert found.gap.mean > 2 * found.gap.standard_error > 0
    assert found.gap.mean == pytest.approx(found.test.mean - found.train.mean)
    words = " ".join(found.lines())
    assert "in 3 groups, each of which counts once" in words
    assert f"{found.gap.mean:+.4f}" in words
    figures = found.summary()
    assert figures["test_groups"] == 3
    assert figures["gap"]["mean"] == found.gap.mean
    assert not any(isinstance(value, torch.Tensor) or (isinstance(value, float) and math.isnan(value))
                   for value in figures.values())  # fmt: skip
    again = memorisation(flow, data, samples=40)
    assert again.summary() == figures
    assert memorisation(flow, data, samples=40, seed=1).summary() != figures


def test_a_conditioned_flow_is_asked_for_samples_of_the_test_rows_classes() -> None:
    data = diffeo.data.load("digits")
    flow = diffeo.NICE(data.shape, values=17, width=8, classes=10)
    flow.initialize(data.train.x, data.train.labels)
    found = memorisation(flow, data, samples=30)
    assert len(found.samples) == 30
    assert not found.grouped  # labels of classes are no groups
    assert found.copying.groups == 360
    with pytest.raises(ValueError, match=r"in images of integers, this flow is of rows of \(2,\)"):
        memorisation(diffeo.RealNVP(2, couplings=2, width=4), diffeo.data.load("moons"))
    with pytest.raises(ValueError, match="samples must be at least 1"):
        memorisation(flow, data, samples=0)
    with pytest.raises(ValueError, match="faces has rows of shape"):
        memorisation(diffeo.NICE((1, 4, 4), values=256, width=8), faces())


def test_the_picture_shows_the_nearest_pairs_first_the_training_image_on_the_right() -> None:
    train = torch.zeros(4, 1, 6, 6, dtype=torch.uint8)
    train[0, 0, :, :3] = 16
    images = torch.stack([16 - train[0], train[0]])  # the second is a copy
    picture: Image = pairs_picture(images, nearest_neighbours(images, train[:1]), train, 17).convert("L")
    scale = picture.width // (4 * 13 + 1)
    pixel = [[picture.getpixel((int((x + 0.5) * scale), int(2.5 * scale))) for x in range(a, a + 12)] for a in (1, 14)]
    assert pixel[0] == 2 * ([255] * 3 + [0] * 3)
    assert pixel[1] == [0] * 3 + [255] * 6 + [0] * 3


def test_large_images_are_compared_by_what_is_seen_from_afar() -> None:
    image = torch.nn.functional.interpolate(torch.rand(3, 1, 8, 8), (96, 64))
    noisy = image + 0.5 * torch.rand(3, 1, 96, 64)
    assert comparable(image).shape == (3, 1, 32, 32)
    near = nearest_neighbours(comparable(noisy), comparable(image))
    assert near.indices[:, 0].tolist() == [0, 1, 2]
    assert float(near.distances.max()) < 0.35


def test_labels_that_are_in_both_parts_or_are_no_whole_numbers_are_no_groups() -> None:
    data = faces()
    flow = diffeo.NICE(data.shape, values=256, width=8)
    flow.initialize(data.train.x)
    for change in (lambda who: who % 5, lambda who: who + 0.5):
        parts = (Part(part.x, change(part.labels)) for part in (data.train, data.validation, data.test))
        found = memorisation(flow, Dataset("faces", *parts, values=256), samples=10)
        assert not found.grouped
        assert found.copying.groups == 15


@pytest.mark.parametrize("seed", [-1, 2**64 - 1])
def test_copies_are_looked_for_with_every_seed_that_torch_takes(seed: int) -> None:
    x, y, z = drawn(60, 0), drawn(90, 1), drawn(60, 2)
    found = copying(x, y, z, seed=seed)
    assert 0 < found.nearer_p_value <= 1
    assert found.nearer == copying(x, y, z, seed=-1).nearer
