"""Columns of samples beside columns of data."""

import pytest
import torch

from diffeo.evaluation import column_picture, compare_columns, correlation_picture, pair_picture
from diffeo.evaluation.columns import chance_distance, correlation_difference


def test_a_column_is_compared_in_numbers() -> None:
    data = torch.stack([torch.arange(1.0, 101), torch.zeros(100)], 1)
    samples = torch.stack([torch.arange(1.0, 101) + 30, torch.ones(100)], 1)
    moved, constant = compare_columns(data, samples, ["moved", "constant"])
    assert (moved.name, moved.data.mean, moved.samples.mean) == ("moved", 50.5, 80.5)
    assert moved.data.quantiles[1] == 50.5
    assert moved.distance == pytest.approx(0.3)
    assert (constant.distance, constant.data.deviation) == (1.0, 0.0)


def test_equal_distributions_stay_below_the_chance_distance_nineteen_times_in_twenty() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(400, 500, generator=generator), torch.randn(300, 500, generator=generator)
    found = compare_columns(a, b, [str(i) for i in range(500)])
    above = sum(column.distance > chance_distance(400, 300) for column in found)
    assert 10 <= above <= 40  # 25 expected


def test_the_difference_of_correlations_is_the_samples_less_the_datas() -> None:
    x = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0))
    data, samples = torch.cat([x, -x, torch.ones_like(x)], 1), torch.cat([x, x, x], 1)
    difference = correlation_difference(data, samples)
    assert difference[0, 1] == pytest.approx(2.0)
    assert difference[0, 2] == pytest.approx(1.0)  # the data's third column is constant
    assert difference[0, 0] == pytest.approx(0.0)


def test_pictures_of_columns_survive_constants_and_far_outliers() -> None:
    data = torch.randn(2000, 3)
    data[:, 1] = 7.0
    data[0, 2] = 1e9
    samples = torch.randn(100, 3)
    names = ["a", "b", "c"]
    figure = pair_picture(data, samples, names)
    assert len(figure.axes) == 9
    assert figure.axes[8].get_xlim()[1] < 1e3
    assert column_picture(data[:, 1], samples[:, 1], "b").axes[0].get_title() == "b"
    assert len(correlation_picture(correlation_difference(data, samples), names).axes) == 2
