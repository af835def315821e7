"""``diffeo edit reconstruct``: images from part of their latents."""

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Chosen


@draws("reconstruction.png")
def reconstruct(run: EditedRun, *, images: Chosen) -> Drawn:
    """Draw images from part of their latents: from no level, the coarsest, the two coarsest, .., all.

    The levels that are left out are at their mean. The last image of a row is the image itself.

    For example:
      diffeo edit reconstruct runs/glow-mnist --images 3,17,8
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose

    chosen = choose(run, images)
    condition = run.condition(chosen)
    kept = [list(range(k)) for k in range(len(run.flow.level_shapes) + 1)]
    rows = [editing.reconstruct(run.flow, chosen.x, some, condition=condition) for some in kept]
    return Drawn(torch.stack(rows, 1), {"numbers": images, "kept": kept})
