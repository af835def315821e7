"""The settings of a run: those that were given, and all others, decided."""

import inspect
from typing import Any

from diffeo.data import Dataset
from diffeo.flow import Flow
from diffeo.training.fit import fit
from diffeo.training.options import check_numbers
from diffeo.training.precision import resolve
from diffeo.training_defaults import decide


def settings(flow: Flow, data: Dataset, options: dict[str, Any]) -> dict[str, Any]:
    """The options of :func:`diffeo.fit` as a run has them: those given, and all others, decided.

    Raises:
        TypeError, ValueError: if one is no number, or the precision does not fit the flow.
    """
    asked = defaults() | options
    check_numbers(asked)
    open_ = {name: asked[name] for name in ("batch_size", "lr", "epochs", "time_budget")}
    decided = decide(flow.shape, len(data.train), **open_)
    return asked | decided._asdict() | {"precision": resolve(asked["precision"], flow)}


def defaults() -> dict[str, Any]:
    """Those of the options of fit that a run sets."""
    own = ("validation", "seed", "folder", "resume", "progress", "on_start", "on_epoch")
    options = inspect.signature(fit).parameters.values()
    return {
        option.name: option.default
        for option in options
        if option.kind is option.KEYWORD_ONLY and option.name not in own
    }


def earlier(settings: dict[str, Any]) -> dict[str, Any]:
    """What a run.json means where its settings say nothing, or None: one of when :func:`diffeo.fit` had fixed defaults.

    Today's says what was decided, so nothing of it is left open but epochs, to a time budget.
    """
    fixed = {"batch_size": 128, "lr": 1e-3, "precision": "float32"}
    if settings.get("time_budget") is None:
        fixed["epochs"] = 50
    return {name: value for name, value in fixed.items() if settings.get(name) is None}
