"""Calibration of flows that are conditioned on vectors and images, where the truth is known."""

import math

import pytest
import torch
from torch import Tensor

import diffeo
from diffeo import Bijection, Chain, Flow, RealNVP, StandardNormal
from diffeo.data import Dataset, Part
from diffeo.evaluation import calibration, evaluate
from diffeo.evaluation.calibration import draws
from diffeo.evaluation.calibration.draws import DRAWS, draw_for_rows


class Given(Bijection):
    """The flow of N(follow c, (width exp(spread c_1))^2); c is a vector of size 2, or the means of two channels."""

    def __init__(self, shape: tuple[int, ...], follow: float = 1.0, width: float = 0.5, spread: float = 0.0):
        super().__init__()
        self.condition_shape, self.follow, self.width, self.spread = shape, follow, width, spread

    def normal(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        c = condition.flatten(2).mean(2) if condition.dim() > 2 else condition
        return self.follow * c, self.width * (self.spread * c[:, :1]).exp()

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, deviation = self.normal(condition)
        return (x - mean) / deviation, -2 * deviation.log()[:, 0]

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, deviation = self.normal(condition)
        return mean + deviation * z, 2 * deviation.log()[:, 0]


def given(shape: tuple[int, ...] = (2,), **options: float) -> Flow:
    return Flow(Chain([Given(shape, **options)]), StandardNormal(2))


def rows(n: int, shape: tuple[int, ...] = (2,), *, seed: int = 7, width: float = 0.5, spread: float = 0.0) -> Part:
    """Rows of the truth, with conditions whose (mean) values are standard normal."""
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(n, 2, generator=generator)
    noise = torch.randn(n, *shape, generator=generator)
    image = c.view(n, 2, 1, 1) + noise - noise.mean((2, 3), keepdim=True) if len(shape) == 3 else None
    x = c + width * (spread * c[:, :1]).exp() * torch.randn(n, 2, generator=generator)
    return Part(x, c if image is None else image)


@pytest.mark.parametrize("shape", [(2,), (2, 4, 4)])
def test_the_truth_is_calibrated_given_its_condition(shape: tuple[int, ...]) -> None:
    found = calibration(given(shape), rows(600, shape))
    assert found.normality.overall_p_value > 0.01
    assert found.normality.radius_p_value > 0.01
    for level, part, error in zip(found.coverage.levels, found.coverage.found, found.coverage.error, strict=True):
        assert abs(part - level) < 4 * error
        assert error == pytest.approx(math.sqrt(level * (1 - level) / 600))  # every row has samples of its own
    assert found.coverage.draws == DRAWS
    assert found.classifier.p_value > 0.01
    assert found.discrepancy.p_value > 0.01


@pytest.mark.parametrize("shape", [(2,), (2, 4, 4)])
def test_a_flow_that_ignores_its_condition_is_told_though_its_marginal_is_right(shape: tuple[int, ...]) -> None:
    found = calibration(given(shape, follow=0.0, width=math.sqrt(1.25)), rows(600, shape))
    assert found.classifier.p_value < 1e-4
    assert found.discrepancy.p_value < 0.005
    assert found.normality.overall_p_value > 0.01  # which latents and regions cannot see: they are right
    assert abs(found.coverage.found[5] - 0.5) < 0.1


def test_regions_are_those_of_the_rows_own_condition() -> None:
    """Conditions -1 and 1 whose densities differ by e^8 and more: every pooled region of a half is the narrow one."""
    c = torch.cat([-torch.ones(300, 2), torch.ones(300, 2)])
    narrow = c + 0.5 * 0.5 * (3 * c[:, :1]).exp() * torch.randn(600, 2, generator=torch.Generator().manual_seed(3))
    found = calibration(given(spread=3.0), Part(narrow, c))
    half = found.coverage.found[found.coverage.levels.index(0.5)]
    assert half == pytest.approx(1 - 0.5**4, abs=0.05)  # P(|z| < 2 r) where P(|z| < r) is a half
    right = calibration(given(spread=3.0), rows(600, spread=3.0)).coverage
    assert abs(right.found[5] - 0.5) < 4 * right.error[5]


def test_nan_in_a_condition_is_counted_and_a_missing_condition_is_named() -> None:
    part = rows(100)
    assert part.labels is not None
    part.labels[:7, 0] = math.nan
    found = calibration(given(), part)
    assert (found.rows, found.rows_not_finite) == (93, 7)
    with pytest.raises(ValueError, match="no labels"):
        calibration(given(), Part(part.x))


def test_wide_rows_share_what_can_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "MOST_ENTRIES", 2 * DRAWS * 30)
    found = calibration(given(), rows(200))
    assert found.rows == 200
    assert found.coverage.rows == 30
    assert found.coverage.draws == DRAWS
    assert "(30 rows, each beside at least 99 samples)" in str(found)


def test_a_sample_has_the_condition_of_its_row_and_rare_classes_get_more() -> None:
    labels = torch.tensor([0] * 150 + [2] * 4)
    flow = RealNVP(2, couplings=2, width=8, classes=3)
    drawn = draw_for_rows(flow, labels, 154, torch.Generator().manual_seed(0))
    assert drawn.group[:154].tolist() == [0] * 150 + [1] * 4
    assert drawn.group.bincount().tolist() == [150, DRAWS]
    assert bool(drawn.compared.all())
    exact = draw_for_rows(given(width=1e-6), c := torch.randn(30, 2), 30, torch.Generator().manual_seed(0))
    assert torch.allclose(exact.x[:30], c, atol=1e-4)
    assert len(exact.x) == 30 * DRAWS


@pytest.mark.parametrize("values", [None, 4])
@pytest.mark.parametrize("condition_shape", [(3,), (1, 6, 6)])
def test_recipes_of_vectors_and_images_are_evaluated(values: int | None, condition_shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)

    def part(n: int) -> Part:
        x = torch.randn(n, 1, 4, 4, generator=generator)
        x = x if values is None else (x + 2).clamp(0, 3).to(torch.uint8)
        return Part(x, torch.randn(n, *condition_shape, generator=generator))

    data = Dataset("made", part(60), part(30), part(30), values=values)
    flow = diffeo.Glow((1, 4, 4), levels=1, steps=1, width=4, values=values, condition_shape=condition_shape)
    flow.initialize(data.train.x, data.train.labels)
    found = evaluate(flow, data)
    assert found["calibration"]["coverage_rows"] == 30
    assert len(found["calibration_in_words"]) == 4
