"""Options that mean nothing for the data are refused, are in no new file, and change nothing in files of before."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import diffeo
from diffeo.saving import registry
from diffeo.saving.configuration import config
from diffeo.training import checkpoint

VECTORS = {"couplings": 12, "depth": 2}
IMAGES = {"levels": None, "blocks": 1}
INTEGERS = {"preprocessing": "gaussianize"}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: diffeo.RealNVP(4, levels=2),
            "RealNVP: levels=2 is for images, and a shape of 4 means vectors, which take couplings, depth, width, "
            "dropout",
        ),
        (
            lambda: diffeo.RealNVP((1, 8, 8), values=17, couplings=3),
            "RealNVP: couplings=3 is for vectors, and a shape of (1, 8, 8) means images, which take levels, blocks, "
            "width, dropout, preprocessing",
        ),
        (lambda: diffeo.RealNVP((3,), blocks=1), "blocks=1 is for images"),  # the default, but it was given
        (lambda: diffeo.RealNVP((1, 8, 8), depth=2), "depth=2 is for vectors"),
        (
            lambda: diffeo.RealNVP(4, preprocessing="logit"),
            "RealNVP: preprocessing='logit' is for integers, and data is continuous where no values are given",
        ),
        (
            lambda: diffeo.Glow((1, 8, 8), preprocessing="logit"),
            "Glow: preprocessing='logit' is for integers, and data",
        ),
    ],
)
def test_an_option_that_does_not_fit_the_data_is_refused_with_what_fits(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make()


def test_what_does_not_fit_is_refused_inside_a_recipe_too() -> None:
    class Mine(diffeo.RealNVP):
        def __init__(self, **options: Any):
            super().__init__(2, **options)

    @diffeo.register
    class Ours(diffeo.RealNVP):
        def __init__(self, levels: int = 3):
            super().__init__(2, couplings=levels)

    @diffeo.register
    class Theirs(diffeo.RealNVP):
        pass

    assert "levels" not in Mine(couplings=1)._options
    with pytest.raises(ValueError, match="levels=1 is for images"):
        Mine(levels=1)
    assert Ours(levels=1)._options == {"levels": 1}  # of a constructor of its own
    assert Theirs(2, couplings=1)._options == diffeo.RealNVP(2, couplings=1)._options
    with pytest.raises(ValueError, match="levels=1 is for images"):
        Theirs(2, levels=1)
    registry._classes.pop("Ours"), registry._classes.pop("Theirs")


@pytest.mark.parametrize(
    ("flow", "absent"),
    [
        (lambda: diffeo.RealNVP(3, couplings=2, width=4), IMAGES | INTEGERS),
        (lambda: diffeo.RealNVP(3, values=4, couplings=2, width=4), IMAGES),
        (lambda: diffeo.RealNVP((1, 4, 4), width=4), VECTORS | INTEGERS),
        (lambda: diffeo.RealNVP((1, 4, 4), values=4, width=4), VECTORS),
        (lambda: diffeo.Glow((1, 4, 4), steps=1, width=4), INTEGERS),
    ],
)
def test_files_hold_what_has_an_effect_and_those_of_before_load_and_mean_the_same(
    flow: Any, absent: dict[str, Any], tmp_path: Path
) -> None:
    made = flow().eval()
    made.save_pretrained(tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    assert not absent.keys() & described["options"].keys()
    described["options"] |= absent | {"couplings": 7} if "couplings" in absent else absent  # whatever they said
    (tmp_path / "config.json").write_text(json.dumps(described))
    loaded = diffeo.load(tmp_path)
    assert loaded._options == made._options
    assert all(torch.equal(p, q) for p, q in zip(loaded.state_dict().values(), made.state_dict().values(), strict=True))
    assert checkpoint.changed_options(described, config(made)) == []  # so a checkpoint of before is gone on from


@pytest.mark.parametrize("name", ["realnvp-digits", "realnvp-power", "realnvp-moons"])
def test_models_that_ship_hold_options_without_effect_and_load_to_what_they_are(name: str, tmp_path: Path) -> None:
    flow = diffeo.load(name)
    file = json.loads((diffeo.models.find(name) / "config.json").read_text())["options"]
    left = {"couplings", "depth"} if len(flow.shape) == 3 else {"levels", "blocks", "preprocessing"}
    assert flow._options == {option: value for option, value in file.items() if option not in left}
    assert left <= file.keys()
    flow.save_pretrained(tmp_path)
    again = diffeo.load(tmp_path)
    assert all(torch.equal(p, q) for p, q in zip(again.state_dict().values(), flow.state_dict().values(), strict=True))


def test_none_says_nothing_of_an_option() -> None:
    assert "levels" not in diffeo.RealNVP(4, couplings=2, width=8, levels=None)._options
