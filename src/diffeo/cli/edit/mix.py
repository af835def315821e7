"""``diffeo edit mix``: the levels of two images, mixed."""

from typing import Annotated

from cyclopts import Parameter

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Chosen
from diffeo.cli.parse import Images, MaybeWholes


@draws("mix.png")
def mix(
    run: EditedRun,
    *,
    images: Chosen,
    with_: Annotated[Images, Parameter(name="--with")],
    take: MaybeWholes = None,
) -> Drawn:
    """Mix the latents of two images, level by level.

    A row begins with the image and ends with the other. Between them, without --take, the coarsest level is the
    other's, then the two coarsest, and so on.

    For example:
      diffeo edit mix runs/glow-mnist --images 3,8 --with 17,0
      diffeo edit mix runs/glow-mnist --images 3 --with 17 --take 1,2

    Parameters
    ----------
    with_
        Numbers of as many others, or pictures of your own.
    take
        Levels to take of the others, 0 the coarsest.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose

    if len(images) != len(with_):
        raise ValueError(f"--images and --with need as many numbers, got {len(images)} and {len(with_)}")
    chosen, other = choose(run, images), choose(run, with_)
    device = run.flow.device
    taken = [take] if take is not None else [list(range(k)) for k in range(1, run.count_levels())]
    condition, other_condition = run.condition(chosen), run.condition(other)
    mixed = [
        editing.mix_levels(run.flow, chosen.x, other.x, some, condition=condition, other_condition=other_condition)
        for some in taken
    ]
    rows = torch.stack([chosen.x.to(device), *mixed, other.x.to(device)], 1)
    return Drawn(rows, {"numbers": images, "others": with_, "taken": taken})
