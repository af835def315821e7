"""``diffeo edit sweep``: images moved along a direction."""

from pathlib import Path
from typing import Literal

from diffeo.cli.parse import Flag, Images, Number, Whole


def sweep(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images,
    direction: Path,
    reach: Number = 3.0,
    steps: Whole = 9,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Move images along a direction, from -reach to reach: thinner to thicker, class to class.

    Of a measured attribute it prints what the images have at each strength: their mean.

    For example:
      diffeo edit sweep runs/glow-mnist --images 3,17 --direction thickness.safetensors
      diffeo edit sweep runs/glow-mnist --images 3 --direction thickness.safetensors --reach 5 --out bold.gif

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    direction
        A file that diffeo edit direction wrote.
    reach
        The greatest strength: of numbers in standard deviations; 1 leads from one class to the other.
    steps
        How many images a row; of an odd number the middle one is the image itself.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; sweep.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import math

    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination

    if steps < 2:
        raise ValueError(f"--steps must be at least 2, got {steps}")
    if not math.isfinite(reach):
        raise ValueError(f"--reach must be a finite number, got {reach}")
    found = editing.Direction.load(direction)
    out = destination(out, "sweep.png", force=force)
    subject = open_subject(run, data, part, out)
    chosen = subject.choose(images)
    strengths = torch.linspace(-reach, reach, steps).tolist()
    strip = editing.sweep(subject.flow, chosen.x, found, strengths, condition=subject.condition(chosen))
    measure = editing.ATTRIBUTES.get(found.attribute)
    measured = None if measure is None else [float(measure(editing.grey(one)).mean()) for one in strip.cpu().unbind(1)]
    write_strip(subject, strip, out, json=json, edit="sweep", numbers=images, attribute=found.attribute,
                method=found.method, strengths=strengths, measured=measured)  # fmt: skip
    if measured is not None and not json:
        for strength, mean in zip(strengths, measured, strict=True):
            print(f"strength {strength:5.2f}: {found.attribute} {mean:.2f}")
