"""``diffeo config``: a training's options as a file."""

from dataclasses import asdict, replace
from typing import Any

from cyclopts import App, CycloptsError

from diffeo.cli import recipe
from diffeo.cli.flows import flow_name
from diffeo.cli.flows import options as flow_options
from diffeo.cli.model import chosen, options_of, with_options
from diffeo.cli.names import check_data_name
from diffeo.cli.parse import written
from diffeo.cli.settings import NOTHING, Asked, TrainSettings, check_condition, data_options
from diffeo.training_defaults import decide


def config(asked: Asked = NOTHING, *, model: Any = None) -> None:
    """Print every option of a training with its value, as YAML that diffeo train --config runs.

    It takes the options of diffeo train. Nothing is trained; a table is read, if it can be, to count its rows.

    For example:
      diffeo config glow mnist --model.steps 4 > recipe.yaml
      diffeo train --config recipe.yaml
      diffeo config --config recipe.yaml --epochs 3
    """
    from diffeo import __version__
    from diffeo.cli.output import plain_letters

    if asked.flow is None or asked.data is None:
        raise CycloptsError(msg="config needs FLOW and DATA, for example: diffeo config realnvp moons")
    name, data = flow_name(asked.flow), asked.data
    check_data_name(data)
    check_condition(asked.condition, conditional=asked.conditional)
    own = data_options(data, asked.folder, asked.table)
    values: dict[str, Any] = {
        "flow": name,
        "data": data,
        "out": None if asked.out is None else str(asked.out),
        "conditional": asked.conditional,
        "condition": asked.condition,
        "device": asked.device or "cpu",
        **_written(_resolved(asked.settings, data, own)),
    }
    for prefix, options in (("folder:", asked.folder), ("table:", asked.table)):
        if data.startswith(prefix):
            values |= _written(options)
    given = chosen(name, model)
    values["model"] = {option.word: given.get(option.name, option.default) for option in flow_options(name)}
    arguments = App(default_command=with_options(config, options_of(name))).assemble_argument_collection(
        parse_docstring=True
    )
    notes = {
        argument.name.removeprefix("--"): " ".join((argument.parameter.help or "").split()).split(". ")[0].rstrip(".")
        for argument in arguments
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
