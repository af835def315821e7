"""A function with everything that it uses copied, so that nothing a program changes later reaches it."""

import builtins
import types
from collections.abc import Callable, Iterator
from typing import Any


def sealed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a function: globals, builtins, defaults and cells of its own, and so for all Python functions it calls.

    Example:
        >>> def double(x):
        ...     return len(x) * 2
        >>> kept, found = sealed(double), builtins.len
        >>> builtins.len = lambda x: 0
        >>> kept([1, 2])
        4
        >>> builtins.len = found
    """
    return _Copies().of(function)  # type: ignore[no-any-return]


class _Copies:
    def __init__(self) -> None:
        self.builtins = dict(vars(builtins))
        self.made: dict[int, Any] = {}

    def of(self, value: Any, names: frozenset[str] = frozenset()) -> Any:
        """A copy of a value; of a module, what has one of these names."""
        if isinstance(value, types.FunctionType):
            return self.made.get(id(value)) or self._function(value)
        if isinstance(value, types.ModuleType):
            return types.SimpleNamespace(**{n: self.of(getattr(value, n), names) for n in names if hasattr(value, n)})
        return value.copy() if type(value) in (dict, list, set) else value

    def _function(self, function: types.FunctionType) -> types.FunctionType:
        own: dict[str, Any] = {"__builtins__": self.builtins}
        names = frozenset(_names(function.__code__))
        cells = tuple(types.CellType() for _ in function.__closure__ or ())
        copy = types.FunctionType(function.__code__, own, function.__name__, function.__defaults__, cells)
        copy.__kwdefaults__ = dict(function.__kwdefaults__) if function.__kwdefaults__ else None
        self.made[id(function)] = copy
        for cell, kept in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self.of(kept.cell_contents, names)
        for name in names & function.__globals__.keys():
            own[name] = self.of(function.__globals__[name], names)
        return copy


def _names(code: types.CodeType) -> Iterator[str]:
    """Names that a function uses, those of functions inside it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
