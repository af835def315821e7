"""``diffeo evaluate``: what a run is worth on a whole part of a data set."""

from pathlib import Path

from diffeo.cli.parameters import Model, WhichPart
from diffeo.cli.parse import Flag, Seed, Whole


def evaluate(
    run: Model,
    data: str | None = None,
    /,
    *,
    part: WhichPart = "test",
    samples: Whole = 1,
    seed: Seed = 0,
    json: Flag = False,
    out: Path | None = None,
    neighbours: Path | None = None,
    force: Flag = False,
) -> None:
    """Measure a run: likelihood with its standard error beside simple densities, round trip, calibration.

    Of a file or folder that the run was not trained on every row is measured, beside densities of the run's own
    training rows. Images on the run's own data are also looked through for copies of training images.

    For example:
      diffeo evaluate runs/glow-mnist --samples 16
      diffeo evaluate runs/glow-mnist --neighbours pairs.png
      diffeo evaluate runs/realnvp-sales --part validation --json
      diffeo evaluate runs/realnvp-sales table:new.csv

    Parameters
    ----------
    data
        The name of a data set, or table:PATH or folder:PATH, read as the run's own data was; the run's own if not
        given.
    samples
        Draws of noise for every row of integers: more give a tighter bound on bits per dimension.
    seed
        Of that noise.
    json
        Print JSON instead of a table.
    out
        A file to write the JSON to.
    neighbours
        Of images: a PNG to write, of samples beside their nearest training images.
    force
        Write over files that are there.
    """
    from diffeo.cli.files import check_free
    from diffeo.cli.output import as_json, print_json
    from diffeo.cli.results import note_unfinished, show_evaluation, show_new
    from diffeo.evaluation import evaluate as measure
    from diffeo.evaluation import memorisation
    from diffeo.runs import read_run
    from diffeo.runs.new_rows import about_new, is_new, with_new_rows
    from diffeo.runs.samples import sample_pairs, shows_images
    from diffeo.system.writing import write_atomically

    check_free(out, neighbours, force=force)
    if neighbours is not None and neighbours.suffix.lower() != ".png":
        raise ValueError(f"a picture is a .png, got {neighbours}. Use --neighbours {neighbours.with_suffix('.png')}")
    opened = read_run(run)
    note_unfinished(opened)
    flow, new = opened.load_flow(), data if data is not None and is_new(opened, data) else None
    if new is not None and part != "test":
        raise ValueError(f"{new} has no parts: all of its rows are measured. Leave --part out")
    rows = opened.load_data(data) if new is None else with_new_rows(opened, flow, new)
    images = shows_images(flow) and rows.name == opened.data_name
    if neighbours is not None and not images:
        raise ValueError("--neighbours is for runs on images, and on the data they were trained on. Leave it out")
    found = measure(flow, rows, part=part, samples=samples, seed=seed)
    if images:
        copies = memorisation(flow, rows, seed=seed)
        found |= {"memorisation": copies.summary(), "memorisation_in_words": copies.lines()}
    if neighbours is not None:
        write_atomically(neighbours, sample_pairs(copies, rows))
    if new is not None:
        found |= about_new(rows)
    described = {"run": str(run), **found}
    if out is not None:
        write_atomically(out, (as_json(described) + "\n").encode())
    if json:
        print_json(described)
        return
    if new is not None:
        show_new(found, rows.notes)
    show_evaluation(found)
    for path in (out, neighbours):
        if path is not None:
            print(f"wrote {path}")
