"""From words on the command line to a flow."""

from typing import TYPE_CHECKING, Any

from diffeo.cli.flows import flow_name, flows

if TYPE_CHECKING:
    from diffeo.data import Dataset
    from diffeo.flow import Flow


def build_flow(name: str, data: "Dataset", options: dict[str, Any], *, conditional: bool) -> "Flow":
    """The flow called `name` for a data set, conditioned on its classes, or on the condition that its rows have.

    Raises:
        ValueError: if the name or an option is unknown, or an option does not fit.
    """
    import diffeo

    if conditional and data.classes is None:
        raise ValueError(f"{data.name} has no classes to condition on: leave --conditional out")
    recipe = getattr(diffeo, flows()[flow_name(name)])
    shape = data.shape if len(data.shape) > 1 else data.shape[0]
    kind = {"classes": data.classes} if conditional else {"condition_shape": data.condition_shape}
    flow: Flow = recipe(shape, values=data.values, **kind, **options)
    return flow
