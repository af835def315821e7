"""``diffeo edit interpolate``: the images between two images."""

from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parse import Images, MaybeWholes, Whole


@draws("interpolation.png")
def interpolate(
    run: EditedRun,
    *,
    from_: Annotated[Images, Parameter(name="--from")],
    to: Images,
    steps: Whole = 9,
    path: Literal["linear", "spherical"] = "linear",
    levels: MaybeWholes = None,
) -> Drawn:
    """Draw the images between two images, or between several pairs.

    For example:
      diffeo edit interpolate runs/glow-mnist --from 3 --to 17 --out strip.png
      diffeo edit interpolate runs/glow-mnist --from 3,8 --to 17,0 --levels 0 --out coarse.gif

    Parameters
    ----------
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
    """
    from diffeo import editing
    from diffeo.cli.edit.choosing import choose

    if len(from_) != len(to):
        raise ValueError(f"--from and --to need as many numbers, got {len(from_)} and {len(to)}")
    start, end = choose(run, from_), choose(run, to)
    rows = editing.interpolate(
        run.flow, start.x, end.x, steps=steps, path=path, levels=levels,
        condition=run.condition(start), end_condition=run.condition(end),
    )  # fmt: skip
    return Drawn(rows, {"start": from_, "end": to, "path": path, "levels": levels})
