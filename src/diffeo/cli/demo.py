"""``diffeo demo``: the main job on embedded data."""

import sys
from pathlib import Path

from diffeo.cli.parse import Flag, Seed


def demo(*, out: Path | None = None, seed: Seed = 0, json: Flag = False) -> None:
    """Train RealNVP on the embedded digits, check that it is exact, draw it, write a report.

    For example:
      diffeo demo
      diffeo info runs/demo

    Parameters
    ----------
    out
        The run folder; runs/demo, or the next that is free, if not given.
    seed
        Of weights, order and noise.
    json
        Print the summary as JSON.
    """
    import torch

    import diffeo
    from diffeo.cli.output import print_json
    from diffeo.cli.results import show_summary
    from diffeo.cli.signals import ending_by_signal, saying_how_to_go_on
    from diffeo.runs.train import free_folder, train_run

    data = diffeo.data.load("digits")
    torch.manual_seed(seed)
    flow = diffeo.RealNVP(data.shape, values=data.values, width=32, blocks=2, dropout=0.2)
    folder = out or free_folder(Path("runs") / "demo")
    if not json:
        print(flow)
    with ending_by_signal(), saying_how_to_go_on():
        summary = train_run(
            flow,
            data,
            folder,
            seed=seed,
            command="diffeo demo",
            say=lambda text: print(text, file=sys.stderr),
            epochs=50,
            batch_size=64,
            lr=2e-3,
            precision="float32",
        )
    if json:
        print_json({"run": str(folder), **summary})
    else:
        show_summary(summary)
        print(f"wrote {folder}: open report.html in a browser")
