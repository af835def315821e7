"""Names in any script, and with any sign, in pictures."""

import io
from collections.abc import Iterator

import matplotlib
import pytest
import torch

from diffeo.evaluation import column_picture, correlation_picture, fonts, save_figure
from diffeo.evaluation.figures import svg

KOREAN, EGYPTIAN = "키 (cm)", chr(0x13000)


@pytest.fixture
def no_korean_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    fonts._glyphs.cache_clear()
    monkeypatch.setattr(fonts, "korean_family", lambda: None)
    yield
    fonts._glyphs.cache_clear()


@pytest.mark.usefixtures("no_korean_font")
def test_without_a_font_columns_are_numbered_and_titles_lose_only_the_sign() -> None:
    assert fonts.labels([KOREAN, "age"]) == ["1", "2"]
    assert not fonts.has_glyphs(KOREAN)
    assert fonts.drawable("table:키.csv") == "table:?.csv"
    figure = column_picture(torch.randn(50), torch.randn(50), fonts.labels([KOREAN])[0])
    save_figure(figure, io.BytesIO())  # a missing glyph would warn, and a warning is an error here


def test_korean_names_are_drawn_where_a_font_has_them() -> None:
    labels = fonts.labels([KOREAN, "age"])
    assert labels == ([KOREAN, "age"] if fonts.korean_family() else ["1", "2"])
    before = dict(matplotlib.rcParams)
    figure = correlation_picture(torch.eye(2), labels)
    save_figure(figure, io.BytesIO())
    assert labels[0] in svg(figure)
    assert dict(matplotlib.rcParams) == before


def test_names_are_never_read_as_mathematics_and_never_too_long() -> None:
    assert fonts.labels([EGYPTIAN, "age"]) == ["1", "2"]
    names = ["price $", "$a_1^$ and ${$", "x" * 200]
    assert len(fonts.labels(names)[2]) < 30
    for label in fonts.labels(names):
        figure = column_picture(torch.randn(50), torch.randn(50), label)
        save_figure(figure, io.BytesIO())
    assert "${$" in svg(column_picture(torch.randn(50), torch.randn(50), fonts.labels(names)[1]))


def test_an_svg_takes_its_ink_from_the_page() -> None:
    text = svg(column_picture(torch.randn(50), torch.randn(50), "age"))
    assert text.startswith("<svg")
    assert "var(--ink)" in text
    assert "#000000" not in text
    assert "max-width" in text.split(">")[0]
    assert "<text" in text
