"""What ships is what its card says."""

import re
from functools import cache
from pathlib import Path

import pytest
import temperatures
import torch
from check_rows import check
from recipe_of import differences
from ship import BEGIN, END, MOST_BYTES, MOST_BYTES_IN_ALL, PAGE
from temperatures import TEMPERATURES, frechet, recommended

import diffeo
from diffeo.data import SOURCES, Dataset
from diffeo.evaluation import likelihood
from diffeo.models.places import SHIPPED, find
from diffeo.runs import read_run

NAMES = diffeo.models.names()
PRINTED = 6e-5  # the fourth digit, rounded either way


@cache
def data_of(name: str) -> Dataset:
    """The data of a model, which several have in common."""
    return diffeo.data.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_gives_the_figure_on_its_card(name: str) -> None:
    card = diffeo.models.card(name)
    source = card["data"]["name"]
    if SOURCES[source].where()[0] in ("download", "absent"):
        pytest.skip(f"{source} is not on this machine: set DIFFEO_DATA to the folder that holds {source}/")
    data, flow = data_of(source), diffeo.load(name)
    found = likelihood(flow, data.test, seed=card["test"]["seed"] or 0)
    assert found.mean == pytest.approx(card["test"]["mean"], abs=PRINTED)
    assert found.standard_error == pytest.approx(card["test"]["standard_error"], abs=PRINTED)
    assert len(data.test) == card["test"]["rows"] == card["data"]["rows"][2]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_gives_its_figure_on_rows_that_every_machine_has(name: str) -> None:
    card = diffeo.models.card(name)
    about, found = check(diffeo.load(name))
    assert about == card["check"]["rows"]
    assert found.mean == pytest.approx(card["check"]["mean"], abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_of_the_recipe_as_it_is_now(name: str) -> None:
    run, card = read_run(Path(name)), diffeo.models.card(name)
    assert differences(run.record, name) == []
    assert card["command"] == run.record["command"] == f"diffeo train --config recipes/{name}.yaml"
    assert card["versions"].items() <= run.record["versions"].items()
    assert card["parameters"] == sum(p.numel() for p in diffeo.load(name).parameters())
    assert card["verify"] == {"ok": True, "verdict": card["verify"]["verdict"]}
    assert card["test"]["mean"] == pytest.approx(
        run.summary["test_bits_per_dim" if run.in_bits else "test_log_likelihood"], abs=PRINTED
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_card_recommends_the_temperature_that_was_measured_best(name: str) -> None:
    card = diffeo.models.card(name)
    value, distances = card["temperature"]["value"], card["temperature"]["distances"]
    assert diffeo.models.temperature(SHIPPED / name) == value
    if len(card["data"]["shape"]) != 3:
        assert (value, distances) == (1.0, None)
        return
    assert [float(each) for each in distances] == list(TEMPERATURES)
    assert distances[f"{value:g}"] == min(distances.values())


def test_a_low_temperature_lacks_variety_and_a_high_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distance counts both: of too cool, of right and of too hot a flow, the right one is nearest."""
    monkeypatch.setattr(temperatures, "SAMPLES", 400)
    data, flow = diffeo.data.load("digits"), diffeo.load("realnvp-digits")
    found = recommended(flow, data)["distances"]
    assert found["0.5"] > 1.5 * found["0.75"] > 1.5 * found["1"]
    real = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)).double()
    apart = torch.tensor([2.0, 0.0, 0.0]) + torch.tensor([1.0, 3.0, 1.0]) * real
    assert frechet(real, real) == pytest.approx(0, abs=1e-6)
    assert frechet(apart, real) == pytest.approx(2**2 + (3 - 1) ** 2, rel=0.05)  # of normals: means and deviations


def test_a_folder_without_a_card_recommends_nothing(tmp_path: Path) -> None:
    assert diffeo.models.temperature(tmp_path) is None
    for text in ("{}", "[]", "{", '{"temperature": null}', '{"temperature": {"value": "warm"}}'):
        (tmp_path / "card.json").write_text(text)
        assert diffeo.models.temperature(tmp_path) is None


def test_what_ships_is_small() -> None:
    sizes = {file: file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file()}
    for name in NAMES:
        assert sum(size for file, size in sizes.items() if SHIPPED / name in file.parents) <= MOST_BYTES, name
    assert sum(sizes.values()) <= MOST_BYTES_IN_ALL


def test_what_ships_tells_nothing_of_the_machine_that_made_it() -> None:
    for file in SHIPPED.rglob("*.json*"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r'"(/|~|[A-Z]:\\)|/tmp/|--out', text), file


def test_the_table_in_the_documentation_is_of_the_cards() -> None:
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert table == diffeo.models.table() + "\n"


def test_a_folder_of_the_same_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = diffeo.load("realnvp-moons")
    assert isinstance(shipped, diffeo.RealNVP)
    assert not shipped.training
    Path("realnvp-moons").mkdir()
    with pytest.raises(FileNotFoundError, match=r"config.json is missing. It hides the model that ships"):
        diffeo.load("realnvp-moons")
    diffeo.NICE(2, couplings=2, width=4).save_pretrained("realnvp-moons")
    assert isinstance(diffeo.load("realnvp-moons"), diffeo.NICE)
    assert torch.equal(diffeo.load(diffeo.models.folder("realnvp-moons")).sample(0), shipped.sample(0))


def test_a_wrong_name_is_told_the_nearest_and_all_there_are() -> None:
    for ask in (diffeo.load, diffeo.models.card, diffeo.models.folder):
        with pytest.raises((FileNotFoundError, ValueError)) as caught:
            ask("realnvp-moon")
        assert "Did you mean realnvp-moons?" in str(caught.value)
        assert ", ".join(NAMES) in str(caught.value)


def test_a_name_that_no_system_can_hold_does_not_exist() -> None:
    with pytest.raises(FileNotFoundError, match=r"^'x{50,200}\.\. \(5,000 letters\)'? does not exist"):
        find("x" * 5_000)
