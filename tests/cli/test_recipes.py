"""The recipes: files of trainings, their names, their curves."""

from pathlib import Path

import pytest
import yaml
from command import TOLD, together

from diffeo.cli.recipe import RECIPES, recipes

FOLDER = Path(__file__).parents[2] / "recipes"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
MATTERS = {"flow", "data", "conditional", "batch-size", "lr", "weight-decay", "warmup", "clip", "ema", "patience",
           "seed", "precision", "model"}  # fmt: skip


def test_the_package_has_the_recipes_of_the_checkout() -> None:
    assert recipes() == NAMES
    assert (RECIPES / "glow-mnist.yaml").read_text() == (FOLDER / "glow-mnist.yaml").read_text()


def test_every_recipe_is_understood_and_names_what_matters(tmp_path: Path) -> None:
    found = together(*(("config", "--config", FOLDER / f"{name}.yaml") for name in NAMES), cwd=tmp_path)
    for name, one in zip(NAMES, found, strict=True):
        assert one.status == 0, one.errors
        said = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        assert set(said) >= MATTERS - ({"conditional"} if "condition" in said else set()), name
        assert ("epochs" in said) != ("time-budget" in said), name
        lecture = name == f"lecture-{said['flow']}"  # the model of the reference code
        assert lecture or name.startswith(f"{said['flow']}-{said['data']}"), name
        image = said["data"] in ("digits", "mnist", "fashion-mnist", "olivetti")
        options = {"realnvp": {"levels", "blocks", "width", "dropout", "preprocessing"},
                   "glow": {"levels", "steps", "width", "preprocessing"}}[said["flow"]]  # fmt: skip
        assert set(said["model"]) == (options if image else {"couplings", "depth", "width", "dropout"}), name


def test_a_recipe_is_found_by_its_name_unless_there_is_such_a_file(tmp_path: Path) -> None:
    (tmp_path / "realnvp-moons").write_text("flow: nice\ndata: circles\n")
    named, filed, wrong = together(
        ("train", "--config", "realnvp-digits", "--epochs", 1, "--json"),
        ("train", "--config", "realnvp-moons", "--json"),
        ("train", "--config", "glow-minst"),
        cwd=tmp_path,
        before=TOLD,
    )
    assert [named.json[key] for key in ("data", "epochs", "batch_size", "lr", "precision")] == [
        "digits", 1, 64, 2e-3, "float32",
    ]  # fmt: skip
    assert named.json["flow"]["dropout"] == 0.2
    assert filed.json["data"] == "circles"
    assert wrong.status == 2
    assert "Did you mean glow-mnist? The recipes are: " in wrong.errors
    assert wrong.errors.count("\n") == 1


@pytest.mark.parametrize("path", sorted((FOLDER / "curves").glob("*.csv")), ids=lambda path: path.stem)
def test_a_curve_is_of_a_recipe_and_comes_down(path: Path) -> None:
    assert path.stem in NAMES
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    assert head == ["epoch", "step", "seconds", "validation"]
    assert float(rows[-1][3]) < float(rows[0][3])
