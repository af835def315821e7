"""From words on the command line to a flow."""

import difflib
import inspect
import typing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffeo.data import Dataset
    from diffeo.flow import Flow

FLOWS = {"realnvp": "RealNVP", "glow": "Glow", "nice": "NICE"}
FROM_DATA = ("self", "shape", "values", "classes", "condition_shape")


def build_flow(name: str, data: "Dataset", options: dict[str, str], *, conditional: bool) -> "Flow":
    """The flow called `name` for a data set, with the options given as text.

    Raises:
        ValueError: if the name or an option is unknown, or an option does not fit.
    """
    import diffeo

    if name.lower() not in FLOWS:
        raise ValueError(f"no flow is called {name!r}.{_meant(name.lower(), FLOWS)} There are: {', '.join(FLOWS)}")
    recipe = getattr(diffeo, FLOWS[name.lower()])
    known = [option for option in inspect.signature(recipe.__init__).parameters if option not in FROM_DATA]
    for option in options:
        if option not in known:
            raise ValueError(f"{name} has no option {option!r}.{_meant(option, known)} There are: {', '.join(known)}")
    if conditional and data.classes is None:
        raise ValueError(f"{data.name} has no classes to condition on: leave --conditional out")
    hints = typing.get_type_hints(recipe.__init__)
    chosen = {option: _value(name, option, text, hints[option]) for option, text in options.items()}
    shape = data.shape if len(data.shape) > 1 else data.shape[0]
    flow: Flow = recipe(shape, values=data.values, classes=data.classes if conditional else None, **chosen)
    return flow


def _value(flow: str, option: str, text: str, hint: Any) -> Any:
    """The option's text as what its type says: a whole number, a number, or none."""
    kinds = typing.get_args(hint) or (hint,)
    if text.lower() in ("none", "null") and type(None) in kinds:
        return None
    kind = float if float in kinds else int
    try:
        return kind(text)
    except ValueError:
        wanted = "a number" if kind is float else "a whole number"
        raise ValueError(f"{flow}: {option} must be {wanted}, got {text!r}") from None


def _meant(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""
