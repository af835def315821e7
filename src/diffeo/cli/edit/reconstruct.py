"""``diffeo edit reconstruct``: images from part of their latents."""

from pathlib import Path
from typing import Literal

from diffeo.cli.parse import Flag, Images


def reconstruct(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Draw images from part of their latents: from no level, the coarsest, the two coarsest, .., all.

    The levels that are left out are at their mean. The last image of a row is the image itself.

    For example:
      diffeo edit reconstruct runs/glow-mnist --images 3,17,8

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    part
        The part of the data that the numbers count.
    out
        The picture: .png, or .gif or .apng for an animation; reconstruction.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print what was written as JSON.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import open_subject, write_strip
    from diffeo.cli.files import destination

    out = destination(out, "reconstruction.png", force=force)
    subject = open_subject(run, data, part, out)
    chosen = subject.choose(images)
    condition = subject.condition(chosen)
    kept = [list(range(k)) for k in range(len(subject.flow.level_shapes) + 1)]
    strip = [editing.reconstruct(subject.flow, chosen.x, some, condition=condition) for some in kept]
    write_strip(subject, torch.stack(strip, 1), out, json=json, edit="reconstruct", numbers=images, kept=kept)
