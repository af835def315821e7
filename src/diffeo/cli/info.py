"""``diffeo info``: what a run folder holds."""

from diffeo.cli.parameters import Model
from diffeo.cli.parse import Flag
from diffeo.system.proposals import path_word


def info(run: Model, /, *, json: Flag = False) -> None:
    """Show a run's flow, its shape plan, and what it reached.

    For example:
      diffeo info runs/glow-mnist

    Parameters
    ----------
    json
        Print what was asked for, what was reached (null while it trains) and the last epoch's record as JSON.
    """
    from diffeo.cli.output import print_json
    from diffeo.cli.results import show_summary
    from diffeo.runs import read_run

    opened = read_run(run)
    last = opened.history[-1] if opened.history else {}
    if json:
        print_json({"run": str(run), "asked": opened.record, "reached": opened.summary, "last": last or None})
        return
    print(opened.load_flow())
    if opened.summary is not None:
        show_summary(opened.summary)
        print(
            f"{opened.summary['steps']:,} steps, {opened.summary['seconds']:.0f} s, seed {opened.summary['seed']}: "
            f"{opened.summary['command']}"
        )
        return
    print(
        f"no {opened.folder / 'summary.json'}: the training has not ended, or was stopped. It wrote last after "
        f"{last.get('step', 0):,} steps (epoch {last.get('epoch', 0):g}); the flow has its best weights up to then.\n"
        f"look at it with: diffeo watch {path_word(run)}\n"
        f"go on with:      diffeo train --resume {path_word(run)}"
    )
