"""A model that is built to take the tensors of a file: what its parameters start from means nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from diffeo.saving.configuration import build, config, listed
from diffeo.system.documents import shortened

FORMAT = 1
DRAWING = {  # functions of torch that draw random numbers, by a generator that may be given
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "uniform_", "normal_", "trunc_normal_", "random_", "bernoulli_", "exponential_", "geometric_", "log_normal_",
    "cauchy_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "orthogonal_", "sparse_",
}  # fmt: skip

_from_file: ContextVar[bool] = ContextVar("built to take the tensors of a file", default=False)


def skeleton(described: object, held: dict[str, Tensor]) -> nn.Module:
    """The model with parameters that mean nothing yet, made within what the tensors that it is to hold warrant."""
    expected = {"format", "class", "options", "versions"}
    if not isinstance(described, dict) or set(described) != expected:
        keys = listed(described) if isinstance(described, dict) else type(described).__name__
        raise ValueError(f"expected the keys {', '.join(sorted(expected))}, got {keys}")
    if described["format"] != FORMAT:
        raise ValueError(
            f"format {shortened(str(described['format']))} is not known here (known: {FORMAT}). Update diffeo."
        )
    with _for_a_file(), _Drawing():  # not on the meta device, where simple sums would import the compiler
        item = build(
            {"class": described["class"], "options": described["options"]},
            holds=[tensor.shape for tensor in held.values()],
        )
    if not isinstance(item, nn.Module):
        raise ValueError(f"{described['class']} is no model")
    return item


def let_go(item: nn.Module) -> None:
    """Give back the memory of what a file's tensors will take the place of; shapes and types stay."""
    for part in item.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                empty = parameter.data.new_zeros(()).expand(parameter.shape)
                part._parameters[name] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None and name not in part._non_persistent_buffers_set:
                part._buffers[name] = buffer.new_zeros(()).expand(buffer.shape)


class _Drawing(TorchFunctionMode):
    """Inside, constructors draw from a generator of their own: the global one is the user's, in other threads too."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def __torch_function__(self, function: Any, types: Any, given: Any = (), options: Any = None) -> Any:
        options = dict(options or {})
        if getattr(function, "__name__", "") in DRAWING and options.get("generator") is None:
            options["generator"] = self.generator
        return function(*given, **options)


def from_file() -> bool:
    """Whether a constructor runs only to take the tensors of a file: what parameters start from is then not needed."""
    return _from_file.get()


@contextmanager
def _for_a_file() -> Iterator[None]:
    before = _from_file.set(True)
    try:
        yield
    finally:
        _from_file.reset(before)


def tied(item: nn.Module) -> list[list[str]]:
    """The names of each parameter that has several, in order."""
    names: dict[int, list[str]] = {}
    for name, parameter in item.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [several for several in names.values() if len(several) > 1]


def structure(item: nn.Module) -> list[tuple[object, ...]]:
    """Every part: its name, class, what it prints of itself (but no addresses), and its parts that are no modules."""
    found: list[tuple[object, ...]] = []
    for name, part in item.named_modules(remove_duplicate=False):
        said = re.sub(r" at 0x[0-9a-fA-F]+", "", part.extra_repr())
        others = {
            key: config(value)
            for key, value in vars(part).items()
            if not isinstance(value, nn.Module) and "_options" in getattr(value, "__dict__", ())
        }
        kind = type(part)  # by name: torch makes a class for each layer that it parametrizes
        found.append((name, kind.__module__, kind.__qualname__, said, others))
    return found
