"""The names that the command line knows without waiting for torch."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, cast, get_args

from diffeo import models

F = TypeVar("F", bound=Callable[..., Any])

DataName = Literal[
    "digits",
    "mnist",
    "fashion-mnist",
    "olivetti",
    "power",
    "moons",
    "circles",
    "pinwheel",
    "checkerboard",
    "8gaussians",
    "rings",
    "spirals",
]
DATA: tuple[str, ...] = get_args(DataName)


def of_runs(verb: F) -> F:
    """A verb that refuses runs, models and data sets which do not exist before it waits for torch."""

    @functools.wraps(verb)
    def checked(*arguments: Any, **options: Any) -> Any:
        given = inspect.signature(verb).bind(*arguments, **options).arguments
        for run in (*given.get("runs", ()), *([given["run"]] if "run" in given else ())):
            if not models.hub.is_address(str(run)) and run.suffix != ".csv":  # a recipe's curve, beside a run
                models.find(run)
        if given.get("data") is not None:
            check_data_name(str(given["data"]))
        return verb(*arguments, **options)

    return cast(F, checked)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to an error, with its space; nothing if no name is close.

    Example:
        >>> did_you_mean("realnpv", ["realnvp", "glow"])
        ' Did you mean realnvp?'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def check_data_name(name: str) -> None:
    """Raise ValueError if `name` is no data set's, nor ``folder:PATH`` or ``table:PATH``.

    Files are not looked for.
    """
    if name not in DATA:
        from diffeo.data.sources import check_name

        check_name(name)
