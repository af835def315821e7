"""The names that the command line knows without waiting for torch."""

import difflib
from collections.abc import Iterable
from typing import Literal, get_args

FLOWS = {"realnvp": "RealNVP", "glow": "Glow", "nice": "NICE"}  # as typed: the class in diffeo

FlowName = Literal["realnvp", "glow", "nice"]
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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to an error, with its space; nothing if no name is close.

    Example:
        >>> did_you_mean("realnpv", ["realnvp", "glow"])
        ' Did you mean realnvp?'
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def flow_name(name: str) -> str:
    """The flow as it is listed.

    Raises:
        ValueError: if there is none of this name; it says which there are.
    """
    if name.lower() not in FLOWS:
        hint = did_you_mean(name.lower(), FLOWS)
        raise ValueError(f"no flow is called {name!r}.{hint} There are: {', '.join(FLOWS)}")
    return name.lower()


def check_data_name(name: str) -> None:
    """Raise ValueError if `name` is no data set's, nor ``folder:PATH`` or ``table:PATH``.

    Files are not looked for.
    """
    kind, colon, path = name.partition(":")
    if name not in DATA and not (kind in ("folder", "table") and path):
        hint = did_you_mean(f"{kind}:", ("folder:", "table:")) if colon else did_you_mean(name, DATA)
        there = f"There are: {', '.join(DATA)}, folder:PATH and table:PATH"
        raise ValueError(f"no data set is called {name!r}.{hint} {there}")
