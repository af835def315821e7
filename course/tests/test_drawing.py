"""Figures come out in both languages, the same every time, and leave matplotlib as it was."""

import json
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from diffeo_course.material import material
from reference_code import script


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(material() / "figures")
    import drawing

    return drawing


def line(drawing: ModuleType, label: str = "밀도 −1") -> plt.Figure:
    fig, axes = plt.subplots(figsize=(2, 2))
    axes.plot([0, 1], [0, -1])
    axes.set_title(drawing.text(ko=label, en="density"))
    return fig


def test_a_figure_is_drawn_in_both_languages_and_the_same_every_time(drawing: ModuleType, tmp_path: Path) -> None:
    korean, english = drawing.figure("line", lambda: line(drawing), tmp_path)
    assert (korean, english) == (tmp_path / "ko" / "line.svg", tmp_path / "en" / "line.svg")
    first = korean.read_bytes()
    assert first != english.read_bytes()
    assert b"<dc:date>" not in first
    drawing.figure("line", lambda: line(drawing), tmp_path)
    assert korean.read_bytes() == first


def test_settings_are_what_they_were(drawing: ModuleType, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    drawing.figure("line", lambda: line(drawing), tmp_path)
    assert dict(mpl.rcParams) == before


def test_a_character_without_a_glyph_is_an_error(drawing: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UserWarning, match="Glyph 77824"):
        drawing.figure("line", lambda: line(drawing, "\U00013000"), tmp_path)
    assert not list(tmp_path.rglob("*.svg"))


def test_a_number_is_kept_with_its_command(drawing: ModuleType, tmp_path: Path) -> None:
    drawing.number("flows", "b", 2.5, "second", tmp_path)
    drawing.number("flows", "a", 1, "first", tmp_path)
    written = json.loads((tmp_path / "numbers" / "flows.json").read_text())
    assert written == {"a": {"value": 1, "command": "first"}, "b": {"value": 2.5, "command": "second"}}


def test_an_animation_has_its_frames(drawing: ModuleType, tmp_path: Path) -> None:
    from PIL import Image

    def draw(height: float) -> plt.Figure:
        fig, axes = plt.subplots(figsize=(2, 2))
        axes.bar([0], [height])
        axes.set_ylim(0, 3)
        return fig

    paths = drawing.animation("rising", draw, [1, 2, 3], pixels=100, folder=tmp_path)
    with Image.open(paths[0]) as made:
        assert (made.n_frames, made.size[0]) == (3, 100)


@pytest.mark.parametrize("name", ["flows", "moving", "realnvp", "glow", "glow_pictures"])
def test_a_name_that_no_figure_has_is_refused_with_those_there_are(
    name: str, drawing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = script(material() / "figures" / f"{name}.py")
    monkeypatch.setattr("sys.argv", [f"{name}.py", "limits"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 2
    known = {"flows": "layer_by_layer", "moving": "grid_layers", "realnvp": "realnvp-masks", "glow": "glow-step"}
    said = capsys.readouterr().err
    assert "'limits'" in said
    assert known.get(name, "glow-mix") in said


def test_all_figures_are_drawn_where_none_is_named(drawing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["some.py"])
    assert drawing.asked(("a", "b"), "About.") == ["a", "b"]
    monkeypatch.setattr("sys.argv", ["some.py", "b"])
    assert drawing.asked(("a", "b"), "About.") == ["b"]
