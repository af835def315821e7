"""Whether a run was made as a recipe says."""

import contextlib
import io
from pathlib import Path
from typing import Any

import yaml

from diffeo.cli.app import app
from diffeo.cli.flows import flows
from diffeo.cli.parse import seconds

RECIPES = Path(__file__).parents[1] / "recipes"
LEFT_TO_THE_MACHINE = ("auto", None)  # what a recipe may leave open: the run has decided it


def options_of(name: str) -> dict[str, Any]:
    """Every option of a recipe with its value, as ``diffeo config`` prints them."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        app(["config", "--config", str(RECIPES / f"{name}.yaml")], exit_on_error=False, result_action="return_value")
    options: dict[str, Any] = yaml.safe_load(out.getvalue())
    return options


def differences(run: dict[str, Any], name: str) -> list[str]:
    """Where the run of this ``run.json`` departs from a recipe, in words; empty if nowhere."""
    options = options_of(name)
    model, made = options.pop("model"), run["flow"]["options"]
    settings = {key.replace("-", "_"): value for key, value in options.items()}
    if settings["time_budget"] is not None:
        settings["time_budget"] = seconds(str(settings["time_budget"]))
    pairs = {
        "flow": (run["flow"]["class"], flows()[settings["flow"]]),
        "data": (run["data"]["name"], settings["data"]),
        "conditional": (made.get("classes") is not None, settings["conditional"]),
        "seed": (run["seed"], settings["seed"]),
        **{
            key: (value, settings[key])
            for key, value in run["settings"].items()
            if key not in ("checkpoint_every", "tracker") and settings.get(key) not in LEFT_TO_THE_MACHINE
        },
        **{f"model.{key}": (made[key], value) for key, value in model.items() if value is not None and key in made},
    }
    return [f"{key} is {ours}, the recipe's {theirs}" for key, (ours, theirs) in pairs.items() if ours != theirs]
