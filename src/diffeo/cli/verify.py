"""``diffeo verify``: whether a trained flow is exact."""

from pathlib import Path
from typing import TYPE_CHECKING

from diffeo import models
from diffeo.cli.names import check_data_name
from diffeo.cli.output import in_words
from diffeo.cli.parameters import PartName
from diffeo.cli.parse import Flag, Seed, Whole
from diffeo.system.proposals import path_word

if TYPE_CHECKING:
    from diffeo.data import Part
    from diffeo.evaluation.verification import Report
    from diffeo.flow import Flow
    from diffeo.runs import Run


class NotVerified(Exception):
    """A flow that could not be verified at all, which is no verdict on it."""


def verify(
    run: Path,
    data: str | None = None,
    /,
    *,
    rows: Whole = 256,
    part: PartName = "test",
    seed: Seed = 0,
    exact_up_to: Whole = 1024,
    json: Flag = False,
) -> None:
    """Check every layer of a run: round trip, log-determinant, conditioning, precision.

    Exit status: 0 exact; 1 another verdict; 2 no verdict: no such run or data.

    For example:
      diffeo verify runs/glow-mnist
      diffeo verify runs/realnvp-sales --rows 1000 --json

    Parameters
    ----------
    run
        A run folder, a folder that a flow was saved to, or the name of a model that ships (diffeo models lists them).
    data
        A data set's name, or folder:PATH or table:PATH, read as the run's own data was; what the run was trained on, if
        not given.
    rows
        How many rows of data, and how many samples, to try.
    part
        Which part of a data set; of a new file or folder all rows count.
    seed
        Of the choice of rows and the samples.
    exact_up_to
        Dimensions up to which whole Jacobians are computed; beyond, log-determinants are compared with estimates.
    json
        Print all figures as JSON, not as a table.
    """
    import sys

    try:
        models.find(run)
        if data is not None:
            check_data_name(str(data))
        report = _verified(run, data, rows, part, seed, exact_up_to)
    except OSError as error:
        raise NotVerified(in_words(error)) from error
    except (ValueError, TypeError, RuntimeError, ImportError, MemoryError) as error:
        raise NotVerified(str(error)) from error
    print(report.to_json() if json else report)
    sys.exit(0 if report.ok else 1)


def _verified(run: Path, data: str | None, rows: int, part: PartName, seed: int, exact_up_to: int) -> "Report":
    import diffeo
    from diffeo.evaluation import condition_for
    from diffeo.runs import read_run
    from diffeo.runs.folder import RUN_FILE, SUMMARY_FILE

    place = diffeo.models.find(run)
    flow = diffeo.load(place)
    of_training = (place / RUN_FILE).is_file() or (place / SUMMARY_FILE).is_file()
    x = labels = None
    if data is not None or of_training:
        chosen = _rows(read_run(place) if of_training else None, flow, data, part)
        shape = tuple(chosen.x.shape[1:])
        if shape != flow.shape:
            raise ValueError(f"{run} is of rows of shape {flow.shape}, {data or 'its data'} has {shape}")
        x, labels = chosen.x, condition_for(flow, chosen)
        x = x.to(flow.dtype) if x.is_floating_point() else x  # a flow in float64 is verified in float64
    elif flow.conditional and getattr(flow.embedding, "classes", None) is None:
        raise ValueError(
            f"{run} is conditioned on rows of numbers. Give the data they come with: "
            f"diffeo verify {path_word(run)} DATA"
        )
    return diffeo.verify(flow, x, labels, rows=rows, exact_up_to=exact_up_to, seed=seed)


def _rows(run: "Run | None", flow: "Flow", data: str | None, part: PartName) -> "Part":
    """The rows to try: a part of a data set, or all that a file or folder has numbers of."""
    import sys

    import diffeo
    from diffeo.runs.new_rows import counted, is_file, is_new, read_rows

    if data is None or not (is_file(data) if run is None else is_new(run, data)):
        dataset = diffeo.data.load(str(data)) if run is None else run.load_data(data)
        rows: Part = getattr(dataset, part)
        return rows
    if part != "test":
        raise ValueError(f"{data} has no parts: all of its rows count. Leave --part out")
    rows = read_rows(run, flow, data)
    notes = [f"{len(rows.unread):,} rows were left out: {', '.join(counted(rows))}"] if rows.unread else []
    for note in (*rows.notes, *notes):
        print(f"note: {note}", file=sys.stderr)
    if not len(rows):
        raise ValueError(f"{data}: of no row there is a value in each column: {', '.join(counted(rows))}")
    return rows
