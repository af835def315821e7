"""``diffeo evaluate``: what a run is worth on a whole part of a data set."""

from pathlib import Path
from typing import Literal

from diffeo.cli.parse import Flag


def evaluate(
    run: Path,
    data: str | None = None,
    /,
    *,
    part: Literal["train", "validation", "test"] = "test",
    samples: int = 1,
    seed: int = 0,
    json: Flag = False,
    out: Path | None = None,
) -> None:
    """Measure a run: likelihood with its standard error beside simple densities, and the round trip.

    For example:
      diffeo evaluate runs/glow-mnist --samples 16
      diffeo evaluate runs/realnvp-sales --part validation --json

    Parameters
    ----------
    run
        A run folder, or the name of a model that ships (diffeo models lists them).
    data
        The name of a data set; the run's own if not given.
    part
        Which part of it.
    samples
        Draws of noise for every row of integers: more give a tighter bound on bits per dimension.
    seed
        Of that noise.
    json
        Print JSON instead of a table.
    out
        A file to write the JSON to.
    """
    from diffeo.cli.files import refuse_existing
    from diffeo.cli.output import as_json, print_json
    from diffeo.cli.tables import note_unfinished, show_evaluation
    from diffeo.evaluation import evaluate as measure
    from diffeo.io import write_atomically
    from diffeo.runs import read_run

    if out is not None:
        refuse_existing(out)
    opened = read_run(run)
    note_unfinished(opened)
    found = measure(opened.load_flow(), opened.load_data(data), part=part, samples=samples, seed=seed)
    described = {"run": str(run), **found}
    if out is not None:
        write_atomically(out, (as_json(described) + "\n").encode())
    if json:
        print_json(described)
        return
    show_evaluation(found)
    if out is not None:
        print(f"wrote {out}")
