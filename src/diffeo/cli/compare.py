"""``diffeo compare``: several runs on the same data, side by side."""

from pathlib import Path

from diffeo.cli.parse import Flag


def compare(
    *runs: Path,
    out: Path | None = None,
    json: Flag = False,
) -> None:
    """Compare runs on the same data: test figures, their paired differences, cost, and a picture of their curves.

    For example:
      diffeo compare runs/realnvp-digits runs/glow-digits --out curves.png

    Parameters
    ----------
    runs
        Two run folders or more. Differences are from the first.
    out
        A .png to draw the validation curves to, over seconds and over epochs.
    json
        Print JSON instead of a table.
    """
    from diffeo.cli.files import refuse_existing
    from diffeo.cli.output import print_json
    from diffeo.cli.tables import show_comparison
    from diffeo.runs import compare_runs, read_run, write_comparison_picture

    if out is not None:
        refuse_existing(out)
        if out.suffix.lower() != ".png":
            raise ValueError(f"cannot write {out.name}: use .png")
    opened = [read_run(run) for run in runs]
    found = compare_runs(opened)
    if out is not None:
        write_comparison_picture(opened, out)
    if json:
        print_json(found)
        return
    show_comparison(found)
    if out is not None:
        print(f"wrote {out}")
