"""``diffeo edit levels``: what each level of the latent holds."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeWholes, Number, Seed, Whole


def levels(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images,
    keep: MaybeWholes = None,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 8,
    temperature: Number = 0.8,
    seed: Seed = 0,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Keep some levels of images' latents and draw the others anew.

    Each row begins with the image. Without --keep it has one row for the coarsest level kept, one for the two
    coarsest, and so on.

    For example:
      diffeo edit levels runs/glow-mnist --images 3,17
      diffeo edit levels runs/glow-mnist --images 3 --keep 1,2 -n 12

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    keep
        Levels to keep, 0 the coarsest.
    n
        How often the others are drawn.
    temperature
        Multiplies what is drawn.
    seed
        Of what is drawn.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; levels.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination

    out = destination(out, "levels.png", force=force)
    subject = open_subject(run, data, part, out)
    chosen = subject.choose(images)
    there = subject.count_levels()
    kept = [keep] if keep is not None else [list(range(k)) for k in range(1, there)]
    generator = torch.Generator().manual_seed(seed)
    condition = subject.condition(chosen)
    drawn = [
        editing.resample_levels(
            subject.flow, chosen.x, some, n=n, temperature=temperature, condition=condition, generator=generator
        )
        for some in kept
    ]
    originals = chosen.x[:, None, None].expand(-1, len(kept), -1, -1, -1, -1).to(subject.flow.device)
    strip = torch.cat([originals, torch.stack(drawn, 1)], 2).flatten(0, 1)
    write_strip(subject, strip, out, json=json, edit="levels", numbers=images, kept=kept, temperature=temperature)
