"""Which options of a flow mean nothing for the data it is for."""

from collections.abc import Iterable, Mapping
from typing import Any

from diffeo.flows.preprocessing import as_shape

OF_THE_DATA = ("shape", "values", "classes", "condition_shape")


def unfit(flow: str, options: Mapping[str, Any], **only_for: Iterable[str]) -> dict[str, str]:
    """The options without effect on such data: their names, and what to say to who gives one.

    Args:
        flow: the flow's name.
        options: all of its options, with those that the data gives.
        only_for: the options that are for ``vectors``, ``images`` or ``integers`` alone.

    Example:
        >>> unfit("RealNVP", {"shape": 4, "couplings": 3, "levels": 2}, vectors=["couplings"], images=["levels"])
        {'levels': 'RealNVP: levels=2 is for images, and a shape of 4 means vectors, which take couplings'}
    """
    if "shape" not in options:
        return {}  # the constructor will say so
    of_shape = "vectors" if len(as_shape(options["shape"], flow)) == 1 else "images"
    kinds = (of_shape,) if options.get("values") is None else (of_shape, "integers")
    dead = {name: kind for kind, names in only_for.items() if kind not in kinds for name in names if name in options}
    fit = ", ".join(name for name in options if name not in dead and name not in OF_THE_DATA)
    shape = f"a shape of {options['shape']} means {of_shape}, which take {fit}"
    why = {"vectors": shape, "images": shape, "integers": "data is continuous where no values are given"}
    return {name: f"{flow}: {name}={options[name]!r} is for {kind}, and {why[kind]}" for name, kind in dead.items()}
