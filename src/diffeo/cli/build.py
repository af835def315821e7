"""From words on the command line to a flow."""

import inspect
from typing import TYPE_CHECKING, Any

from diffeo.cli.names import FLOWS, check_options, flow_name

if TYPE_CHECKING:
    from diffeo.data import Dataset
    from diffeo.flow import Flow

FROM_DATA = ("self", "shape", "values", "classes", "condition_shape")


def defaults(name: str) -> dict[str, Any]:
    """The options of a flow that are not given by the data, with their defaults.

    Raises:
        ValueError: if the flow is unknown.

    Example:
        >>> defaults("glow")
        {'levels': None, 'steps': 8, 'width': 48, 'preprocessing': 'gaussianize'}
    """
    import diffeo

    recipe = getattr(diffeo, FLOWS[flow_name(name)])
    parameters = inspect.signature(recipe.__init__).parameters
    return {option: value.default for option, value in parameters.items() if option not in FROM_DATA}


def build_flow(name: str, data: "Dataset", options: dict[str, Any], *, conditional: bool) -> "Flow":
    """The flow called `name` for a data set, conditioned on its classes, or on the condition that its rows have.

    Raises:
        ValueError: if the name or an option is unknown, or an option does not fit.
    """
    import diffeo

    check_options(name, options)
    if conditional and data.classes is None:
        raise ValueError(f"{data.name} has no classes to condition on: leave --conditional out")
    recipe = getattr(diffeo, FLOWS[flow_name(name)])
    shape = data.shape if len(data.shape) > 1 else data.shape[0]
    kind = {"classes": data.classes} if conditional else {"condition_shape": data.condition_shape}
    flow: Flow = recipe(shape, values=data.values, **kind, **options)
    return flow
