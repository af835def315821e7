"""``diffeo edit temperature``: the same latents at several temperatures."""

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Count
from diffeo.cli.parse import MaybeImages, Numbers, Seed

DEFAULT = [0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 1.0]


@draws("temperature.png")
def temperature(
    run: EditedRun,
    *,
    at: Numbers = DEFAULT,
    n: Count = 10,
    images: MaybeImages = None,
    seed: Seed = 0,
) -> Drawn:
    """Draw samples, or images of the data, at several temperatures: one row each.

    For example:
      diffeo edit temperature runs/glow-mnist --at 0,0.5,0.7,0.8,1
      diffeo edit temperature runs/glow-mnist --images 3,17 --out cooler.gif

    Parameters
    ----------
    at
        Temperatures: they multiply the latent.
    n
        How many samples.
    images
        Numbers of images to take instead of samples, from 0; or pictures of your own, such as mine.png.
    seed
        Of the samples.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose
    from diffeo.runs import sample_labels

    flow = run.flow
    if images is None:
        if n < 1:
            raise ValueError(f"-n must be at least 1, got {n}")
        condition = sample_labels(flow, n)
        if condition is None and flow.conditional:
            raise ValueError(
                f"{run.folder} is conditioned on images, so it draws none without them: give those of the data, "
                f"for example: diffeo edit temperature {run.folder} --images 0,1,2"
            )
        z = flow.base.sample(n, generator=torch.Generator().manual_seed(seed))
    else:
        chosen = choose(run, images)
        condition = run.condition(chosen)
        z = editing.encode_images(flow, chosen.x, condition)
    rows = editing.temperature_strip(flow, z, at, condition=condition)
    return Drawn(rows, {"temperatures": at, "numbers": images})
