"""Calibration: right where the flow is the truth, and wrong where it is made wrong."""

import json
import math

import pytest
import torch

import diffeo
from diffeo import NICE, ActNorm, Chain, Flow, RealNVP, StandardNormal
from diffeo.data import Part
from diffeo.evaluation import calibration, calibration_picture, classifier_test, coverage, discrepancy, normality


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
        assert found.p_value[i] == pytest.approx(exact.pvalue, rel=0.1)


def test_p_values_are_uniform_where_there_is_no_difference() -> None:
    kernel = [discrepancy(draw(80, 2, 2 * s), draw(80, 2, 2 * s + 1), permutations=99).p_value for s in range(60)]
    trees = [classifier_test(draw(100, 2, 2 * s), draw(100, 2, 2 * s + 1)).p_value for s in range(12)]
    for p_values in (kernel, trees):
        assert 0.2 < sum(p_values) / len(p_values) < 0.8
        assert sum(p < 0.05 for p in p_values) <= 0.2 * len(p_values)


def test_coverage_is_exact_for_known_densities() -> None:
    """Of a normal seen through one of twice its width, in one dimension: P(|x| < 2 q) for the levels' q."""
    x, wide = draw(200_000, 1).double()[:, 0], draw(200_000, 1, 1).double()[:, 0]
    found = coverage(-0.5 * (x / 2) ** 2, -0.5 * wide**2)
    normal = torch.distributions.Normal(0.0, 1.0)
    for level, part in zip(found.levels, found.found, strict=True):
        q = normal.icdf(torch.tensor(0.5 + level / 2, dtype=torch.float64))
        assert part == pytest.approx(float(2 * normal.cdf(2 * q) - 1), abs=0.01)


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
    with pytest.raises(ValueError, match="at least 20 rows"):
        calibration(gaussian(), Part(draw(10)))
    with pytest.raises(ValueError, match="expected shape"):
        calibration(gaussian(), Part(draw(100, 4)))


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
    assert all(isinstance(value, float) for value in found.summary().values())
