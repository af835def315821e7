"""``diffeo edit levels``: what each level of the latent holds."""

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Chosen, Count
from diffeo.cli.parse import MaybeWholes, Number, Seed


@draws("levels.png")
def levels(
    run: EditedRun,
    *,
    images: Chosen,
    keep: MaybeWholes = None,
    n: Count = 8,
    temperature: Number = 0.8,
    seed: Seed = 0,
) -> Drawn:
    """Keep some levels of images' latents and draw the others anew.

    Each row begins with the image. Without --keep it has one row for the coarsest level kept, one for the two
    coarsest, and so on.

    For example:
      diffeo edit levels runs/glow-mnist --images 3,17
      diffeo edit levels runs/glow-mnist --images 3 --keep 1,2 -n 12

    Parameters
    ----------
    keep
        Levels to keep, 0 the coarsest.
    n
        How often the others are drawn.
    temperature
        Multiplies what is drawn.
    seed
        Of what is drawn.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose

    chosen = choose(run, images)
    there = run.count_levels()
    kept = [keep] if keep is not None else [list(range(k)) for k in range(1, there)]
    generator = torch.Generator().manual_seed(seed)
    condition = run.condition(chosen)
    drawn = [
        editing.resample_levels(
            run.flow, chosen.x, some, n=n, temperature=temperature, condition=condition, generator=generator
        )
        for some in kept
    ]
    originals = chosen.x[:, None, None].expand(-1, len(kept), -1, -1, -1, -1).to(run.flow.device)
    rows = torch.cat([originals, torch.stack(drawn, 1)], 2).flatten(0, 1)
    return Drawn(rows, {"numbers": images, "kept": kept, "temperature": temperature})
