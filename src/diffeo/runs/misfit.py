"""Whether a value of a JSON file is what a type says, and what is wrong with it where it is not."""

import types
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from diffeo.runs.records import DataOptions
from diffeo.system.documents import shortened

KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


def misfit(value: Any, kind: Any, where: str = "") -> str:
    """What keeps a value from being of a kind, by the types of its parts; empty where it is.

    Example:
        >>> from diffeo.runs.records import DensityRecord
        >>> misfit({"mean": 1, "standard_error": "0.5"}, DensityRecord)
        "standard_error is text ('0.5'), not a number or null"
        >>> misfit({"mean": 1, "standard_error": None}, DensityRecord)
        ''
    """
    if kind is Any:
        return ""
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return _wrong(value, "an object", where)
        missing = sorted(kind.__required_keys__ - value.keys())
        if missing:
            return f"{'.'.join(filter(None, (where, missing[0])))} is missing"
        hints = get_type_hints(kind)
        if kind is DataOptions and (others := value.keys() - hints):
            return f"{where} has the unknown key {shortened(min(others))!r}"
        problems = (misfit(value[key], hints[key], f"{where}.{key}".lstrip(".")) for key in hints if key in value)
        return next(filter(None, problems), "")
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            return _wrong(value, "an object", where)
        inner = get_args(kind)[1]
        return next(filter(None, (misfit(v, inner, f"{where}.{k}".lstrip(".")) for k, v in value.items())), "")
    if get_origin(kind) is list:
        if not isinstance(value, list):
            return _wrong(value, "a list", where)
        inner = get_args(kind)[0]
        return next(filter(None, (misfit(v, inner, f"{where}[{i}]") for i, v in enumerate(value))), "")
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for one in kinds:
        if one in KINDS:
            if _is(value, one):
                return ""
            continue
        problem = misfit(value, one, where)
        if not problem or isinstance(value, get_origin(one) or dict):
            return problem  # of the right kind, so that what is wrong lies within
    return _wrong(value, " or ".join(_name(one) for one in kinds), where)


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and abs(value) < 2**63
    if kind is float:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
    return isinstance(value, kind)


def _name(kind: Any) -> str:
    origin = get_origin(kind) or kind
    return KINDS.get(kind, "a list" if origin is list else "an object")


def _wrong(value: Any, expected: str, where: str) -> str:
    names = {dict: "an object", list: "a list", type(None): "null", bool: "true or false", str: "text"}
    said = names.get(type(value), "a number")
    shown = f" ({shortened(repr(value))})" if isinstance(value, (str, int, float)) else ""
    return f"{where or 'it'} is {said}{shown}, not {expected}"
