"""The classes that a file may name: each is registered, and remembers the options that it was built with."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from torch import nn

from diffeo.saving.options import check_number, only, plain, refuse
from diffeo.system.documents import shortened

T = TypeVar("T", bound=type)

_classes: dict[str, type] = {}
_dead: dict[type, Callable[[Mapping[str, Any]], dict[str, str]]] = {}  # what a class says in `without_effect`


def register(cls: T) -> T:
    """Admit a class to configurations: its constructor's options are remembered, so it can be saved.

    Use it as a decorator on your own bijections, conditioners, bases or flows. Options may be numbers,
    strings, booleans, None, lists or dicts of these, and objects of registered classes or of torch's own
    layers. The constructor gets them as a file would hold them: NumPy's and torch's scalars as numbers, arrays,
    tensors and tuples as lists. Anything else is refused when the object is built, not when it is saved.

    Where an option means nothing beside the others, the static method ``without_effect(options)`` may say so: it
    returns the names of such options, each with an error for who gives it. Files do not hold them.

    Raises:
        TypeError: if the constructor takes ``*args`` or ``**kwargs`` (they cannot be named in a file); when an
            object is built, if an option cannot be saved.
        ValueError: if another class is registered under the same name.

    Example:
        >>> import diffeo
        >>> from diffeo.saving.configuration import config
        >>> @diffeo.register
        ... class Double(diffeo.Bijection):
        ...     def encode(self, x, condition=None):
        ...         return 2 * x, x.new_full((x.shape[0],), x[0].numel() * math.log(2))
        ...
        ...     def decode(self, z, condition=None):
        ...         return z / 2, -z.new_full((z.shape[0],), z[0].numel() * math.log(2))
        >>> config(Double())
        {'class': 'Double', 'options': {}}
    """
    kind: Any = cls
    constructor: Callable[..., None] = kind.__init__
    signature = inspect.signature(constructor)
    unnamed = [p.name for p in signature.parameters.values() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if unnamed and "__init__" in cls.__dict__:
        raise TypeError(f"{cls.__name__}: options must have names, not *{unnamed[0]}")
    options = [] if unnamed else list(signature.parameters)[1:]  # without one of its own, nn.Module's takes none
    other = _classes.get(cls.__name__)
    ours = cls.__name__ in getattr(sys.modules.get("diffeo"), "__all__", ()) and not cls.__module__.startswith(
        "diffeo."
    )
    if ours or (other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__)):
        owner = "diffeo" if ours or other is None else other.__module__
        raise ValueError(f"{cls.__name__} is already registered by {owner}: give the class another name")
    _classes[cls.__name__] = cls
    builder = next(base for base in cls.__mro__ if "__init__" in vars(base))  # whose constructor it is
    dead = _dead[cls] = vars(builder).get("without_effect", lambda options: {})
    own = cls.__module__.startswith("diffeo.")  # whose annotations are to be held to, and which take tuples or lists

    @functools.wraps(constructor)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            known = f"Its options are {', '.join(options)}" if options else "It has no options"
            raise TypeError(f"{cls.__name__}: {error}. {known}") from None
        given = {name for name, value in bound.arguments.items() if value is not None}
        bound.apply_defaults()
        if "_options" in self.__dict__:  # of the outermost constructor: a recipe, not what it calls
            _refuse_dead(dead({name: bound.arguments[name] for name in options}), given)
            constructor(self, *args, **kwargs)
            return
        for name in options:
            bound.arguments[name] = plain(bound.arguments[name], tuples=own)
            if own:
                check_number(bound.arguments[name], signature.parameters[name].annotation, f"{cls.__name__}: {name}")
        for name in _refuse_dead(dead({name: bound.arguments[name] for name in options}), given):
            del bound.arguments[name]
        object.__setattr__(self, "_options", {k: _copied(bound.arguments[k]) for k in options if k in bound.arguments})
        constructor(*bound.args, **bound.kwargs)
        for name, value in self._options.items():  # after the constructor, which knows better what is wrong
            refuse(value, f"{cls.__name__}: {name}")

    kind.__init__ = remember
    return cls


def _refuse_dead(dead: dict[str, str], given: set[str]) -> Iterable[str]:
    """The options without effect, if none of them was given."""
    for name, why in dead.items():
        if name in given:
            raise ValueError(why)
    return dead


def without_effect(cls: type, options: Mapping[str, Any]) -> Iterable[str]:
    """The names of the options that mean nothing to a registered class beside the others."""
    return _dead[cls](options)


def registered() -> dict[str, type]:
    """The registered classes by name."""
    return dict(_classes)


def find(name: str) -> type:
    """The class of this name.

    Raises:
        ValueError: if none is registered under it.
    """
    if name not in _classes and "diffeo" in sys.modules:
        getattr(importlib.import_module("diffeo"), name, None)  # a public name registers itself when it is imported
    if name not in _classes:
        raise ValueError(
            f"unknown class {shortened(name)!r}. If it is your own, import the module that registers it "
            f"with @diffeo.register first"
        )
    return _classes[name]


def _copied(value: Any) -> Any:
    """Options as they were given: what the caller does with a list afterwards is not the model's."""
    if only(value, bool, str, int, float):
        return list(value)
    if isinstance(value, (list, tuple, nn.ModuleList)):
        return [_copied(v) for v in value]
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, dict) else value
