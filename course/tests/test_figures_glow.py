"""The numbers of part 3 are what its models and files say, and all of them are there."""

import csv
import json
import re
from typing import Any

import pytest

import diffeo
from diffeo_course.material import material
from reference_code import script

SLIDES = ("ko", "en")


@pytest.fixture(scope="module")
def numbers() -> dict[str, dict[str, Any]]:
    """The numbers of part 3."""
    found: dict[str, dict[str, Any]] = json.loads(
        (material() / "figures" / "numbers" / "glow.json").read_text(encoding="utf-8")
    )
    return found


def source(language: str) -> str:
    """The slides of part 3."""
    return (material() / language / "slides" / "3-glow.typ").read_text(encoding="utf-8")


def test_every_number_of_the_slides_is_written_down_with_a_command(numbers: dict[str, dict[str, Any]]) -> None:
    for language in SLIDES:
        shown = set(re.findall(r'num\("([^"]+)"', source(language)))
        assert {key for key in shown if not key.startswith("glow_")} == set()
        assert shown - set(numbers) == set()
    assert all(entry["command"].split()[0] in ("python", "diffeo") for entry in numbers.values())


def test_both_languages_show_the_same_numbers_and_figures() -> None:
    korean, english = (sorted(re.findall(r'(?:num|fig)\("([^"]+)"', source(language))) for language in SLIDES)
    assert set(korean) == set(english)


def test_every_figure_is_there_in_both_languages_and_small() -> None:
    for language in SLIDES:
        for name in re.findall(r'#fig\("([^"]+)"', source(language)):
            path = material() / "figures" / language / f"{name}.svg"
            assert 2_000 < path.stat().st_size < 200_000, path


@pytest.mark.parametrize("name", ["glow-mnist", "glow-mnist-hour", "realnvp-mnist", "glow-digits"])
def test_what_the_slides_say_of_a_model_is_on_its_card(name: str, numbers: dict[str, dict[str, Any]]) -> None:
    card, key = diffeo.models.card(name), "glow_" + name.replace("-", "_").removeprefix("glow_")
    assert numbers[f"{key}_bits"]["value"] == card["test"]["mean"]
    assert numbers[f"{key}_histogram"]["value"] == card["baselines"]["histogram"]["mean"]
    assert numbers[f"{key}_parameters"]["value"] == card["parameters"]


def test_the_counted_parameters_add_up(numbers: dict[str, dict[str, Any]]) -> None:
    parts = [f"count_{kind}_{level}" for kind in ("actnorm", "conv", "coupling") for level in ("fine", "coarse")]
    counted = sum(numbers[f"glow_{part}"]["value"] for part in (*parts, "count_prior", "count_gaussianize"))
    assert counted == numbers["glow_count_all"]["value"] == diffeo.models.card("glow-mnist")["parameters"]


def test_the_figures_taken_from_the_documentation_stand_there(
    numbers: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(material() / "figures")
    documented = script(material() / "figures" / "glow.py").DOCUMENTED
    assert {page for page, _ in documented} == {"likelihood.md", "editing.md"}
    for (page, command), values in documented.items():
        text = (material().parent / "docs" / page).read_text(encoding="utf-8")
        said = {float(figure) for figure in re.findall(r"(?<![\d.])\d+\.\d+(?![\d.]*\d)", text)}
        assert command in text
        for key, value in values.items():
            assert value in said, f"{key}: no {value} in {page}"
            assert numbers[f"glow_{key}"] == {"value": value, "command": command}


def test_the_curve_ends_where_the_model_was_validated() -> None:
    with (material().parent / "recipes" / "curves" / "glow-mnist.csv").open(encoding="utf-8") as file:
        last = list(csv.DictReader(file))[-1]
    summary = json.loads((diffeo.models.folder("glow-mnist") / "summary.json").read_text(encoding="utf-8"))
    assert float(last["validation"]) == pytest.approx(summary["best_validation"], abs=1e-4)
