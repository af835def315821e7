"""The options of a training as the command line and its config file know them."""

from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from diffeo.cli.flows import flows
from diffeo.cli.names import DataName
from diffeo.cli.parse import (
    MaybeNames,
    MaybeNumber,
    MaybeSize,
    MaybeSwitch,
    MaybeTime,
    MaybeWhole,
    Number,
    Seed,
    Switch,
    Threads,
    Time,
    Whole,
)

if TYPE_CHECKING:
    FlowName = str
else:
    FlowName = Literal[tuple(flows())]

TRAINING = Group("Training", sort_key=1)
FOLDER = Group("Options of folder:PATH", sort_key=3)
OUT = (
    "The run folder; runs/FLOW-DATA, or the next that is free (runs/FLOW-DATA-2, ..), if not given. An existing one is "
    "never overwritten."
)
CONFIG = (
    "A YAML file with options, or the name of a recipe that comes with diffeo, such as glow-mnist; what is on the "
    "command line comes first. diffeo config writes one."
)
TABLE = Group("Options of table:PATH", help="Several columns: --columns a,b or --columns a --columns b.", sort_key=4)


@Parameter(name="*", group=TRAINING)
@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """What :func:`diffeo.fit` is told; where a field is None, the command chooses or does without."""

    epochs: MaybeWhole = None
    """Passes over the training rows; enough for 1,500 steps, at least 10, if not given."""
    batch_size: MaybeWhole = None
    """Rows of a batch; if not given, 64 of images, and of a table 64 to 1,024, by its number of rows."""
    accumulate: Whole = 1
    """Parts that a batch is computed in, one after the other: saves memory, changes nothing else."""
    lr: MaybeNumber = None
    """Largest learning rate; if not given 0.001, for batches of a table above 64 times the root of batch size / 64."""
    weight_decay: Number = 1e-5
    """Weight decay, of the networks' weights only."""
    warmup: MaybeWhole = None
    """Steps up to the largest learning rate; a twentieth of all, at most 500, if not given."""
    clip: Number = 1.0
    """Largest norm of the gradient."""
    ema: Number = 0.999
    """Decay of the average of the weights, which is what a run keeps."""
    patience: MaybeWhole = 20
    """Epochs without a better validation loss before training ends; none to never end early."""
    seed: Seed = 0
    """Of weights, order and noise."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """Of the networks while training: auto is bf16 for images where the processor has it, else float32."""
    threads: Threads = None
    """Threads to compute with; if not given, nor OMP_NUM_THREADS, as many as are fastest. It decides the last digit."""
    time_budget: MaybeTime = None
    """Train for this long: 90s, 10m, 1h30m; as many epochs as fit in, at most --epochs if that is given."""
    checkpoint_every: Time = 120.0
    """How often what is needed to resume is written."""
    tracker: Literal["tensorboard", "wandb"] | None = None
    """Report losses to TensorBoard or Weights & Biases as well; none if not given."""


@Parameter(name="*", group=FOLDER)
@dataclass(frozen=True, kw_only=True)
class FolderSettings:
    """The options of ``folder:PATH``."""

    size: MaybeWhole = None
    """Pixels of a side: images are cropped to a square and resized; needed where they differ in size."""
    channels: Literal[1, 3] | None = None
    """1: grey, 3: colour; as the images are if not given."""
    skip_broken: Switch = False
    """Leave out files that cannot be read; otherwise they are named in an error."""
    part_by: Literal["pixels", "name"] = "pixels"
    """What decides the part of an image; pixels: equal images stand in one; name: the file's name, as at first."""
    memory: MaybeWhole = None
    """GB that all images may take; 4 if not given; one image 25 million pixels for each of them."""


@Parameter(name="*", group=TABLE)
@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """The options of ``table:PATH``."""

    columns: MaybeNames = None
    """Use these columns only."""
    drop: MaybeNames = None
    """Use all columns but these."""
    missing: Literal["error", "drop"] = "error"
    """Rows with missing values: an error, or dropped."""
    missing_values: MaybeNames = None
    """Numbers that stand for a missing value: -9999, or COLUMN=VALUE; COLUMN=keep: none does."""
    dequantize: MaybeNames = None
    """Columns of values that repeat, which get noise to have a density; COLUMN=WIDTH: noise of this width."""
    split: str | None = None
    """time:COLUMN: the latest rows are the test part; by a hash of the rows if not given."""
    header: MaybeSwitch = None
    """Whether the first line names the columns; by comparison with the lines below if not given."""
    decimal: Literal[".", ","] | None = None
    """The decimal sign, where numbers such as 1.234 can be read both ways."""
    largest: MaybeSize = None
    """What the file may unpack to: 800MB, 8GB; 512MB, or 20 times the file if that is more, if not given."""


@Parameter(name="*")
@dataclass(frozen=True)
class Asked:
    """What ``diffeo train`` and ``diffeo config`` both take, besides the flow's own options."""

    flow: FlowName | str | None = None
    """The kind of flow; each has options of its own, shown by diffeo train FLOW --help."""
    data: DataName | str | None = None
    """A data set's name (diffeo data lists them), folder:PATH for your images, or table:PATH for your table."""
    _: KW_ONLY
    out: Annotated[Path | None, Parameter(help=OUT)] = None
    config: Annotated[Path | None, Parameter(help=CONFIG)] = None
    conditional: Switch = False
    """Condition on the data's classes."""
    condition: Literal["downscaled"] | None = None
    """Condition on what is made of each row; downscaled: the image, averaged to half its size."""
    device: str | None = None
    """cpu, cuda, ..; cpu if not given."""
    settings: TrainSettings = TrainSettings()
    folder: FolderSettings = FolderSettings()
    table: TableSettings = TableSettings()


NOTHING = Asked()


def check_condition(condition: str | None, *, conditional: bool) -> None:
    """Raise ValueError if two conditions are asked for."""
    if condition is not None and conditional:
        raise ValueError(f"--conditional is on classes, --condition {condition} on something else: give one of the two")


def data_options(data: str, folder: FolderSettings, table: TableSettings) -> dict[str, Any]:
    """The options that a data set is loaded with: those that differ from their defaults.

    Raises:
        ValueError: if an option is given that belongs to another kind of data.

    Example:
        >>> data_options("table:sales.csv", FolderSettings(), TableSettings(drop=["id"]))
        {'drop': ['id']}
    """
    chosen: dict[str, Any] = {}
    for prefix, settings in (("folder:", folder), ("table:", table)):
        defaults = asdict(type(settings)())
        given = {name: value for name, value in asdict(settings).items() if value != defaults[name]}
        if given and not data.startswith(prefix):
            wrong = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(
                f"{wrong}: for {prefix}PATH only, and the data is {data}. Leave it out, or give {prefix}PATH"
            )
        chosen |= given
    return chosen
