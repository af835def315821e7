"""``diffeo edit upscale``: images of twice the size."""

from pathlib import Path
from typing import Annotated

from diffeo.cli.edit.drawing import Drawn
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.edit.restore import FIRST, restores
from diffeo.cli.parameters import Chosen, Count, explained
from diffeo.cli.parse import Number, Seed


@restores("upscaling.png", run=Annotated[Path, explained("The folder of a run with --condition downscaled.")])
def upscale(
    run: EditedRun,
    *,
    images: Chosen = FIRST,
    n: Count = 6,
    temperature: Number = 0.7,
    seed: Seed = 0,
) -> Drawn:
    """Halve images, draw them at their size again, and measure how close that comes.

    Each row of the picture: the image, the small one, bicubic interpolation, the flow's at temperature 0, samples.

    For example:
      diffeo train glow mnist --condition downscaled --out runs/glow-mnist-up
      diffeo edit upscale runs/glow-mnist-up --images 3,8,17 --out up.png

    Parameters
    ----------
    n
        Samples for every image.
    temperature
        Multiplies the latent; below 1 gives safer, less varied samples.
    seed
        The same seed gives the same samples.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose
    from diffeo.cli.edit.restore import closeness, largest_value, measured
    from diffeo.editing.upscale import check_upscales

    check_upscales(run.flow)
    peak = largest_value(run)
    chosen = choose(run, images)
    condition = run.condition(chosen)
    if condition is None:
        raise ValueError(f"{run.folder} is not conditioned. Train one: diffeo train glow mnist --condition downscaled")
    small = (condition * peak).round().long()
    generator = torch.Generator().manual_seed(seed)
    samples = editing.upscale(run.flow, small, n=n, temperature=temperature, generator=generator).cpu()
    middle = editing.upscale(run.flow, small, temperature=0.0)[:, 0].cpu()
    small = small.cpu()
    simple = editing.bicubic(small, peak)
    figures = closeness(chosen.x, peak, samples, bicubic=simple, temperature_0=middle)
    shown = {"original": chosen.x, "bicubic": simple, "temperature_0": middle, "one_sample": samples[:, 0]}
    figures |= {f"inconsistency_{name}": editing.inconsistency(x, small) for name, x in shown.items()}
    repeated = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    rows = torch.stack([x.double() for x in (chosen.x, repeated, simple.round(), middle)], 1)
    rows = torch.cat([rows, samples.double()], 1)
    return measured(rows, figures, "images of twice the size", chosen=images, temperature=temperature)
