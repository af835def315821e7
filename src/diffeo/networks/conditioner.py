"""What a layer needs of the network that tells it what to do, and how it is asked."""

import inspect
from typing import cast

from torch import Tensor, nn

ROLE = "a network (torch.nn.Module) that is called as network(a, condition), or as network(a)"


def takes_condition(network: object, where: str, *, inputs: int, outputs: int) -> bool:
    """Whether a network is called with the condition: one of `a` alone, such as ``nn.Linear``, is not.

    Raises:
        TypeError: if it is no network.
        ValueError: if it says of itself that it takes other than `inputs` channels, or returns other than `outputs`.
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"{where} must be {ROLE}, got {_told(network)}")
    if getattr(network.forward, "__func__", None) is nn.Module.forward:
        raise TypeError(
            f"{where} must be {ROLE}, got a {type(network).__name__}, which has no forward. Use torch.nn.Sequential"
        )
    for verb, wanted, found in (("takes", inputs, inputs_of(network)), ("returns", outputs, outputs_of(network))):
        if found is not None and found != wanted:
            raise ValueError(
                f"{where} {verb} {found} channels, and must {verb.removesuffix('s')} {wanted}: "
                f"build it for {inputs} channels in and {outputs} out"
            )
    alone = _takes_one(network)
    if alone and getattr(network, "condition_shape", None) is not None:
        raise ValueError(f"{where} has a condition_shape, but its forward takes no condition. Add condition=None to it")
    return not alone


def ask(
    network: nn.Module, with_condition: bool, a: Tensor, condition: Tensor | None, outputs: int, who: str
) -> Tensor:
    """What a network says of `a`: `outputs` channels for every row and place, in float32 or wider.

    Raises:
        TypeError: if it returns no tensor.
        ValueError: if it returns one of another shape; `who` asks.
    """
    parameters = network(a, condition) if with_condition else network(a)
    if not isinstance(parameters, Tensor):
        raise TypeError(f"{who}: {type(network).__name__} must return a tensor, got {_told(parameters)}")
    wanted = (a.shape[0], outputs, *a.shape[2:])
    if parameters.shape != wanted:
        channels = f"{parameters.shape[1]} channels" if parameters.dim() > 1 else "no channels"
        raise ValueError(
            f"{who}: {type(network).__name__} returned {channels} in shape {tuple(parameters.shape)}, "
            f"not {outputs} in shape {wanted}"
        )
    return parameters.float() if parameters.dtype.itemsize < 4 else parameters  # of autocast: log_det stays float32


def inputs_of(network: nn.Module) -> int | None:
    """The channels that a network of diffeo's or of torch's own layers takes; None where it does not say."""
    return _size(network, 0, "inputs", "in_features", "in_channels")


def outputs_of(network: nn.Module) -> int | None:
    """The channels that it returns."""
    return _size(network, -1, "outputs", "out_features", "out_channels")


def _size(network: nn.Module, end: int, ours: str, *names: str) -> int | None:
    if type(network) is nn.Sequential:
        return _size(network[end], end, ours, *names) if len(network) else None
    if type(network).__module__.startswith("diffeo."):
        names = (ours,)
    elif type(network) not in (nn.Linear, nn.Conv1d, nn.Conv2d):
        return None
    return cast("int | None", next((getattr(network, name) for name in names if hasattr(network, name)), None))


def _takes_one(network: nn.Module) -> bool:
    network = getattr(network, "_orig_mod", network)  # of torch.compile
    try:
        parameters = inspect.signature(network.forward).parameters.values()
    except (TypeError, ValueError):  # scripted: it does not say
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return False
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) == 1


def _told(thing: object) -> str:
    """What was given instead, and what to do."""
    if isinstance(thing, type):
        return f"the class {thing.__name__}. Build it: {thing.__name__}(..)"
    if callable(thing):
        return (
            f"a {type(thing).__name__}. Write it as the forward of a class of your own: "
            "class Net(torch.nn.Module): def forward(self, a, condition=None): .."
        )
    return f"a {type(thing).__name__}"
