"""``diffeo edit neighbours``: the training images nearest to samples."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Number, Whole


def neighbours(
    run: Path,
    data: str | None = None,
    /,
    *,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 500,
    shown: Whole = 8,
    nearest: Whole = 6,
    temperature: Number = 0.8,
    seed: Whole = 0,
    out: Path = Path("neighbours.png"),
    json: Flag = False,
) -> None:
    """Draw samples, each beside the training images nearest to it.

    Are samples copies? Distances are root mean squares of pixel differences; those of test images, which nothing was
    learnt from, say what is near.

    For example:
      diffeo edit neighbours runs/glow-mnist
      diffeo edit neighbours runs/glow-mnist -n 2000 --temperature 1

    Parameters
    ----------
    run
        The run folder.
    data
        A data set; the run's own, if not given.
    n
        How many samples, and test images, are measured.
    shown
        How many of the samples are in the picture.
    nearest
        How many training images beside each.
    temperature
        Multiplies the latent.
    seed
        Of the samples.
    out
        The picture: .png, or .gif or .apng for an animation. An existing file is never overwritten.
    json
        Print the measurement as JSON.
    """
    from dataclasses import asdict

    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.runs import sample_labels

    if n < 1 or not 1 <= shown <= n or nearest < 1:
        raise ValueError(f"-n, --shown (at most -n) and --nearest must be at least 1, got {n}, {shown} and {nearest}")
    subject = open_subject(run, data, "test", out)
    generator = torch.Generator().manual_seed(seed)
    flow, train = subject.flow, subject.data.train.x
    samples = flow.sample(n, sample_labels(flow, n), temperature=temperature, generator=generator).cpu()
    found = editing.memorization(samples, train, subject.part.x[:n])
    near = train[editing.nearest_neighbours(samples[:shown], train, k=nearest).indices]
    if not json:
        print(found)
    strip = torch.cat([samples[:shown, None], near], 1)
    write_strip(subject, strip, out, json=json, edit="neighbours", n=n, temperature=temperature, seed=seed,
                found=asdict(found))  # fmt: skip
