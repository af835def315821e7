"""``diffeo edit neighbours``: the training images nearest to samples."""

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import AnyData, Count
from diffeo.cli.parse import Seed, Whole


@draws("neighbours.png", part="test", data=AnyData, json="the measurement")
def neighbours(run: EditedRun, *, n: Count = 200, shown: Whole = 8, nearest: Whole = 6, seed: Seed = 0) -> Drawn:
    """Draw samples, each beside the training images nearest to it.

    Are samples copies? What is printed is part of diffeo evaluate as well, and said in docs/cli.md.

    For example:
      diffeo edit neighbours runs/glow-mnist
      diffeo edit neighbours runs/glow-mnist -n 2000

    Parameters
    ----------
    n
        How many samples are measured.
    shown
        How many of the samples are in the picture.
    nearest
        How many training images beside each.
    seed
        Of samples and noise.
    """
    import torch

    from diffeo.evaluation import memorisation, nearest_neighbours

    if n < 1 or not 1 <= shown <= n or nearest < 1:
        raise ValueError(f"-n, --shown (at most -n) and --nearest must be at least 1, got {n}, {shown} and {nearest}")
    train = run.data.train.x
    found = memorisation(run.flow, run.data, samples=n, seed=seed)
    near = train[nearest_neighbours(found.samples[:shown], train, k=nearest).indices]
    rows = torch.cat([found.samples[:shown, None], near], 1)
    return Drawn(rows, {"n": n, "seed": seed, "found": found.summary()}, before=found.lines())
