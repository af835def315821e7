"""Calibration: right where the flow is the truth, and wrong where it is made wrong."""

import dataclasses
import json
import math

import pytest
import torch

import diffeo
from diffeo import NICE, ActNorm, Bijection, Chain, Flow, Logit, RealNVP, StandardNormal
from diffeo.data import Dataset, Part
from diffeo.evaluation import calibration, calibration_picture, coverage, discrepancy, evaluate, normality


def draw(n: int, features: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed))


def gaussian(scale: float = 1.0, features: int = 3) -> Flow:
    """The flow of N(0, scale)."""
    flow = Flow(Chain([ActNorm(features)]), StandardNormal(features))
    with torch.no_grad():
        flow.bijection.layers[0].raw_log_scale.fill_(-math.log(scale))
    return flow


def test_the_true_density_is_calibrated() -> None:
    found = calibration(gaussian(), Part(draw(4000, seed=7)), rows=3000)  # not the samples' seed
    assert found.rows == 3000
    assert min(found.normality.p_value) > 0.001
    assert found.normality.radius_p_value > 0.001
    cover = found.coverage
    for level, part, error in zip(cover.levels, cover.found, cover.error, strict=True):
        assert abs(part - level) < 4 * error
    assert abs(found.classifier.accuracy - 0.5) < 4 * found.classifier.error
    assert found.discrepancy.p_value > 0.01
    assert sum(found.normality.histogram) == pytest.approx(1)


@pytest.mark.parametrize("scale", [0.8, 1.25])
def test_a_density_that_is_too_narrow_or_too_wide_is_seen_by_every_look(scale: float) -> None:
    found = calibration(gaussian(scale), Part(draw(3000)), rows=3000)
    assert found.normality.rejected == 1.0
    assert found.normality.radius_p_value < 1e-6
    half = found.coverage.found[found.coverage.levels.index(0.5)]
    assert (half < 0.45) if scale < 1 else (half > 0.55)  # too narrow: data lies outside its regions
    assert found.classifier.p_value < 1e-3
    assert found.discrepancy.p_value < 0.05


def test_a_wrong_dimension_is_named() -> None:
    z = draw(2000, 5)
    z[:, 3] = 0.5 * z[:, 3] + 0.3
    found = normality(z)
    assert found.worst == 3
    assert found.rejected == pytest.approx(0.2)
    assert found.mean[3] == pytest.approx(0.3, abs=0.05)
    assert found.deviation[3] == pytest.approx(0.5, abs=0.05)


def test_p_values_are_those_of_kolmogorov_and_smirnov() -> None:
    from scipy.stats import kstest

    z = draw(500, 3).double() * 1.1
    found = normality(z)
    for i in range(3):
        exact = kstest(z[:, i].numpy(), "norm")
        assert found.distance[i] == pytest.approx(exact.statistic)
        assert found.p_value[i] == pytest.approx(exact.pvalue, rel=1e-6)


def fits_uniform(p_values: list[float]) -> bool:
    from scipy.stats import kstest

    return bool(kstest(p_values, "uniform").pvalue > 0.005)


@pytest.mark.parametrize("rows", [20, 200, 2000])
def test_p_values_of_dimensions_of_all_together_and_of_the_length_are_uniform_for_the_truth(rows: int) -> None:
    found = [normality(draw(rows, 8, seed)) for seed in range(100)]
    assert fits_uniform([p for each in found for p in each.p_value])
    assert fits_uniform([each.overall_p_value for each in found])
    assert fits_uniform([each.radius_p_value for each in found])


def test_one_wrong_dimension_of_many_is_seen_and_many_right_ones_raise_no_alarm() -> None:
    z = draw(500, 300)
    right = normality(z)
    assert min(right.p_value) < 0.01  # as some of 300 must be
    assert right.overall_p_value > 0.05
    z[:, 77] += 0.4
    wrong = normality(z)
    assert wrong.worst == 77
    assert wrong.overall_p_value < 1e-6


def test_coverage_is_exact_for_known_densities() -> None:
    """Of a normal seen through one of twice its width, in one dimension: P(|x| < 2 q) for the levels' q."""
    x, wide = draw(200_000, 1).double()[:, 0], draw(200_000, 1, 1).double()[:, 0]
    found = coverage(-0.5 * (x / 2) ** 2, -0.5 * wide**2)
    normal = torch.distributions.Normal(0.0, 1.0)
    for level, part in zip(found.levels, found.found, strict=True):
        q = normal.icdf(torch.tensor(0.5 + level / 2, dtype=torch.float64))
        assert part == pytest.approx(float(2 * normal.cdf(2 * q) - 1), abs=0.01)


@pytest.mark.parametrize(("rows", "samples"), [(200, 200), (2000, 2000), (200, 99)])
def test_coverage_of_the_truth_is_within_its_error_bars_as_often_as_it_should(rows: int, samples: int) -> None:
    off = []
    for seed in range(200):
        data, theirs = (-draw(n, 3, 2 * seed + k).square().sum(1) for k, n in enumerate((rows, samples)))
        found = coverage(data, theirs, seed=seed)
        off.append([(f - a) / e for f, a, e in zip(found.found, found.levels, found.error, strict=True)])
    z = torch.tensor(off)
    assert z.mean(0).abs().max() < 0.25  # 200 means: standard error 0.07
    assert z.std(0).sub(1).abs().max() < 0.2
    assert 0.02 < float((z.abs() > 1.96).double().mean()) < 0.09


def test_where_the_density_is_zero_no_region_holds_a_row_and_nan_is_refused() -> None:
    data = torch.cat([torch.zeros(50), torch.full((50,), -math.inf)])
    assert max(coverage(data, -torch.rand(10)).found) == 0.5
    with pytest.raises(ValueError, match="NaN"):
        coverage(torch.tensor([math.nan]), torch.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        normality(torch.tensor([[math.nan]]))


def test_integers_get_drawn_noise_and_classes_their_labels() -> None:
    data = diffeo.data.load("digits")
    torch.manual_seed(0)
    flow = NICE((1, 8, 8), values=17, width=16, depth=1, classes=10)
    flow.initialize(data.train.x, data.train.labels)
    found = calibration(flow, data.test, rows=200)
    again = calibration(flow, data.test, rows=200)
    assert found == again
    assert found != calibration(flow, data.test, rows=200, seed=1)
    assert len(found.normality.distance) == 64
    assert found.classifier.accuracy > 0.7  # an untrained flow is easily told from digits
    with pytest.raises(ValueError, match="no labels"):
        calibration(flow, Part(data.test.x))


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"calibration: too few rows \(10\): needs 20"):
        calibration(gaussian(), Part(draw(10)))
    with pytest.raises(ValueError, match="expected shape"):
        calibration(gaussian(), Part(draw(100, 4)))


def test_rows_with_nan_and_rows_outside_the_support_are_counted() -> None:
    flow = Flow(Chain([Logit()]), StandardNormal(2))
    x = torch.sigmoid(draw(300, 2, 5))
    clean = calibration(flow, Part(x))
    x[:3, 1] = math.nan
    x[3, 0] = math.inf
    x[4:24] = 1.5
    found = calibration(flow, Part(x))
    assert (found.rows, found.rows_not_finite, found.rows_outside, found.rows_failed) == (296, 4, 20, 0)
    assert found.normality.rows == 276
    assert found.normality.radius_p_value > 0.01  # what lies outside has no latents
    assert found.coverage.rows == 296
    assert found.coverage.found[-1] < 1 - 19 / 296  # but is in no region
    assert "4 rows hold NaN or infinity and were left out." in str(found)
    assert "20 of 296 rows have density 0: in no region, and without latents." in str(found)
    assert len(str(clean).splitlines()) == 4
    assert found.summary()["rows_not_finite"] == 4


def test_samples_that_are_not_finite_are_counted_with_what_the_flow_cannot_encode() -> None:
    class Brittle(Bijection):
        """The identity, which loses what is far to the right."""

        def encode(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.where(x > 1.5, math.nan, x), x.new_zeros(len(x))

        def decode(self, z: torch.Tensor, condition: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
            return torch.where(z < -1.5, math.nan, z), z.new_zeros(len(z))

    x = draw(400, 1, 3)
    found = calibration(Flow(Chain([Brittle()]), StandardNormal(1)), Part(x))
    assert found.rows_failed == int((x > 1.5).sum()) > 0
    assert 20 < found.samples_not_finite < 100  # 13 % of 400
    assert found.classifier.rows < 400
    assert "have no finite latents or density" in str(found)
    assert "samples, or their densities, are not finite" in str(found)


def test_too_few_finite_rows_are_told_wherever_calibration_is_shown() -> None:
    x = draw(60)
    x[:50] = math.nan
    with pytest.raises(ValueError, match=r"too few rows \(10 of 60 are finite\): needs 20"):
        calibration(gaussian(), Part(x))
    x = draw(60)
    data = Dataset("made", Part(x), Part(x), Part(x[:12]))
    found = evaluate(gaussian(), data)
    assert found["calibration"] is None
    assert found["calibration_in_words"] == ["calibration: too few rows (12): needs 20"]


@pytest.mark.parametrize("rows", [20, 21, 30, 39])
def test_small_sets_are_calibrated_and_a_gross_error_is_seen(rows: int) -> None:
    right, wrong = (calibration(gaussian(), Part(draw(rows, seed=9) + shift)) for shift in (0.0, 4.0))
    assert right.classifier.p_value > 0.01
    assert right.classifier.rows in (rows, rows + 1)
    assert wrong.classifier.p_value < 0.01
    assert wrong.discrepancy.p_value < 0.01


def test_constant_pixels_do_not_spoil_the_discrepancy() -> None:
    x, y = draw(100, 3), draw(100, 3, 1)
    x[:, 1] = y[:, 1] = 4.0
    assert math.isfinite(discrepancy(x, y).value)


def test_the_picture_and_the_words_are_made() -> None:
    found = calibration(RealNVP(2, couplings=2, width=8), Part(draw(100, 2)), rows=100)
    assert [axis.get_title() for axis in calibration_picture(found).axes] == [
        "latents of data (flat is right)", "regions of high density", "every latent dimension",
    ]  # fmt: skip
    assert len(str(found).splitlines()) == 4
    assert json.loads(json.dumps(found.to_dict()))["rows"] == 100
    assert all(math.isfinite(value) for value in found.summary().values())


@pytest.mark.parametrize("features", [1, 2, 784])
def test_pictures_label_whole_dimensions_and_show_what_chance_allows(features: int) -> None:
    found = calibration(gaussian(), Part(draw(100)))
    figure = calibration_picture(dataclasses.replace(found, normality=normality(draw(100, features, 11))))
    transform, regions, dimensions = figure.axes
    figure.draw_without_rendering()
    assert all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)
    low, high = dimensions.get_xlim()
    ticks = [tick for tick in dimensions.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    assert len(dimensions.lines[-1].get_xdata()) == features
    band = dimensions.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() < sorted(dimensions.lines[-1].get_ydata())[features // 2] < band.max()
    boxes = [axes.get_tightbbox() for axes in (transform, regions, dimensions)]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[1].x1 < boxes[2].x0
