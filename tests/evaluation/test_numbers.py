"""Numbers at axes are written out."""

import pytest
from matplotlib.figure import Figure

from diffeo.evaluation.numbers import plain_numbers, short


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0, 2e6, {"0.25 million", "1.00 million"}),
        (1e6, 1e6 + 20, {"1,000,002.5", "1,000,010.0"}),
        (-3e9, 3e9, {"−2 billion", "0"}),
        (2010, 2020, {"2012", "2014"}),
        (0, 1e-5, {"0.000002"}),
        (0.0, 1.0, {"0.2", "0.8"}),
    ],
)
def test_an_axis_has_no_factor_at_its_end(low: float, high: float, shown: set[str]) -> None:
    axes = Figure(figsize=(6, 4)).subplots()
    axes.set(xlim=(low, high), ylim=(low, high))
    plain_numbers(axes)
    axes.figure.draw_without_rendering()
    for axis in (axes.xaxis, axes.yaxis):
        written = {label.get_text() for label in axis.get_ticklabels()}
        assert axis.get_offset_text().get_text() == ""
        assert not any("e" in text for text in written)
    assert shown <= {label.get_text() for label in axes.xaxis.get_ticklabels()}


def test_labels_of_a_pictures_own_stay() -> None:
    axes = Figure().subplots()
    axes.set_xticks([0, 1], ["a", "b"])
    plain_numbers(axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b"]


def test_large_numbers_are_whole_and_small_ones_keep_their_digits() -> None:
    assert [short(value, 3) for value in (999.6, 1234.5, 98765.4, -2e9, 0.000012345)] == [
        "1000", "1234", "98,765", "−2,000,000,000", "1.23e-05",
    ]  # fmt: skip
