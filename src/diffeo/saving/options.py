"""Options of constructors: what a file can hold of them, found out when an object is built."""

import inspect
import math
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np
import torch
from torch import Tensor, nn

KINDS = "Options are numbers, strings, booleans, None, lists and dicts of these, and objects of registered classes"

MOST_SIZES = 64  # of a shape, in torch
SEEDS = 2**64  # how many there are: as many as torch has


def plain(value: Any, *, tuples: bool = True) -> Any:
    """An option as the constructor gets it, today and from a file: scalars and arrays become numbers and lists.

    What no file could hold stays as it is, for :func:`refuse` to say so.

    Args:
        value: what was given.
        tuples: whether tuples stay tuples, for classes that take either; a file gives lists.

    Example:
        >>> plain((np.float32(0.5), torch.tensor(3), np.arange(2)))
        (0.5, 3, [0, 1])
        >>> plain((1, (2, 3)), tuples=False)
        [1, [2, 3]]
    """
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        value = value.tolist()
    for kind in (bool, str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, nn.Module) or _part(value):
        return value
    if isinstance(value, Mapping):
        return {key: plain(v, tuples=tuples) for key, v in value.items()}
    if only(value, bool, str, int, float):
        return value if tuples and isinstance(value, tuple) else list(value)
    if isinstance(value, tuple) and tuples:
        return tuple(plain(v) for v in value)
    if isinstance(value, Iterable) and not isinstance(value, (type, set, frozenset, bytes)):
        return [plain(v, tuples=tuples) for v in value]
    return value


def only(value: Any, *kinds: type) -> bool:
    """Whether it is a list or tuple of values of these types alone: found out without a step for each of many."""
    return type(value) in (list, tuple) and set(map(type, value)) <= set(kinds)


def refuse(value: Any, where: str) -> None:
    """Refuse an option that no file could hold.

    Networks and other parts of unregistered classes are let through: a model that has them works, and only saving
    refuses it.

    Raises:
        TypeError: naming it by `where`, its class and option.
        ValueError: if it is a number that is not finite.
    """
    if value is None or isinstance(value, (str, int, nn.Module)) or _part(value) or only(value, str, int, bool):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} must be a finite number, got {value}: a saved file holds no other")
    elif isinstance(value, dict):
        for key, v in value.items():
            if not isinstance(key, str) or key == "class":
                raise TypeError(f"{where}: the keys of a dict must be strings, and not 'class', got {key!r}")
            refuse(v, f"{where}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            refuse(v, f"{where}[{i}]")
    else:
        raise TypeError(f"{where}: {_told(value)}")


def _part(value: Any) -> bool:
    """Whether it is of a registered class, or has methods as elementwise maps, doors and bases have."""
    if "_options" in getattr(value, "__dict__", ()):
        return True
    methods = any(hasattr(value, name) for name in ("encode", "decode", "log_prob"))
    return methods and not isinstance(value, (type, str, bytes, bytearray))


def check_number(value: Any, annotation: Any, where: str) -> None:
    """Refuse an option that is annotated as a number and is none, and sizes that no tensor has.

    Raises:
        TypeError: if it is none, or not whole where ``int`` is wanted.
        ValueError: if a whole number has more than 64 bits, or a shape more than 64 sizes.
    """
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    if any(get_origin(kind) is tuple for kind in kinds) and isinstance(value, (list, tuple)):
        if len(value) > MOST_SIZES:
            raise ValueError(f"{where} has {len(value):,} sizes, and a tensor has at most {MOST_SIZES}")
        for n in value:
            _check_size(n, where)
    _check_size(value, where)
    if set(kinds) not in ({int}, {float}, {int, type(None)}, {float, type(None)}):
        return
    if value is None and type(None) in kinds:
        return
    if int in kinds and (not isinstance(value, int) or isinstance(value, bool)):
        whole = isinstance(value, float) and value.is_integer()
        raise TypeError(f"{where} must be a whole number, got {value!r}" + (f". Use {int(value)}" if whole else ""))
    if float in kinds and (not isinstance(value, (int, float)) or isinstance(value, bool)):
        raise TypeError(f"{where} must be a number, got {value!r}")


def _check_size(value: Any, where: str) -> None:
    if isinstance(value, int) and value.bit_length() > 63:
        raise ValueError(f"{where} must have at most 64 bits, got a whole number of {value.bit_length()}")


def check_seed(seed: Any, where: str) -> int:
    """A seed as an int: a whole number that every generator takes, or what is derived of it.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is none from 0 to 2^64 - 1.

    Example:
        >>> check_seed(np.int64(3), "fit")
        3
    """
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"{where}: seed must be a whole number, got {seed!r}. Use seed=0")
    if not 0 <= int(seed) < SEEDS:
        raise ValueError(f"{where}: seed must be a whole number from 0 to {SEEDS - 1:,}, got {seed}. Use seed=0")
    return int(seed)


def torch_options(layer: nn.Module) -> dict[str, Any] | None:
    """How one of torch's own layers is built again, as far as it says; None if it is none of them.

    Example:
        >>> torch_options(nn.Linear(2, 3))
        {'in_features': 2, 'out_features': 3, 'bias': True}
    """
    cls = type(layer)
    if getattr(nn, cls.__name__, None) is not cls:
        return None
    if isinstance(layer, nn.Sequential):
        return {"layers": dict(layer.named_children())}
    names = [
        p.name for p in inspect.signature(cls).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    options = {name: getattr(layer, name, None) for name in names if name not in ("device", "dtype")}
    return {name: v is not None if name == "bias" and not isinstance(v, bool) else v for name, v in options.items()}


def torch_layer(name: str, options: dict[str, Any]) -> nn.Module:
    """The inverse of :func:`torch_options`.

    Raises:
        ValueError: if torch has no such layer.
    """
    cls = getattr(nn, name, None)
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise ValueError(f"torch.nn has no layer {name!r}")
    if "device" in options or "dtype" in options:
        raise ValueError(f"{name} takes neither device nor dtype from a file: the model is moved as a whole")
    if cls is nn.Sequential:
        if set(options) != {"layers"} or not isinstance(options["layers"], dict):
            raise ValueError("Sequential takes one option, layers: an object of layers by their names")
        sequence = nn.Sequential()
        for key, layer in options["layers"].items():
            sequence.add_module(key, layer)
        return sequence
    made: nn.Module = cls(**options)
    return made


def _told(value: Any) -> str:
    """What cannot be kept, and what to do instead."""
    if isinstance(value, type):
        return f"the class {value.__name__} cannot be saved as an option. Give an object of it, or its name as a string"
    kind = type(value).__name__
    if isinstance(value, (set, frozenset)):
        return f"a {kind} has no order, and cannot be saved as an option. Use sorted(..)"
    if callable(value) or isinstance(value, (torch.dtype, torch.device)):
        return (
            f"a {kind} cannot be saved as an option. Give a name, a string, and look it up in the constructor. {KINDS}"
        )
    return f"a {kind} cannot be saved as an option. Decorate its class with @diffeo.register. {KINDS}"
