"""``diffeo train``: a flow, a data set, a run folder."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def train(
    flow: str,
    data: str,
    /,
    *,
    out: Path | None = None,
    epochs: int | None = None,
    batch_size: int = 64,
    lr: float = 1e-3,
    patience: int | None = 20,
    seed: int = 0,
    conditional: Annotated[bool, Parameter(negative="")] = False,
    device: str = "cpu",
    quiet: Annotated[bool, Parameter(negative="")] = False,
    model: dict[str, str] | None = None,
) -> None:
    """Train a flow on a data set and write a run folder.

    Parameters
    ----------
    flow
        realnvp, glow or nice.
    data
        digits, mnist, fashion-mnist (in $DIFFEO_DATA), or a toy: moons, circles, pinwheel, checkerboard,
        8gaussians, rings, spirals.
    out
        The run folder; runs/FLOW-DATA, or the next that is free (runs/FLOW-DATA-2, ..), if not given. An
        existing one is never overwritten.
    epochs
        Passes over the training rows; enough for 1,500 steps and at least 10 if not given.
    batch_size
        Rows a step.
    lr
        Largest learning rate.
    patience
        Epochs without a better validation loss before training ends; none to never end early.
    seed
        Of weights, order and noise.
    conditional
        Condition on the data set's classes.
    device
        cpu, cuda, ..
    quiet
        Show no progress.
    model
        Options of the flow, for example --model.width 64 or --model.levels 2.
    """
    import torch

    import diffeo
    from diffeo.cli.build import build_flow
    from diffeo.cli.tables import show_summary
    from diffeo.runs.train import free_folder, train_run

    dataset = diffeo.data.load(data)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"there is no device {device!r} here: {error}") from error
    torch.manual_seed(seed)
    built = build_flow(flow, dataset, model or {}, conditional=conditional).to(device)
    folder = out or free_folder(Path("runs") / f"{flow.lower()}-{data}")
    per_epoch = max(1, len(dataset.train) // max(1, batch_size))
    if not quiet:
        print(built)
    summary = train_run(
        built,
        dataset,
        folder,
        seed=seed,
        command="diffeo " + shlex.join(sys.argv[1:]),
        say=lambda text: None if quiet else print(text, file=sys.stderr),
        epochs=epochs if epochs is not None else max(10, -(-1500 // per_epoch)),
        batch_size=batch_size,
        lr=lr,
        patience=patience,
        progress=not quiet,
    )
    show_summary(summary)
    print(f"wrote {folder}")
