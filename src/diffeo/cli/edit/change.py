"""``diffeo edit class``: images as another class, in their own style."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeNumber, MaybeWholes, Whole

Kept = Literal["slant", "thickness", "brightness", "lighting", "nothing"]
Held = Annotated[list[Kept] | None, Parameter(negative="")]


def class_(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images,
    to: MaybeWholes = None,
    labels: MaybeWholes = None,
    hold: Held = None,
    temperature: MaybeNumber = None,
    strength: MaybeNumber = None,
    rows: Whole = 2000,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw images as another class: a row begins with the image, then one for each class.

    A run that was trained with --conditional is told another class to decode than to encode; of any other the latents
    are moved by the difference of both classes' means.

    For example:
      diffeo edit class runs/glow-mnist-classes --images 3,16
      diffeo edit class runs/glow-mnist-classes --images 3,16 --to 8 --hold nothing
      diffeo edit class glow-mnist-classes --images my7.png --to 8
      diffeo edit class runs/glow-mnist --images 3 --to 8 --strength 1.5

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    to
        The classes; all, if not given.
    labels
        The classes of your own pictures; of a run with --conditional what the flow takes them for, if not given.
    hold
        A measured attribute that should stay as it was, or nothing. May be repeated; slant and thickness, if not given.
    temperature
        Of runs with classes: multiplies the latent; below 1 the class is reached more often, and less is kept.
    strength
        Of runs without: how far to move, where 1 is the difference of the means.
    rows
        How many training images the means and the directions of held attributes are found from, at most.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; classes.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import torch

    from diffeo.cli.edit.subject import held_attributes, open_subject, restyler, write_strip
    from diffeo.cli.files import destination

    held = held_attributes(hold)
    out = destination(out, "classes.png", force=force)
    subject = open_subject(run, data, part, out)
    own = any(isinstance(image, str) for image in images)
    if labels is not None and not own:
        raise ValueError("--labels is for pictures of your own, and the images of a data set have theirs")
    if labels is None and own and not subject.takes_classes:
        raise ValueError(f"{run} takes no classes, so say which each picture is of: --labels 7, or 7,3 for two")
    count = subject.check_classes(*(to or []))
    chosen = subject.choose(images, labels=labels)
    classes = list(range(count)) if to is None else to
    restyle = restyler(subject, held, temperature=temperature, strength=strength, rows=rows, from_samples=own)
    edited = [restyle(chosen, torch.full((len(chosen),), target)) for target in classes]
    strip = torch.stack([chosen.x.to(subject.flow.device), *edited], 1)
    write_strip(subject, strip, out, json=json, edit="class", numbers=images, classes=classes, hold=held,
                temperature=temperature, strength=strength)  # fmt: skip
