"""``diffeo edit inpaint``: fill in what is hidden of images."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeNumber, Number, Seed, Whole


def inpaint(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images = [0, 1, 2, 3],  # noqa: B006 (it is only read)
    hide: str = "right",
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 6,
    steps: Whole = 400,
    temperature: Number = 1.0,
    sigma: MaybeNumber = None,
    seed: Seed = 0,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Hide a part of images, and draw what the flow thinks may stand there.

    Each row of the picture: the image, what is left of it beside squares of two greys, the likeliest latent's image,
    samples (Langevin).

    For example:
      diffeo edit inpaint runs/glow-mnist --images 3,8,17 --hide right --out halves.png
      diffeo edit inpaint runs/glow-mnist --hide 70% --steps 1000 --out holes.png

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    hide
        left, right, top, bottom: that half; middle: a square; 70%: so many pixels at random.
    n
        Samples for every image, at least 2.
    steps
        Of the walk to a sample; the likeliest latent is looked for in half as many. More are better, and slower.
    sigma
        How closely the known pixels are met before they are put back, in grey levels; 2 % of their range if not given.
    temperature
        Of the samples: 1 for the flow's own density; below 1 its middle counts more, and they vary less.
    seed
        Of the samples, and of pixels hidden at random.
    part
        The part of the data that the numbers count.
    out
        The picture: .png; inpainting.png, or the next free name, if not given.
    force
        Write over a file that is there.
    json
        Print the figures as JSON.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.restore import open_integers, report
    from diffeo.cli.edit.subject import write_strip
    from diffeo.cli.files import destination

    out = destination(out, "inpainting.png", force=force)
    subject, peak = open_integers(run, data, part, out)
    chosen, known = subject.choose(images), editing.known_pixels(hide, subject.flow.shape, seed=seed)
    if n < 2:
        raise ValueError(f"-n is at least 2, so that there is a spread, got {n}")
    condition = subject.condition(chosen)
    generator = torch.Generator().manual_seed(seed)
    samples = editing.inpaint(
        subject.flow,
        chosen.x,
        known,
        n=n,
        sigma=sigma,
        steps=steps,
        condition=condition,
        temperature=temperature,
        generator=generator,
    ).cpu()
    likeliest = editing.inpaint_mode(
        subject.flow, chosen.x, known, sigma=sigma, steps=max(1, steps // 2), condition=condition
    ).cpu()

    def hidden(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)[:, ~known.flatten()]

    figures = {
        "psnr_likeliest": editing.psnr(hidden(likeliest), hidden(chosen.x), peak),
        "psnr_mean_of_samples": editing.psnr(hidden(samples.double().mean(1)), hidden(chosen.x), peak),
        "psnr_one_sample": editing.psnr(hidden(samples[:, 0]), hidden(chosen.x), peak),
        "spread": hidden(editing.spread(samples)).mean(1),
    }
    _, height, width = subject.flow.shape
    odd = (torch.arange(height)[:, None] + torch.arange(width)) % 2 == 1
    chequered = torch.where(odd, round(3 * peak / 4), round(peak / 4)).to(chosen.x)  # unlike the grey between images
    damaged = torch.where(known, chosen.x, chequered)
    strip = torch.cat([chosen.x[:, None], damaged[:, None], likeliest[:, None], samples], 1)
    means = report(figures, "the hidden pixels", json=json)
    write_strip(
        subject,
        strip,
        out,
        json=json,
        edit="inpaint",
        chosen=images,
        hide=hide,
        steps=steps,
        temperature=temperature,
        **means,
    )
