"""What is asked of a student's ``RealNVP``, inside the process that runs it: numbers out, no verdicts.

Questions: ``state`` (the parameters of a new model), ``forward`` and ``inverse`` (with the weights that were handed
in), ``plane`` (a model of two dimensions with drawn weights) and ``chain`` (couplings of two dimensions one after
another).
"""

import types
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from .calling import Answer, Missing, find, tensors
from .messages import Call

WEIGHTS = "weights.safetensors"
SIZES: tuple[tuple[tuple[int, ...], dict[str, int]], ...] = (
    ((), {"height": 1, "width": 2}),
    ((2,), {}),
    ((), {"dimensions": 2}),
    ((), {"dim": 2}),
    ((), {"input_dim": 2}),
)


def answer(program: types.ModuleType, asked: Call) -> Answer:
    """The answer to a question; errors of the program come out as they are."""
    kind = _class(program)
    torch.manual_seed(0)
    if asked.question == "state":
        state = dict(kind().named_parameters())
        return Answer([value.detach().cpu().clone() for value in state.values()], list(state))
    if asked.question == "plane":
        return _called(_plane(kind), *asked.arguments)
    if asked.question == "chain":
        return Answer(list(_chain(program, *asked.arguments)), ["Tensor", "Tensor"])
    model = _trained(kind)
    (x,) = asked.arguments
    if asked.question == "inverse":
        values, kinds = tensors(_method(model, "inverse")(x))
        return Answer(values, kinds)
    return _called(model.to(x.dtype), x)


def _class(program: types.ModuleType) -> type[nn.Module]:
    found = getattr(program, "RealNVP", None)
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise Missing("RealNVP")
    return found


def _trained(kind: type[nn.Module]) -> nn.Module:
    model = kind()
    model.load_state_dict(load_file(Path.cwd() / WEIGHTS), strict=True)
    return model.eval()


@torch.no_grad()
def _called(model: nn.Module, x: Tensor) -> Answer:
    values, kinds = tensors(model(x))
    return Answer(values, kinds)


def _method(model: nn.Module, name: str) -> Any:
    found = getattr(model, name, None)
    if not callable(found):
        raise Missing(f"RealNVP.{name}")
    return torch.no_grad()(found)


def _plane(kind: type[nn.Module]) -> nn.Module:
    """A model of two dimensions, its weights drawn: as they begin, most models are the identity."""
    for positional, named in SIZES:
        try:
            model = kind(*positional, **named).eval()
            with torch.no_grad():
                z = tensors(model(torch.rand(3, 2)))[0][0]
        except Exception:  # it has other arguments
            continue
        if z.shape[:1] == (3,) and z.numel() == 6:
            generator = torch.Generator().manual_seed(1)
            for parameter in model.parameters():
                width = parameter.shape[1] if parameter.ndim > 1 else 4
                parameter.data += 0.5 * torch.randn(parameter.shape, generator=generator) * width**-0.5
            return model.double()
    raise Missing("RealNVP(height=1, width=2)")


@torch.no_grad()
def _chain(program: types.ModuleType, x: Tensor, *networks: Any) -> tuple[Tensor, Tensor]:
    forward = find(vars(program), "coupling_forward")
    log_det = torch.zeros(len(x), dtype=x.dtype)
    for number, network in enumerate(networks):
        mask = torch.tensor([1.0, 0.0] if number % 2 == 0 else [0.0, 1.0]).to(x)
        x, more = forward(x, mask, network)
        log_det = log_det + more
    return x, log_det
