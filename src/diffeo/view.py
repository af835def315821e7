"""A module seen in another mode: the same tensors, and nothing of it changed."""

from typing import Any, TypeVar, cast

from torch import nn

M = TypeVar("M", bound=nn.Module)
OWN = ("_parameters", "_buffers", "_modules")  # what is registered in the view stays in the view


def view(module: M, *, training: bool) -> M:
    """A module that computes with the same parameters and buffers, in training or in evaluation mode.

    Modes and attributes are the view's own, at every depth, so another thread that uses the module sees nothing. What
    changes a tensor in place changes it for both.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        >>> seen = view(net, training=False)
        >>> seen[1].training, net[1].training, seen[0].weight is net[0].weight
        (False, True, True)
    """
    return cast(M, _view(module, training, {}))


def _view(module: Any, training: bool, seen: dict[int, Any]) -> Any:
    if id(module) not in seen:  # a part that stands in two places stays one part
        seen[id(module)] = twin = object.__new__(type(module))
        own = module.__dict__.copy()
        if own["training"] != training:
            own["_compiled_call_impl"] = None  # nn.Module.compile's, which calls the module itself, in its mode
        own["training"] = training
        for name in OWN:
            own[name] = own[name].copy()
        object.__setattr__(twin, "__dict__", own)  # nn.Module's looks for parameters first, which takes time
        parts = own["_modules"]
        for name, part in parts.items():
            parts[name] = None if part is None else _view(part, training, seen)
    return seen[id(module)]
