"""Making a model that ships out of a run: ``tools/ship.py``."""

import json
from pathlib import Path

import curve
import pytest
import recipe_of
import ship

import diffeo
from diffeo.cli import main as command
from diffeo.models import cards, places

RECIPE = """flow: realnvp
data: moons
epochs: 2
batch-size: 2000
lr: 1e-2
time-budget: 10m
model: {couplings: 2, width: 8}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with recipes/small.yaml, a page, a run of the recipe, and room for models."""
    monkeypatch.chdir(tmp_path)
    for name in ("recipes/curves", "shipped"):
        Path(name).mkdir(parents=True)
    Path("recipes/small.yaml").write_text(RECIPE)
    Path("models.md").write_text(f"before\n{ship.BEGIN}old\n{ship.END}after\n")
    for module, name, path in (
        (ship, "SHIPPED", "shipped"), (places, "SHIPPED", "shipped"), (ship, "PAGE", "models.md"),
        (ship, "RECIPES", "recipes"), (curve, "RECIPES", "recipes"), (recipe_of, "RECIPES", "recipes"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, tmp_path / path)
    command(["train", "--config", "recipes/small.yaml", "--out", "runs/small", "--quiet", "--json"])
    return tmp_path


def shipping(monkeypatch: pytest.MonkeyPatch, *arguments: str, tool: object = ship) -> int:
    monkeypatch.setattr("sys.argv", ["tool.py", *arguments])
    return tool.main()


def test_a_run_becomes_a_model_with_a_card_that_was_measured(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ship.diffeo, "verify", lambda *rows: Verified(True, "EXACT: all of it"))
    assert shipping(monkeypatch, "runs/small", "small") == 0
    card, summary = cards.card("small"), json.loads(Path("runs/small/summary.json").read_text())
    assert card["test"]["mean"] == pytest.approx(summary["test_log_likelihood"], abs=1e-6)
    assert card["command"] == "diffeo train --config recipes/small.yaml"
    assert card["data"]["licence"] == "MIT"
    assert card["temperature"] == {"value": 1.0, "distances": None}
    assert card["verify"] == {"ok": True, "verdict": "EXACT: all of it"}
    assert (
        f"| `small` | RealNVP on two interleaved half circles | {summary['parameters']}"
        in Path("models.md").read_text()
    )
    assert "old" not in Path("models.md").read_text()
    lines = Path("recipes/curves/small.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"]
    assert isinstance(diffeo.load("small"), diffeo.RealNVP)
    assert "--out" not in (place / "shipped/small/run.json").read_text()
    assert "EXACT: all of it" in cards.in_words(card)
    capsys.readouterr()
    assert shipping(monkeypatch, "runs/small", "small") == 1
    assert "Give --replace" in capsys.readouterr().err
    Path("recipes/small.yaml").write_text(RECIPE.replace("width: 8", "width: 9").replace("1e-2", "2e-2"))
    assert shipping(monkeypatch, "runs/small", "small", "--replace") == 1
    assert "lr is 0.01, the recipe's 0.02; model.width is 8, the recipe's 9" in capsys.readouterr().err
    assert shipping(monkeypatch, "runs/small", "small", tool=curve) == 1


def test_what_is_not_exact_or_too_large_does_not_ship(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ship.diffeo, "verify", lambda *rows: Verified(False, "NOT EXACT: 1 broken promise"))
    assert shipping(monkeypatch, "runs/small", "small") == 1
    assert "NOT EXACT: 1 broken promise" in capsys.readouterr().err
    monkeypatch.setattr(ship, "MOST_BYTES", 100)
    assert shipping(monkeypatch, "runs/small", "small") == 1
    assert "at most 100" in capsys.readouterr().err
    assert not (place / "shipped/small").exists()
    assert not (place / "recipes/curves/small.csv").exists()


class Verified:
    """Stands in for a report."""

    def __init__(self, ok: bool, verdict: str):
        self.ok, self.verdict = ok, verdict
