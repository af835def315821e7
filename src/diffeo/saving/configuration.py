"""A model as JSON: its class and options, and the same model built from them again."""

import inspect
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import torch
from torch import nn

from diffeo.saving.building import Budget
from diffeo.saving.options import only, torch_layer, torch_options
from diffeo.saving.registry import find, registered, without_effect
from diffeo.system.documents import shortened

TORCH = "torch.nn."  # before the names of torch's own layers

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def config(item: Any) -> dict[str, Json]:
    """What is needed to construct `item` again: ``{"class": name, "options": {...}}``.

    Raises:
        TypeError: if `item`, or something among its options, is of no registered class.
    """
    cls = type(item)
    if isinstance(item, nn.Module) and (found := torch_options(item)) is not None:
        name = TORCH + cls.__name__
        return {"class": name, "options": {k: _encode(v, f"{name}.{k}") for k, v in found.items()}}
    known = registered().get(cls.__name__) is cls
    if cls.__module__.partition(".")[0] == "torch":
        raise TypeError(
            f"{cls.__name__} cannot be saved: it is made by torch, and a file cannot say how. Make it in the "
            "constructor of a class of your own, decorate that with @diffeo.register, and build the model anew; such a "
            "part may have the weights of this one: new_part.net.load_state_dict(old_part.state_dict())"
        )
    if not known or "_options" not in item.__dict__:
        raise TypeError(
            f"{cls.__name__} cannot be saved: "
            + ("it was built before its class was registered. " if known else "its class is not registered. ")
            + "Decorate the class with @diffeo.register and build the model anew; it may have the weights of this one: "
            "new.load_state_dict(old.state_dict()). Then the new one can be saved"
        )
    return {
        "class": cls.__name__,
        "options": {k: _encode(v, f"{cls.__name__}.{k}") for k, v in item._options.items()},
    }


def build(data: Json, *, holds: Iterable[Iterable[int]] | None = None) -> Any:
    """The inverse of :func:`config`: construct the object again.

    Args:
        data: what :func:`config` gave.
        holds: the shapes of the tensors that the object is to hold. Options that ask for much more are refused before
            it takes memory or time (:mod:`diffeo.saving.building`).

    Raises:
        ValueError: if the class or an option is unknown, a key does not belong there, or the constructor fails.
    """
    with Budget(holds) if holds is not None else nullcontext():
        return _build(data)


def _build(data: Json) -> Any:
    if not isinstance(data, dict) or set(data) != {"class", "options"}:
        found = f"{listed(data)}" if isinstance(data, dict) else shortened(repr(data))
        raise ValueError(f"expected the keys 'class' and 'options', got {found}")
    name, options = data["class"], data["options"]
    if not isinstance(name, str):
        raise ValueError(f"the class must be a name, got {shortened(repr(name))}")
    if not isinstance(options, dict):
        raise ValueError(f"{shortened(name)}: options must be a JSON object, got {type(options).__name__}")
    cls = None if name.startswith(TORCH) else find(name)
    if cls is not None:
        known = inspect.signature(cls).parameters
        if unknown := set(options) - set(known):
            raise ValueError(f"{name}: unknown option {listed(unknown)} (known: {', '.join(known) or 'none'})")
    given = {key: _decode(value) for key, value in options.items()}
    try:
        if cls is None:
            return torch_layer(name.removeprefix(TORCH), given)
        earlier = getattr(cls, "earlier_options", {})  # what an option meant before files held it
        given = {**earlier, **given}
        dead = without_effect(cls, given)  # which files of before hold all the same
        return cls(**{key: value for key, value in given.items() if key not in dead})
    except Exception as error:  # constructors are Python: whatever is wrong with an option, they may raise
        raise ValueError(_told(name, error)) from error


def _told(name: str, error: Exception) -> str:
    """What a constructor raised, in one line that begins with its class."""
    said = str(error).partition("\nException raised from")[0]  # in C++
    text = shortened(" ".join(said.split()), most=500)
    if isinstance(error, (ValueError, TypeError)):
        return text if text.startswith(f"{name}:") else f"{shortened(name)}: {text}"
    why = {MemoryError: "more memory than there is", RecursionError: "parts too deep in each other"}.get(type(error))
    return f"{shortened(name)}: its options do not fit: " + (
        f"they ask for {why}" if why else text or "no reason given"
    )


def listed(names: Iterable[object]) -> str:
    """Names of others, a few of them."""
    ordered = sorted(map(str, names))
    return shortened(", ".join(map(shortened, ordered[:10])), most=200) + (", .." if len(ordered) > 10 else "")


def _encode(value: Any, where: str) -> Json:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple, nn.ModuleList, torch.Size)):
        return [_encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, dict):
        return {str(k): _encode(v, f"{where}.{k}") for k, v in value.items()}
    if hasattr(value, "__dict__") and not inspect.isroutine(value):
        return config(value)
    raise TypeError(f"{where}: a {type(value).__name__} cannot be saved as an option")


def _decode(value: Json) -> Any:
    if isinstance(value, dict):
        return _build(value) if "class" in value else {k: _decode(v) for k, v in value.items()}
    if isinstance(value, list):
        return value if only(value, bool, str, int, float) else [_decode(v) for v in value]
    return value
