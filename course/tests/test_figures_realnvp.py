"""The slides on RealNVP: their figures and numbers exist, their code runs, and what the figures show is so."""

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import diffeo

COURSE = Path(__file__).parents[1]
LANGUAGES = ("ko", "en")


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The scripts that draw, by name."""
    monkeypatch.syspath_prepend(str(COURSE / "figures"))
    return importlib.import_module


def slides(language: str) -> str:
    return (COURSE / language / "slides" / "2-realnvp.typ").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_of_the_slides_is_there(language):
    names = re.findall(r'#fig\("([^"]+)"', slides(language))
    assert len(names) >= 10
    for name in names:
        assert (COURSE / "figures" / language / f"{name}.svg").stat().st_size < 200_000, name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_slides_has_a_command(language):
    known = json.loads((COURSE / "figures/numbers/realnvp.json").read_text(encoding="utf-8"))
    keys = {key for key in re.findall(r'#num\("([^"]+)"', slides(language)) if key.startswith("realnvp.")}
    assert len(keys) >= 30
    assert keys <= set(known)
    assert all(known[key]["command"] for key in keys)


def test_both_languages_have_the_same_slides_minutes_and_numbers():
    def outline(language: str) -> list[tuple[str, str, bool]]:
        found = re.findall(r'#slide\("([^"]+)", title: .*?, minutes: ([\d.]+)(, skip: true)?', slides(language))
        return [(name, minutes, bool(skip)) for name, minutes, skip in found]

    assert outline("ko") == outline("en")
    assert re.findall(r'#num\("([^"]+)"', slides("ko")) == re.findall(r'#num\("([^"]+)"', slides("en"))


def test_the_minutes_add_up_on_both_paths():
    found = re.findall(r'#slide\("[^"]+", title: .*?, minutes: ([\d.]+)(, skip: true)?', slides("ko"))
    assert sum(float(minutes) for minutes, _ in found) == 20
    assert sum(float(minutes) for minutes, skip in found if skip) == 3.5


def test_the_training_code_on_the_slide_runs(capsys):
    korean, english = (
        next(block for block in re.findall(r"```python\n(.*?)```", slides(language), re.S) if "diffeo" in block)
        for language in LANGUAGES
    )
    assert korean == english
    code = "\n".join(line[4:] for line in korean.splitlines())
    assert len(code.strip().splitlines()) <= 18
    torch.manual_seed(0)
    exec(code.replace("range(10)", "range(1)").replace("split(64)", "split(640)"), {})
    assert 0 < float(re.search(r"tensor\(([\d.]+)\)", capsys.readouterr().out)[1]) < np.log2(17)


def test_the_jacobian_shown_has_an_exact_zero_block_and_the_layers_log_det(figures):
    matrix, log_det = figures("realnvp_models").jacobian_matrix()
    half = len(matrix) // 2
    assert np.all(matrix[:half, half:] == 0)
    assert np.all(matrix[:half, :half] == np.eye(half))
    assert np.linalg.slogdet(matrix)[1] == pytest.approx(log_det, abs=1e-9)
    assert abs(log_det) > 1


def test_what_a_pixel_sees_grows_only_when_masks_alternate(figures):
    alternating = [int(seen.sum()) for seen in figures("realnvp_diagrams").reach([False, True] * 3)][::2]
    one = [int(seen.sum()) for seen in figures("realnvp_diagrams").reach([False] * 6)]
    assert alternating == sorted(set(alternating))
    assert len(set(one)) == 1


def test_the_shapes_drawn_are_the_shipped_models(figures):
    kinds = [kind for kind, _, _ in figures("realnvp_diagrams").shapes()]
    assert kinds.count("Squeeze") == 1
    assert kinds.count("Coupling") == 10


def test_numbers_of_shipped_models_are_those_of_their_cards():
    known = json.loads((COURSE / "figures/numbers/realnvp.json").read_text(encoding="utf-8"))
    for name in ("mnist", "digits", "moons", "pinwheel"):
        test = diffeo.models.card(f"realnvp-{name}")["test"]["mean"]
        assert known[f"realnvp.{name}.test"]["value"] == pytest.approx(test, rel=1e-5)
