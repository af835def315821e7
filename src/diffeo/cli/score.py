"""``diffeo score``: how likely rows are under a run, and which are unusual."""

from pathlib import Path

from diffeo.cli.parameters import Cores, Force, Model, WhichPart
from diffeo.cli.parse import Flag, Seed, Whole


def score(
    run: Model,
    data: str,
    /,
    *,
    part: WhichPart = "test",
    samples: Whole = 1,
    seed: Seed = 0,
    threshold: float | None = None,
    threads: Cores = None,
    json: Flag = False,
    out: Path | None = None,
    force: Force = False,
) -> None:
    """Score rows with a run, and say how they compare with rows that it has not seen.

    A row's quantile is the share of the validation and test rows of the run's own data that are as unlikely or more so.

    For example:
      diffeo score runs/realnvp-sales table:new.csv --threshold 0.01 --out scores.csv
      diffeo score runs/glow-mnist fashion-mnist

    Parameters
    ----------
    data
        table:PATH or folder:PATH, to score every row of it, or the name of a data set.
    samples
        Draws of noise for every row of integers.
    seed
        Of that noise.
    threshold
        Mark rows less likely than this share of held-out rows, as 0.01; the rate of false alarms is stated.
    json
        Print the summary as JSON; the rows themselves go into the file of --out.
    out
        A .csv or .parquet file: row, log_prob (nats, the table's units), bits_per_dim (integers), quantile, marked,
        reason. A row that cannot be scored has empty cells and the reason.
    """
    from diffeo.cli.files import check_free, write_table
    from diffeo.cli.output import print_json
    from diffeo.cli.results import note_unfinished, show_scores
    from diffeo.runs import read_run, score_rows
    from diffeo.system.threads import computing_with

    check_free(out, force=force)
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"cannot write {out.name}: use .csv or .parquet")
    opened = read_run(run)
    note_unfinished(opened)
    with computing_with(threads):
        scores = score_rows(opened, data, part=part, samples=samples, seed=seed, threshold=threshold)
    if out is not None:
        write_table(out, scores.table())
    if json:
        own = {"run": str(run), "data": data, "part": None if data.startswith(("table:", "folder:")) else part}
        print_json({**own, **scores.summary(threshold), "out": None if out is None else str(out)})
        return
    show_scores(scores, data, threshold)
    if out is not None:
        print(f"wrote {out}")
