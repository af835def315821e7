"""``diffeo config``: a training's options as a file."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from cyclopts import CycloptsError

from diffeo.cli.names import DataName, FlowName, check_data_name, check_options, flow_name
from diffeo.cli.parse import Switch, written
from diffeo.cli.settings import (
    FolderSettings,
    ModelSettings,
    TableSettings,
    TrainSettings,
    check_condition,
    data_options,
)
from diffeo.training_defaults import decide


def config(
    flow: FlowName | str | None = None,
    data: DataName | str | None = None,
    *,
    out: Path | None = None,
    config: Path | None = None,
    conditional: Switch = False,
    condition: Literal["downscaled"] | None = None,
    device: str | None = None,
    settings: TrainSettings | None = None,
    model: ModelSettings | None = None,
    folder: FolderSettings | None = None,
    table: TableSettings | None = None,
) -> None:
    """Print every option of a training with its value, as YAML that diffeo train --config runs.

    It takes the options of diffeo train. Nothing is trained; a table is read, if it can be, to count its rows.

    For example:
      diffeo config glow mnist --model.steps 4 > recipe.yaml
      diffeo train --config recipe.yaml
      diffeo config --config recipe.yaml --epochs 3

    Parameters
    ----------
    flow
        The kind of flow.
    data
        A data set's name (diffeo data lists them), folder:PATH for your images, or table:PATH for your table.
    out
        The run folder; runs/FLOW-DATA, or the next that is free, if not given.
    config
        A YAML file, or the name of a recipe, to start from; what is on the command line comes first.
    conditional
        Condition on the data's classes.
    condition
        Condition on what is made of each row; downscaled: the image, averaged to half its size.
    device
        cpu, cuda, ..; cpu if not given.
    settings
        How it is trained.
    model
        The flow's options.
    folder
        The options of images in a folder.
    table
        The options of a table.
    """
    from diffeo import __version__
    from diffeo.cli import recipe
    from diffeo.cli.app import app
    from diffeo.cli.build import defaults
    from diffeo.cli.output import plain_letters

    if flow is None or data is None:
        raise CycloptsError(msg="config needs FLOW and DATA, for example: diffeo config realnvp moons")
    name, chosen = flow_name(flow), (model or ModelSettings()).chosen()
    check_data_name(data)
    check_options(name, chosen)
    check_condition(condition, conditional=conditional)
    folder, table = folder or FolderSettings(), table or TableSettings()
    own = data_options(data, folder, table)
    values: dict[str, Any] = {
        "flow": name,
        "data": data,
        "out": None if out is None else str(out),
        "conditional": conditional,
        "condition": condition,
        "device": device or "cpu",
        **_written(_resolved(settings or TrainSettings(), data, own)),
    }
    for prefix, options in (("folder:", folder), ("table:", table)):
        if data.startswith(prefix):
            values |= _written(options)
    values["model"] = {**defaults(name), **chosen}
    notes = {
        argument.name.removeprefix("--"): " ".join((argument.parameter.help or "").split()).split(". ")[0].rstrip(".")
        for argument in app["train"].assemble_argument_collection(parse_docstring=True)
    }
    print(f"# diffeo {__version__}: diffeo train --config FILE runs this")
    print(recipe.write(values, notes, ascii_only=plain_letters()), end="")


def _resolved(settings: TrainSettings, data: str, options: dict[str, Any]) -> TrainSettings:
    """With the batch size and the learning rate that the training will have, unless the data cannot be read yet."""
    import diffeo

    shape: tuple[int, ...] = (1,)
    rows = 0  # of a table whose batch is given the rows decide nothing
    if data in diffeo.data.SOURCES:
        shape, rows = diffeo.data.SOURCES[data].shape, diffeo.data.SOURCES[data].rows[0]
    elif data.startswith("folder:"):
        shape = (3, 1, 1)  # whatever their size
    elif settings.batch_size is None:
        try:
            rows = len(diffeo.data.load(data, **options).train)
        except (ValueError, OSError):  # the file or options are not there yet: diffeo train will say so
            return settings
    found = decide(shape, rows, batch_size=settings.batch_size, lr=settings.lr)
    return replace(settings, batch_size=found.batch_size, lr=found.lr)


def _written(settings: Any) -> dict[str, Any]:
    """Settings by the options' names, times as people write them."""
    times = ("time_budget", "checkpoint_every")
    return {
        name.replace("_", "-"): written(value) if name in times and value is not None else value
        for name, value in asdict(settings).items()
    }
