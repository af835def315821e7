"""``diffeo edit interpolate``: the images between two images."""

from pathlib import Path as File
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeWholes, Whole


def interpolate(
    run: File,
    data: str | None = None,
    /,
    *,
    from_: Annotated[Images, Parameter(name="--from")],
    to: Images,
    steps: Whole = 9,
    path: Literal["linear", "spherical"] = "linear",
    levels: MaybeWholes = None,
    part: Literal["train", "validation", "test"] = "test",
    out: File | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw the images between two images, or between several pairs.

    For example:
      diffeo edit interpolate runs/glow-mnist --from 3 --to 17 --out strip.png
      diffeo edit interpolate runs/glow-mnist --from 3,8 --to 17,0 --levels 0 --out coarse.gif

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    from_
        Numbers of the images to begin with, from 0; or pictures of your own, such as mine.png.
    to
        Numbers of the images to end with, or pictures of your own.
    steps
        How many images, both ends included.
    path
        A straight line between the latents, or an arc.
    levels
        Which levels of the latent move, 0 the coarsest; all, if not given.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; interpolation.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination

    if len(from_) != len(to):
        raise ValueError(f"--from and --to need as many numbers, got {len(from_)} and {len(to)}")
    out = destination(out, "interpolation.png", force=force)
    subject = open_subject(run, data, part, out)
    start, end = subject.choose(from_), subject.choose(to)
    strip = editing.interpolate(
        subject.flow, start.x, end.x, steps=steps, path=path, levels=levels,
        condition=subject.condition(start), end_condition=subject.condition(end),
    )  # fmt: skip
    write_strip(subject, strip, out, json=json, edit="interpolate", start=from_, end=to, path=path, levels=levels)
