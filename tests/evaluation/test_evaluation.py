"""Figures beside a flow's own: baselines, round trip, log-det, pictures."""

import math

import pytest
import torch

import diffeo
from diffeo import RealNVP
from diffeo.data import Dataset, Part
from diffeo.evaluation import (
    baselines,
    curves_picture,
    density_picture,
    deviations,
    estimate,
    image_grid,
    likelihood,
    log_det_error,
    round_trip,
)


def test_an_estimate_is_a_mean_with_its_standard_error() -> None:
    found = estimate(torch.tensor([1.0, 2.0, 3.0, 6.0]))
    assert found.mean == 3.0
    assert found.standard_error == pytest.approx(math.sqrt(14 / 3) / 2)


def test_the_histogram_is_exact_and_the_uniform_is_log2() -> None:
    """Independent pixels with known frequencies: their entropy is the best that any density can do."""
    generator = torch.Generator().manual_seed(0)
    chance = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    draw = [
        torch.multinomial(chance, 20_000, True, generator=generator).T.to(torch.uint8)[:, None, None] for _ in range(3)
    ]
    found = baselines(Dataset("made", *(Part(x) for x in draw), values=3))
    entropy = float(-(chance * chance.log2()).sum() / 2)
    assert found["uniform"].mean == math.log2(3)
    assert found["histogram"].mean == pytest.approx(entropy, abs=0.02)
    assert found["gaussian"].mean > entropy


def test_the_gaussian_of_integers_is_a_distribution() -> None:
    from diffeo.evaluation.baselines import _normal

    every = torch.cartesian_prod(*[torch.arange(4.0, dtype=torch.float64)] * 3)
    factor = torch.tensor([[0.8, 0, 0], [0.5, 0.3, 0], [-2.0, 1.0, 0.05]], dtype=torch.float64)
    total = _normal(every, torch.tensor([1.0, 3.5, 0.2], dtype=torch.float64), factor, 4).exp().sum()
    assert float(total) == pytest.approx(1.0)


def test_the_gaussian_is_the_gaussian() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(30_000, 2, generator=generator) @ torch.tensor([[2.0, 0.0], [1.0, 0.5]])
    found = baselines(Dataset("made", Part(x[:10_000]), Part(x[10_000:20_000]), Part(x[20_000:])))
    exact = -(1 + math.log(2 * math.pi)) - math.log(2.0 * 0.5)
    assert found["gaussian"].mean == pytest.approx(exact, abs=0.05)


def test_the_round_trip_counts_what_does_not_come_back(monkeypatch) -> None:
    flow = RealNVP((1, 4, 4), values=17, width=4)
    x = torch.randint(0, 17, (50, 1, 4, 4), dtype=torch.uint8)
    flow.initialize(x)
    clean = round_trip(flow, x)
    assert clean.wrong_values == 0
    assert clean.error < 1e-3
    decode = type(flow.bijection).decode

    def off_by_two(self, z, condition=None):
        y, log_det = decode(self, z, condition)
        return (y + 2 if self is flow.bijection else y), log_det

    monkeypatch.setattr(type(flow.bijection), "decode", off_by_two)
    broken = round_trip(flow, x)
    assert broken.wrong_values == int((x < 15).sum() + (x == 15).sum())
    assert broken.error == pytest.approx(2.0, abs=1e-2)


def test_the_round_trip_is_the_same_in_any_units_of_the_columns() -> None:
    """In deviations of the training rows; a constant column, whose deviation is nothing, in its own units."""
    x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    units = torch.tensor([1e6, 1e-6, 1.0], dtype=torch.float64)

    class Off(diffeo.Bijection):
        def __init__(self, off: torch.Tensor):
            super().__init__()
            self.register_buffer("off", off)

        def encode(self, x, condition=None):
            return x, x.new_zeros(len(x))

        def decode(self, z, condition=None):
            return z + self.off, z.new_zeros(len(z))

        def output_shape(self, shape):
            return shape

    off = 0.01 * x.std(0, correction=0)
    for scale in (torch.ones(3, dtype=torch.float64), units):
        flow = diffeo.Flow(Off(off * scale), diffeo.StandardNormal(3)).double()
        found = round_trip(flow, x[:20] * scale, deviation=deviations(x * scale))
        assert found.standardised == pytest.approx(0.01, rel=1e-6)
        assert found.error == pytest.approx(float((off * scale).max()), rel=1e-6)
    constant = x.clone()
    constant[:, 1] = 0.1
    off = torch.tensor([0.0, 0.5, 0.0], dtype=torch.float64)
    flow = diffeo.Flow(Off(off), diffeo.StandardNormal(3)).double()
    assert round_trip(flow, constant).standardised == pytest.approx(0.5)
    assert round_trip(flow, constant[:0]).rows == 0


def test_rows_far_from_all_others_are_counted_and_leave_the_median_alone() -> None:
    rows = torch.randn(999, generator=torch.Generator().manual_seed(0))
    plain = estimate(rows)
    assert (plain.far, plain.median) == (0, pytest.approx(float(rows.median())))
    for far in (-2e9, 2e9, -math.inf, math.nan):
        found = estimate(torch.cat([rows, torch.tensor([far])]))
        assert found.far == 1
        assert found.median == pytest.approx(plain.median, abs=0.02)
    heavy = torch.distributions.StudentT(torch.tensor(2.0))
    torch.manual_seed(0)
    assert estimate(heavy.sample((10_000,))).far <= 1  # heavy tails are not far
    assert estimate(torch.tensor([1.0] * 60 + [4.0] * 40)).far == 0  # most are equal
    assert estimate(torch.tensor([-1.0] * 999 + [-2e9])).far == 1
    assert estimate(torch.tensor([-math.inf] * 3)).far == 3
    assert estimate(torch.zeros(0)).median is None


def test_a_wrong_log_det_is_measured() -> None:
    flow = RealNVP(3, couplings=2, width=8)
    x = torch.randn(10, 3)
    assert log_det_error(flow, x) < 1e-9
    encode = diffeo.ActNorm.encode
    try:
        diffeo.ActNorm.encode = lambda self, x, condition=None: (encode(self, x)[0], encode(self, x)[1] + 0.25)
        assert log_det_error(flow, x) == pytest.approx(0.5)
    finally:
        diffeo.ActNorm.encode = encode
    assert log_det_error(RealNVP(300, couplings=1, width=8), torch.randn(2, 300)) is None


def test_likelihood_uses_labels_where_the_flow_takes_them() -> None:
    flow = RealNVP(2, couplings=2, width=8, classes=2).eval()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x, labels = torch.randn(20, 2), torch.randint(0, 2, (20,))
    assert likelihood(flow, Part(x, labels)).mean == pytest.approx(
        float(flow.log_prob(x, labels).mean().detach()), rel=1e-5
    )
    with pytest.raises(ValueError, match="no labels"):
        likelihood(flow, Part(x))


def test_a_grid_shows_every_image_in_its_place() -> None:
    images = torch.zeros(3, 1, 2, 2, dtype=torch.uint8)
    images[1] = 16
    picture = image_grid(images, 17, columns=2, pixels=7)
    assert picture.size == (7, 7)
    pixel = picture.load()
    assert pixel[1, 1] == 0
    assert pixel[4, 1] == pixel[5, 2] == 255
    assert pixel[4, 4] == 128  # no fourth image
    assert image_grid(torch.zeros(2, 3, 4, 4, dtype=torch.uint8)).mode == "RGB"
    with pytest.raises(ValueError, match="1 or 3 channels"):
        image_grid(torch.zeros(1, 2, 4, 4))


def test_pictures_are_drawn_without_a_screen() -> None:
    data = diffeo.data.load("moons")
    flow = RealNVP(2, couplings=2, width=8)
    assert len(density_picture(flow, flow.sample(100), data.test.x, size=20).axes) == 3
    history = [{"epoch": float(i), "train": 2.0 - i, "validation": 2.1 - i} for i in range(3)]
    history.append({"epoch": 3.0, "train": math.nan, "validation": math.inf})
    axis = curves_picture(history, "nats", {"gaussian": 1.5, "far": 90.0}, "title").axes[0]
    assert [line.get_label() for line in axis.lines[:2]] == ["training batches", "validation, averaged weights"]
    assert len(axis.texts) == 1
