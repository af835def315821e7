"""``diffeo edit inpaint``: fill in what is hidden of images."""

from diffeo.cli.edit.drawing import Drawn
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.edit.restore import FIRST, restores
from diffeo.cli.parameters import Chosen, Count, Walk, Warmth
from diffeo.cli.parse import MaybeNumber, Seed


@restores("inpainting.png")
def inpaint(
    run: EditedRun,
    *,
    images: Chosen = FIRST,
    hide: str = "right",
    n: Count = 6,
    steps: Walk = 400,
    temperature: Warmth = 1.0,
    sigma: MaybeNumber = None,
    seed: Seed = 0,
) -> Drawn:
    """Hide a part of images, and draw what the flow thinks may stand there.

    Each row of the picture: the image, what is left of it beside squares of two greys, the likeliest latent's image,
    samples (Langevin).

    For example:
      diffeo edit inpaint runs/glow-mnist --images 3,8,17 --hide right --out halves.png
      diffeo edit inpaint runs/glow-mnist --hide 70% --steps 1000 --out holes.png

    Parameters
    ----------
    hide
        left, right, top, bottom: that half; middle: a square; 70%: so many pixels at random.
    n
        Samples for every image, at least 2.
    sigma
        How closely the known pixels are met before they are put back, in grey levels; 2 % of their range if not given.
    seed
        Of the samples, and of pixels hidden at random.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose
    from diffeo.cli.edit.restore import closeness, largest_value, measured, posterior

    peak = largest_value(run)
    chosen, known = choose(run, images), editing.known_pixels(hide, run.flow.shape, seed=seed)
    if n < 2:
        raise ValueError(f"-n is at least 2, so that there is a spread, got {n}")
    samples, likeliest = posterior(
        editing.inpaint, editing.inpaint_mode, run.flow, chosen.x, known,
        n=n, steps=steps, condition=run.condition(chosen), sigma=sigma, temperature=temperature,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    hidden = ~known.expand_as(chosen.x[0])
    figures = closeness(chosen.x[:, hidden], peak, samples[:, :, hidden], likeliest=likeliest[:, hidden])
    figures["spread"] = editing.spread(samples)[:, hidden].mean(1)
    _, height, width = run.flow.shape
    odd = (torch.arange(height)[:, None] + torch.arange(width)) % 2 == 1
    chequered = torch.where(odd, round(3 * peak / 4), round(peak / 4)).to(chosen.x)  # unlike the grey between images
    damaged = torch.where(known, chosen.x, chequered)
    rows = torch.cat([chosen.x[:, None], damaged[:, None], likeliest[:, None], samples], 1)
    return measured(rows, figures, "the hidden pixels", chosen=images, hide=hide, steps=steps, temperature=temperature)
