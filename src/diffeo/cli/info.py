"""``diffeo info``: what a run folder holds."""

from pathlib import Path


def info(run: Path, /) -> None:
    """Show a run's flow, its shape plan, and what it reached.

    Parameters
    ----------
    run
        The run folder.
    """
    import json

    import diffeo
    from diffeo.cli.tables import show_summary

    flow = diffeo.load(run)
    print(flow)
    path = run / "summary.json"
    if path.is_file():
        summary = json.loads(path.read_text(encoding="utf-8"))
        show_summary(summary)
        print(f"{summary['steps']:,} steps, {summary['seconds']:.0f} s, seed {summary['seed']}: {summary['command']}")
    else:
        print("no summary.json: the training did not end, or this is no run of diffeo train")
