"""Rows of a file or folder that a run was not trained on, read as its own data was."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diffeo import data
from diffeo.data import OWN, Dataset, Part
from diffeo.data.typed_names import without_advice
from diffeo.evaluation.part import check_fit
from diffeo.flow import Flow
from diffeo.runs.folder import Run

OF_THE_SPLIT = ("split", "drop", "part_by")  # options that do not concern new rows: a table's columns are given


def is_file(name: str | None) -> bool:
    """Whether it names a file or folder of the user's, which has no parts by itself."""
    return name is not None and name.partition(":")[0] in OWN and ":" in name


def is_new(run: Run, name: str | None) -> bool:
    """Whether it names a file or folder other than the run's own."""
    return is_file(name) and not run.is_own(name)


def read_rows(run: Run | None, flow: Flow, name: str) -> Part:
    """Every row of a file or folder: with the run's columns and cells, or its images' size, colours and classes.

    What gives no numbers, such as a row with a hole or a file that is no image, is :attr:`~diffeo.data.Part.unread`.
    Without a run, of a flow alone, all columns of a table count.

    Raises:
        ValueError: if a column that the run uses is not there, or the rows do not fit the flow.
        FileNotFoundError: if there is no such file or folder.
    """
    kind = name.partition(":")[0]
    if kind == "folder" and len(flow.shape) != 3:
        raise ValueError(f"the flow is of rows of shape {flow.shape}, and {name} is a folder of images")
    own = {} if run is None else run.data_options
    options: dict[str, Any] = {"condition": own.get("condition")}
    if run is not None and kind == run.data_name.partition(":")[0]:
        options = {key: value for key, value in own.items() if key not in OF_THE_SPLIT}
        if kind == "table":
            options["columns"] = run.record.get("columns") or run.load_data().columns
    if kind == "table":
        options["missing"] = "drop"
    else:
        classes = getattr(flow.embedding, "classes", None)
        names = (run and run.record.get("class_names")) or [str(number) for number in range(classes or 0)]
        options |= {"skip_broken": True, "class_names": names if classes else None}
        options["shape"] = flow.shape
    try:
        part = data.read(name, **{key: value for key, value in options.items() if value is not None})
    except ValueError as error:  # its options are the run's own, and none can be given
        raise ValueError(without_advice(str(error))) from error
    check_fit(flow, name, tuple(part.x.shape[1:]), OWN[kind].values)
    return part


def with_new_rows(run: Run, flow: Flow, name: str) -> Dataset:
    """The run's own data, with all rows of a file or folder in place of its test rows.

    Raises:
        ValueError: as for :func:`read_rows`; also if the run's own columns were divided by something beforehand.
    """
    own = run.load_data()
    check_units(run, own, name)
    rows = read_rows(run, flow, name)
    if not len(rows):
        raise ValueError(f"{name}: of no row there is a value in each column: {', '.join(counted(rows))}")
    return replace(own, name=name, test=rows, source=Path(name).name, notes=rows.notes)


def check_units(run: Run, own: Dataset, name: str) -> None:
    """Refuse rows for a run whose own columns were divided by something that a file cannot tell."""
    if own.scale is not None:
        raise ValueError(
            f"the columns of {own.name} were divided beforehand, and {name} would have to be in the same way. "
            f"Give {own.name} itself, in place of {name}"
        )


def about_new(dataset: Dataset) -> dict[str, Any]:
    """What figures of :func:`with_new_rows` have to be read with, for JSON.

    Returns:
        ``part`` (``"all"``), ``left_out`` rows without numbers and their ``reasons``, and ``also_trained_on``: how many
        rows are training rows of the run.
    """
    reasons = counted(dataset.test)
    trained = equal_rows(dataset.test, dataset.train)
    return {"part": "all", "left_out": len(dataset.test.unread), "reasons": reasons, "also_trained_on": trained}


def counted(rows: Part) -> dict[str, int]:
    """How many rows are unread, by the kind of the reason, the most frequent first."""
    return dict(Counter(kind for row in rows.unread for kind in row.kinds).most_common())


def equal_rows(part: Part, other: Part) -> int:
    """How many rows of a part are also in the other, bit by bit."""
    there = {row.tobytes() for row in np.ascontiguousarray(other.x.numpy())}
    return sum(row.tobytes() in there for row in np.ascontiguousarray(part.x.numpy()))
