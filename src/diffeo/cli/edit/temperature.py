"""``diffeo edit temperature``: the same latents at several temperatures."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, MaybeImages, Numbers, Seed, Whole

DEFAULT = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0)


def temperature(
    run: Path,
    data: str | None = None,
    /,
    *,
    at: Numbers = list(DEFAULT),  # noqa: B006 -- cyclopts copies it
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 10,
    images: MaybeImages = None,
    seed: Seed = 0,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw samples, or images of the data, at several temperatures: one row each.

    For example:
      diffeo edit temperature runs/glow-mnist --at 0,0.5,0.7,0.8,1
      diffeo edit temperature runs/glow-mnist --images 3,17 --out cooler.gif

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    at
        Temperatures: they multiply the latent.
    n
        How many samples.
    images
        Numbers of images to take instead of samples, from 0; or pictures of your own, such as mine.png.
    seed
        Of the samples.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; temperature.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination
    from diffeo.runs import sample_labels

    out = destination(out, "temperature.png", force=force)
    subject = open_subject(run, data, part, out)
    flow = subject.flow
    if images is None:
        if n < 1:
            raise ValueError(f"-n must be at least 1, got {n}")
        condition = sample_labels(flow, n)
        if condition is None and flow.conditional:
            raise ValueError(
                f"{run} is conditioned on images, so it draws none without them: give those of the data, "
                f"for example: diffeo edit temperature {run} --images 0,1,2"
            )
        z = flow.base.sample(n, generator=torch.Generator().manual_seed(seed))
    else:
        chosen = subject.choose(images)
        condition = subject.condition(chosen)
        z = editing.encode_images(flow, chosen.x, condition)
    strip = editing.temperature_strip(flow, z, at, condition=condition)
    write_strip(subject, strip, out, json=json, edit="temperature", temperatures=at, numbers=images)
