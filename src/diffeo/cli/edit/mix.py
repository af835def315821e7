"""``diffeo edit mix``: the levels of two images, mixed."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeWholes


def mix(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images,
    with_: Annotated[Images, Parameter(name="--with")],
    take: MaybeWholes = None,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Mix the latents of two images, level by level.

    A row begins with the image and ends with the other. Between them, without --take, the coarsest level is the
    other's, then the two coarsest, and so on.

    For example:
      diffeo edit mix runs/glow-mnist --images 3,8 --with 17,0
      diffeo edit mix runs/glow-mnist --images 3 --with 17 --take 1,2

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    with_
        Numbers of as many others, or pictures of your own.
    take
        Levels to take of the others, 0 the coarsest.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; mix.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination

    if len(images) != len(with_):
        raise ValueError(f"--images and --with need as many numbers, got {len(images)} and {len(with_)}")
    out = destination(out, "mix.png", force=force)
    subject = open_subject(run, data, part, out)
    chosen, other = subject.choose(images), subject.choose(with_)
    flow, device = subject.flow, subject.flow.device
    taken = [take] if take is not None else [list(range(k)) for k in range(1, subject.count_levels())]
    condition, other_condition = subject.condition(chosen), subject.condition(other)
    mixed = [
        editing.mix_levels(flow, chosen.x, other.x, some, condition=condition, other_condition=other_condition)
        for some in taken
    ]
    strip = torch.stack([chosen.x.to(device), *mixed, other.x.to(device)], 1)
    write_strip(subject, strip, out, json=json, edit="mix", numbers=images, others=with_, taken=taken)
