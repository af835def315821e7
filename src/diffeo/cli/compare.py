"""``diffeo compare``: several runs on the same data, side by side."""

from pathlib import Path

from diffeo.cli.parameters import Force
from diffeo.cli.parse import Flag


def compare(
    *runs: Path,
    out: Path | None = None,
    force: Force = False,
    json: Flag = False,
) -> None:
    """Compare runs on the same data: test figures, their paired differences, cost, and a picture of their curves.

    With the curve of a recipe in place of the second run: how validation went, beside what to expect.

    For example:
      diffeo compare runs/realnvp-digits runs/glow-digits --out curves.png
      diffeo compare runs/glow-mnist recipes/curves/glow-mnist.csv

    Parameters
    ----------
    runs
        Two run folders, or names of models that ship, or more; differences are from the first.
        Or one, and a recipe's curve (.csv).
    out
        A .png to draw the validation curves to, over seconds and over epochs.
    json
        Print JSON instead of a table.
    """
    from diffeo.cli.files import check_free
    from diffeo.cli.output import print_json
    from diffeo.cli.results import show_comparison, show_curve
    from diffeo.runs import compare_runs, compare_with_curve, read_run, write_comparison_picture

    if len(runs) == 2 and runs[1].suffix == ".csv" and out is None:
        run = read_run(runs[0])
        beside = compare_with_curve(run, runs[1])
        if json:
            print_json(beside)
        else:
            show_curve(beside, run.unit)
        return
    check_free(out, force=force)
    if out is not None and out.suffix.lower() != ".png":
        raise ValueError(f"cannot write {out.name}: use .png")
    opened = [read_run(run) for run in runs]
    found = [record | {"run": str(run)} for record, run in zip(compare_runs(opened), runs, strict=True)]
    if out is not None:
        write_comparison_picture(opened, out)
    if json:
        print_json(found)
        return
    show_comparison(found)
    if out is not None:
        print(f"wrote {out}")
