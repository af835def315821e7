"""``diffeo edit denoise``: noise added to images, and taken away again."""

from diffeo.cli.edit.drawing import Drawn
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.edit.restore import FIRST, restores
from diffeo.cli.parameters import Chosen, Count, Walk, Warmth
from diffeo.cli.parse import MaybeNumber, Seed


@restores("denoising.png")
def denoise(
    run: EditedRun,
    *,
    images: Chosen = FIRST,
    sigma: MaybeNumber = None,
    n: Count = 6,
    steps: Walk = 400,
    temperature: Warmth = 1.0,
    seed: Seed = 0,
) -> Drawn:
    """Add noise to images, take it away with the flow, and measure how much closer that comes than a blur.

    Each row of the picture: the image, the noisy one, the best blur, the likeliest latent's image, the mean of the
    samples (Langevin), samples.

    For example:
      diffeo edit denoise runs/glow-mnist --images 3,8,17 --sigma 60 --out noise.png

    Parameters
    ----------
    sigma
        Standard deviation of the noise, in grey levels; a fifth of their range if not given.
    n
        Samples for every image.
    seed
        Of the noise and the samples.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose
    from diffeo.cli.edit.restore import closeness, largest_value, measured, posterior

    peak = largest_value(run)
    chosen = choose(run, images)
    sigma = 0.2 * peak if sigma is None else sigma
    generator = torch.Generator().manual_seed(seed)
    noisy = chosen.x + sigma * torch.randn(chosen.x.shape, generator=generator)
    samples, likeliest = posterior(
        editing.denoise, editing.denoise_mode, run.flow, noisy, sigma,
        n=n, steps=steps, condition=run.condition(chosen), temperature=temperature, generator=generator,
    )  # fmt: skip
    blurred, width = editing.best_blur(noisy, chosen.x, peak)
    seen = noisy.clamp(0, peak)
    figures = closeness(chosen.x, peak, samples, noisy=seen, best_blur=blurred, likeliest=likeliest)
    shown = [chosen.x, seen.round(), blurred.round(), likeliest, samples.double().mean(1).round()]
    rows = torch.cat([torch.stack([x.double() for x in shown], 1), samples.double()], 1)
    what = f"images with noise of {sigma:g} grey levels (best blur: {width:g} pixels)"
    return measured(rows, figures, what, chosen=images, sigma=sigma, steps=steps, temperature=temperature, blur=width)
