"""Reading a run folder, whether its training has ended, still runs, or was stopped."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffeo import data, io, models
from diffeo.data import Dataset
from diffeo.data.names import without_advice
from diffeo.data.tables.grid import Grid
from diffeo.flow import Flow
from diffeo.proposals import path_word
from diffeo.training.parts import fingerprint

RUN_FILE, METRICS_FILE, STEPS_FILE, SUMMARY_FILE = "run.json", "metrics.jsonl", "steps.csv", "summary.json"
SAMPLES_FOLDER = "samples"


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
        return name is None or name == self.data_name or _resolved(name) == _resolved(self.data_name)

    def load_data(self, name: str | None = None) -> Dataset:
        """The data set that it was trained on; or another, which is read in the same way if it is a file as well.

        Raises:
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
            f"held out. Put it back as it was, or save what is new under another name and give that"
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
        """The loss of every step, from ``steps.csv``; empty without that file."""
        return [float(row["loss"]) for row in self.steps()]

    def steps(self) -> Iterator[dict[str, str]]:
        """The whole lines of ``steps.csv``."""
        try:
            text = (self.folder / STEPS_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        for row in csv.DictReader(text[: text.rfind("\n") + 1].splitlines()):
            if None not in row.values():
                yield row

    def sample_pictures(self) -> list[Path]:
        """The pictures of samples, one an epoch, oldest first."""
        return sorted((self.folder / SAMPLES_FOLDER).glob("*.png"))


def fingerprints(dataset: Dataset) -> dict[str, str]:
    """A hash of each part's rows."""
    return {name: fingerprint(getattr(dataset, name)) for name in ("train", "validation", "test")}


def _resolved(name: str) -> tuple[str, str]:
    kind, colon, path = name.partition(":")
    return kind, str(Path(path).expanduser().resolve()) if colon else ""


def read_run(where: Path) -> Run:
    """A run, as it is now: its folder, or what else :func:`diffeo.load` opens, where that is a run as well.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if a file in it is damaged.
    """
    folder = models.find(where)
    record, summary = _json(folder / RUN_FILE), _json(folder / SUMMARY_FILE)
    if record is None and summary is not None:  # before run.json there was no such file
        record = {
            "data": {"name": summary.get("data"), "options": summary.get("data_options") or {}},
            **{key: summary[key] for key in ("settings", "seed", "command", "versions") if key in summary},
        }
    if record is None:
        raise FileNotFoundError(
            f"{where} is no run folder: {RUN_FILE} and {SUMMARY_FILE} are missing. A run is made by: "
            f"diffeo train realnvp digits --out runs/realnvp-digits"
        )
    if not isinstance(record.get("data"), dict) or not record["data"].get("name"):
        raise ValueError(
            f"{folder / RUN_FILE} is of another program, or damaged: it names no data set that diffeo read"
        )
    return Run(folder, record, summary, _lines(folder / METRICS_FILE))


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    records = []
    for line in text[: text.rfind("\n") + 1].splitlines():
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    return records
