"""``diffeo edit neighbours``: the training images nearest to samples."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Seed, Whole


def neighbours(
    run: Path,
    data: str | None = None,
    /,
    *,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 200,
    shown: Whole = 8,
    nearest: Whole = 6,
    seed: Seed = 0,
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw samples, each beside the training images nearest to it.

    Are samples copies? What is printed is part of diffeo evaluate as well, and said in docs/cli.md.

    For example:
      diffeo edit neighbours runs/glow-mnist
      diffeo edit neighbours runs/glow-mnist -n 2000

    Parameters
    ----------
    run
        The run folder.
    data
        A data set; the run's own, if not given.
    n
        How many samples are measured.
    shown
        How many of the samples are in the picture.
    nearest
        How many training images beside each.
    seed
        Of samples and noise.
    out
        The picture: .png, or .gif or .apng for an animation; neighbours.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print the measurement as JSON.
    """
    import torch

    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination
    from diffeo.evaluation import memorisation, nearest_neighbours

    if n < 1 or not 1 <= shown <= n or nearest < 1:
        raise ValueError(f"-n, --shown (at most -n) and --nearest must be at least 1, got {n}, {shown} and {nearest}")
    out = destination(out, "neighbours.png", force=force)
    subject = open_subject(run, data, "test", out)
    train = subject.data.train.x
    found = memorisation(subject.flow, subject.data, samples=n, seed=seed)
    near = train[nearest_neighbours(found.samples[:shown], train, k=nearest).indices]
    if not json:
        print("\n".join(found.lines()))
    strip = torch.cat([found.samples[:shown, None], near], 1)
    write_strip(subject, strip, out, json=json, edit="neighbours", n=n, seed=seed, found=found.summary())
