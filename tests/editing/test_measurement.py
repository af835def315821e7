"""What an edit reached, and what else it changed, on edits whose outcome is known."""

import pytest
import torch

import diffeo
from diffeo import editing
from diffeo.data import Part
from diffeo.evaluation import Estimate


class Told(torch.nn.Module):
    """Takes the upper left pixel for the class."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(x[:, 0, 0, 0].long(), 10).float()


@pytest.fixture
def judge() -> editing.Classifier:
    return editing.Classifier(Told(), 1.0, Estimate(1.0, 0.0))


def bars(widths: list[int]) -> torch.Tensor:
    x = torch.zeros(len(widths), 1, 28, 28)
    for image, width in zip(x, widths, strict=True):
        image[:, 4:24, 10 : 10 + width] = 5
    return x


def test_training_a_judge_leaves_the_global_generator_alone(monkeypatch) -> None:
    states = []
    plain = torch.nn.functional.cross_entropy

    def cross_entropy(*given):
        states.append(torch.get_rng_state())
        return plain(*given)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", cross_entropy)
    before = torch.get_rng_state()
    one, other = (editing.train_classifier(diffeo.data.load("digits"), steps=3, seed=seed) for seed in (0, 1))
    assert len(states) == 6
    assert all(torch.equal(state, before) for state in [*states, torch.get_rng_state()])
    assert not torch.equal(one.network[0].weight, other.network[0].weight)


def test_reached_is_how_often_the_classifier_sees_the_target(judge: editing.Classifier) -> None:
    x = bars([4] * 10)
    edited = x.clone()
    edited[:6, 0, 0, 0] = 3
    rows = Part(bars([2, 4, 6, 8]), torch.tensor([3, 3, 3, 3]))
    found = editing.measure_style(x, edited, torch.full((10,), 3), judge, rows)
    assert found.reached.mean == pytest.approx(0.6)
    assert found.reached.standard_error == pytest.approx((0.6 * 0.4 / 9) ** 0.5, rel=1e-6)
    assert found.images == 10


def test_a_change_is_measured_by_pairs_of_the_target_class(judge: editing.Classifier) -> None:
    x, edited = bars([4] * 400), bars([6] * 400)
    edited[:, 0, 0, 0] = 1  # a pixel of a fifth of the ink: no part of the stroke
    rows = Part(bars([4, 8, 3, 3]), torch.tensor([1, 1, 2, 2]))
    samples = Part(bars([4, 6]), torch.tensor([1, 1]))
    found = editing.measure_style(x, edited, torch.ones(400, dtype=torch.long), judge, rows, samples=samples)
    change = found.changes["thickness"]
    four, six, eight = editing.thickness(bars([4, 6, 8])[:, 0]).tolist()
    assert change.moved.mean == pytest.approx(six - four, abs=1e-4)
    assert change.between_rows.mean == pytest.approx(eight - four, abs=1e-4)  # never beside itself, nor another class
    assert change.between_samples is not None
    assert change.between_samples.mean == pytest.approx(six - four, abs=1e-4)
    assert change.ratio == pytest.approx(1, abs=1e-3)
    assert not found.meets()
    assert "thickness: moved by" in str(found)


def test_the_verdict_is_of_both_the_class_and_what_else_changed() -> None:
    def of(reached: float, slant: float, thickness: float) -> editing.StyleMeasurement:
        one = Estimate(1.0, 0.0)
        changes = {
            "slant": editing.Change(Estimate(slant, 0.0), one),
            "thickness": editing.Change(Estimate(thickness, 0.0), one),
            "brightness": editing.Change(Estimate(9.0, 0.0), one),
        }
        return editing.StyleMeasurement(10, Estimate(reached, 0.0), changes, one)

    assert of(0.85, 0.49, 0.49).meets()
    assert not of(0.84, 0.1, 0.1).meets()
    assert not of(0.95, 0.5, 0.1).meets()
    assert not of(0.95, 0.1, 0.5).meets()


def test_other_classes_are_never_the_own_and_all_come_up() -> None:
    labels = torch.arange(10).repeat(200)
    targets = editing.other_classes(labels, 10, generator=torch.Generator().manual_seed(0))
    assert not bool((targets == labels).any())
    assert set(zip(labels.tolist(), targets.tolist(), strict=True)) == {
        (a, b) for a in range(10) for b in range(10) if a != b
    }


def test_there_is_no_other_class_than_the_only_one() -> None:
    with pytest.raises(ValueError, match="another class needs at least 2 classes, got 1"):
        editing.other_classes(torch.zeros(3, dtype=torch.long), 1)


def test_one_image_has_no_standard_error(judge: editing.Classifier) -> None:
    x = bars([4, 4])
    found = editing.measure_style(x[:1], x[:1], torch.tensor([0]), judge, Part(x, torch.tensor([0, 0])))
    assert "reached the class wanted: 100.0 %\n" in str(found)
    assert "nan" not in str(found)


def test_a_classifier_learns_the_classes_and_leaves_the_generator_alone(digits: diffeo.data.Dataset) -> None:
    state = torch.random.get_rng_state()
    classifier = editing.train_classifier(digits, steps=200)
    assert bool((torch.random.get_rng_state() == state).all())
    assert classifier.accuracy.mean > 0.9
    assert classifier.accuracy.mean == pytest.approx(
        float(classifier.classify(digits.test.x).eq(digits.test.labels).float().mean())
    )


def test_a_classifier_needs_classes_with_rows(digits: diffeo.data.Dataset) -> None:
    with pytest.raises(ValueError, match="moons has no classes"):
        editing.train_classifier(diffeo.data.load("moons"))
    few = digits.train.labels != 4
    from dataclasses import replace

    lacking = replace(digits, train=Part(digits.train.x[few], digits.train.labels[few]))
    with pytest.raises(ValueError, match="class 4 of digits has no training row"):
        editing.train_classifier(lacking)


def test_what_cannot_be_measured_is_refused(judge: editing.Classifier) -> None:
    x, targets = bars([4, 4]), torch.tensor([3, 3])
    with pytest.raises(ValueError, match="class 3 has 1 images, and two are needed"):
        editing.measure_style(x, x, targets, judge, Part(x, torch.tensor([3, 2])))
    with pytest.raises(ValueError, match="labels are needed"):
        editing.measure_style(x, x, targets, judge, Part(x))
    with pytest.raises(ValueError, match="as many images, edits and targets"):
        editing.measure_style(x, x[:1], targets, judge, Part(x, targets))


def test_samples_are_counted_against_the_class_they_were_drawn_for(
    with_classes: diffeo.Flow, flow: diffeo.Flow, judge: editing.Classifier
) -> None:
    drawn = editing.class_samples(with_classes, 25, generator=torch.Generator().manual_seed(0))
    assert drawn.labels is not None
    assert drawn.labels.tolist()[:12] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    right = float(judge.classify(drawn.x.clamp(max=9)).eq(drawn.labels).float().mean())
    assert 0 <= right < 1
    with pytest.raises(ValueError, match="not conditioned on classes"):
        editing.measure_samples(flow, judge)
