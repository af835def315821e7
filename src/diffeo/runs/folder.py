"""Reading a run folder, whether its training has ended, still runs, or was stopped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffeo import data, models
from diffeo.data import Dataset
from diffeo.data.grid import Grid
from diffeo.data.typed_names import without_advice
from diffeo.flow import Flow
from diffeo.runs.record_files import read_epochs, read_record
from diffeo.runs.records import RunRecord, SummaryRecord
from diffeo.saving import io
from diffeo.system.proposals import path_word
from diffeo.system.warning import warn
from diffeo.training.losses import read_losses
from diffeo.training.options import CHECKPOINTS, SAMPLES, STEPS_FILE
from diffeo.training.parts import fingerprint

FORMAT = 1
RUN_FILE, METRICS_FILE, SUMMARY_FILE = "run.json", "metrics.jsonl", "summary.json"
SAMPLES_FOLDER = SAMPLES
OF_RUN = "It says what the run was trained on, and how: put back a copy of it"
OF_SUMMARY = (
    "It says what the training reached. Without this file the run is read as one that has not ended; what it is worth "
    "is measured again by: diffeo evaluate {run}"
)


@dataclass(frozen=True)
class Run:
    """What a run folder says of itself. Files that are missing, or whose last line is being written, are no error.

    Attributes:
        folder: where it is.
        record: ``run.json``, written before the first step; of an older run, the same from ``summary.json``.
        summary: ``summary.json``; None before the training has ended.
        history: one record an epoch, from ``metrics.jsonl``.
    """

    folder: Path
    record: dict[str, Any]
    summary: dict[str, Any] | None
    history: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def data_name(self) -> str:
        """The name of the data set."""
        return str(self.record["data"]["name"])

    @property
    def data_options(self) -> dict[str, Any]:
        """What the data set was loaded with."""
        return data.recorded(self.data_name, self.record["data"].get("options") or {})

    @property
    def in_bits(self) -> bool:
        """Whether losses are bits a dimension; nats otherwise."""
        if self.summary is not None:
            return "test_bits_per_dim" in self.summary
        options = (self.record.get("flow") or {}).get("options") or {}
        return options.get("values") is not None or options.get("door") is not None

    @property
    def unit(self) -> str:
        """Of the losses."""
        return "bits/dim" if self.in_bits else "negative log-likelihood (nats)"

    def is_own(self, name: str | None) -> bool:
        """Whether it names the data that it was trained on, by whichever path."""
        return name is None or name == self.data_name or resolved(name) == resolved(self.data_name)

    def load_data(self, name: str | None = None) -> Dataset:
        """The data set that it was trained on; or another, which is read in the same way if it is a file as well.

        Raises:
            FileNotFoundError: if there are none.
            ValueError: if its own data is not what it was, or the other cannot be read in this way.
        """
        own = self.data_name
        if name is None or self.is_own(name):
            try:
                found = data.load(own, **self.data_options)
            except ValueError as error:  # it was loaded once: what is found now was not there then
                raise ValueError(
                    self._changed(f" ({without_advice(str(error)).splitlines()[0].rstrip(':')})")
                ) from error
            except FileNotFoundError as error:
                raise FileNotFoundError(f"{error} It was named by {self.folder / RUN_FILE}") from error
            if self.record["data"].get("rows") not in (None, fingerprints(found)):
                raise ValueError(self._changed())
            return found
        options = self.data_options
        if ":" not in own or name.partition(":")[0] != own.partition(":")[0]:
            options = {key: value for key, value in options.items() if key == "condition"}
        elif self.record.get("columns"):  # what was dropped need not be there
            options = {key: value for key, value in options.items() if key != "drop"}
            options["columns"] = list(self.record["columns"])
        try:
            return data.load(name, **options)
        except ValueError as error:  # its options are the run's own, and none can be given
            raise ValueError(without_advice(str(error))) from error

    def grids(self) -> dict[str, Grid]:
        """The values that its table's dequantized columns can have; of an older run, from its data.

        Raises:
            FileNotFoundError: if the run is older, and its data is not there.
        """
        if "grids" in self.record:
            return {name: Grid(**{**found, "listed": tuple(found["listed"])})
                    for name, found in self.record["grids"].items()}  # fmt: skip
        return dict(self.load_data().grids) if self.data_options.get("dequantize") else {}

    def _changed(self, found: str = "") -> str:
        return (
            f"{self.data_name} is not what it was when {self.folder} was trained{found}: other rows would be taken for "
            f"held out. Put it back as it was, or save what is new under another name and give that. (If it is as it "
            f"was, {self.folder / RUN_FILE} is damaged, which has the checksums of its rows)"
        )

    def load_flow(self) -> Flow:
        """The flow with its best weights so far.

        Raises:
            FileNotFoundError: if no epoch has ended yet.
        """
        if not (self.folder / io.CONFIG_FILE).is_file() and self.summary is None:
            raise FileNotFoundError(
                f"{self.folder} holds no model yet: no epoch of its training has ended. Look at it with: "
                f"diffeo watch {path_word(self.folder)}"
            )
        flow: Flow = io.load(self.folder)
        return flow

    def step_losses(self) -> list[float]:
        """The loss of every step, from ``steps.csv``, NaN where it cannot be read; empty without that file."""
        path = self.folder / STEPS_FILE
        found = read_losses(path)
        steps = 0 if self.summary is None or not path.is_file() else self.summary["steps"]
        gone = max(steps, found.steps[-1] + 1 if found.steps else 0) - len(found.steps)
        if found.wrong or gone:
            why = found.wrong or f"it ends before step {steps:,}"
            lost = f": the losses of {gone:,} steps are missing" if gone else ""
            warn(f"{path} is damaged ({why}){lost}. Only the curve of single steps lacks them")
        return found.column("loss")

    def sample_pictures(self) -> list[Path]:
        """The pictures of samples, one an epoch, oldest first."""
        return sorted((self.folder / SAMPLES_FOLDER).glob("*.png"))


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """A hash of each part's rows."""
    return {name: fingerprint(getattr(dataset, name)) for name in ("train", "validation", "test")}


def resolved(name: str) -> tuple[str, str]:
    """The kind of data that a name is of, and its path in full."""
    kind, colon, path = name.partition(":")
    return kind, str(Path(path).expanduser().resolve()) if colon else ""


def read_run(where: Path) -> Run:
    """A run, as it is now: its folder, or what else :func:`diffeo.load` opens, where that is a run as well.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if a file in it is damaged.
    """
    folder = models.find(where)
    asked, summary = read_asked(folder, where), read_summary(folder)
    return Run(folder, asked, summary, _history(folder / METRICS_FILE, 0 if summary is None else summary["steps"]))


def read_asked(folder: Path, where: Path | None = None) -> dict[str, Any]:
    """``run.json``: what was asked for; of an older run the same from ``summary.json``.

    Raises:
        FileNotFoundError: if there is neither; `where` is what the folder is called then.
        ValueError: naming the file, if it is damaged.
    """
    try:
        record = read_record(folder / RUN_FILE, RunRecord, meaning="")
        problem = "is missing"
    except ValueError as error:
        record, problem = None, str(error).removeprefix(f"{folder / RUN_FILE} ").removeprefix("is damaged: ")
        problem = f"is damaged ({problem.rstrip('. ')})"
    if record is None and (copy := _copy(folder)) is not None:
        warn(f"{folder / RUN_FILE} {problem}: its copy in {CHECKPOINTS} is taken")
        return copy
    if record is not None:
        if record.get("format", FORMAT) != FORMAT:
            raise ValueError(f"{folder / RUN_FILE}: format {record['format']} is not known here. Update diffeo")
        return record
    if problem != "is missing":
        instead = f", or remove it: what {SUMMARY_FILE} says of it is taken then" * (folder / SUMMARY_FILE).is_file()
        raise ValueError(f"{folder / RUN_FILE} {problem}. {OF_RUN}{instead}")
    summary = read_summary(folder)
    if summary is None:
        raise FileNotFoundError(
            f"{where or folder} is no run folder: {RUN_FILE} and {SUMMARY_FILE} are missing. A run is made by: "
            f"diffeo train realnvp digits --out runs/realnvp-digits"
        )
    return {  # before run.json there was no such file
        "data": {"name": summary["data"], "options": summary.get("data_options") or {}},
        **{key: summary[key] for key in ("settings", "seed", "command", "versions") if key in summary},
    }


def _copy(folder: Path) -> dict[str, Any] | None:
    """What was asked for, from the copy beside the checkpoints of a training that has not ended."""
    try:
        return read_record(folder / CHECKPOINTS / RUN_FILE, RunRecord, meaning="")
    except ValueError:
        return None


def read_summary(folder: Path) -> dict[str, Any] | None:
    """``summary.json``: what a training reached; None before it has ended.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    path, meaning = folder / SUMMARY_FILE, OF_SUMMARY.format(run=path_word(folder))
    summary = read_record(path, SummaryRecord, meaning=meaning)
    if summary is not None and not summary.keys() & {"test_bits_per_dim", "test_log_likelihood"}:
        raise ValueError(f"{path} is damaged: test_log_likelihood is missing. {meaning}")
    return summary


def _history(path: Path, steps: int) -> list[dict[str, Any]]:
    """The records of the epochs; what is damaged, or missing up to so many steps, is said."""
    found, wrong = read_epochs(path)
    if not wrong and path.is_file() and steps > (found[-1]["step"] if found else 0):
        wrong = [f"it ends before step {steps:,}"]
    if wrong:
        warn(f"{path} is damaged ({wrong[0].replace(' is damaged', '')}). Curves and tables lack what is not whole")
    return found
