"""``diffeo edit denoise``: noise added to images, and taken away again."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, MaybeNumber, Number, Seed, Whole


def denoise(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images = [0, 1, 2, 3],  # noqa: B006 (it is only read)
    sigma: MaybeNumber = None,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 6,
    steps: Whole = 400,
    temperature: Number = 1.0,
    seed: Seed = 0,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Add noise to images, take it away with the flow, and measure how much closer that comes than a blur.

    Each row of the picture: the image, the noisy one, the best blur, the likeliest latent's image, the mean of the
    samples (Langevin), samples.

    For example:
      diffeo edit denoise runs/glow-mnist --images 3,8,17 --sigma 60 --out noise.png

    Parameters
    ----------
    run
        The run folder.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    sigma
        Standard deviation of the noise, in grey levels; a fifth of their range if not given.
    n
        Samples for every image.
    steps
        Of the walk to a sample; the likeliest latent is looked for in half as many. More are better, and slower.
    temperature
        Of the samples: 1 for the flow's own density; below 1 its middle counts more, and they vary less.
    seed
        Of the noise and the samples.
    part
        The part of the data that the numbers count.
    out
        The picture: .png; denoising.png, or the next free name, if not given.
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

    out = destination(out, "denoising.png", force=force)
    subject, peak = open_integers(run, data, part, out)
    chosen = subject.choose(images)
    condition = subject.condition(chosen)
    sigma = 0.2 * peak if sigma is None else sigma
    generator = torch.Generator().manual_seed(seed)
    noisy = chosen.x + sigma * torch.randn(chosen.x.shape, generator=generator)
    samples = editing.denoise(
        subject.flow,
        noisy,
        sigma,
        n=n,
        steps=steps,
        condition=condition,
        temperature=temperature,
        generator=generator,
    ).cpu()
    likeliest = editing.denoise_mode(subject.flow, noisy, sigma, steps=max(1, steps // 2), condition=condition).cpu()
    blurred, width = editing.best_blur(noisy, chosen.x, peak)
    mean = samples.double().mean(1)
    shown = [chosen.x, noisy.clamp(0, peak).round(), blurred.round(), likeliest, mean.round()]
    figures = {
        "psnr_noisy": editing.psnr(noisy.clamp(0, peak), chosen.x, peak),
        "psnr_best_blur": editing.psnr(blurred, chosen.x, peak),
        "psnr_likeliest": editing.psnr(likeliest, chosen.x, peak),
        "psnr_mean_of_samples": editing.psnr(mean, chosen.x, peak),
        "psnr_one_sample": editing.psnr(samples[:, 0], chosen.x, peak),
    }
    strip = torch.cat([torch.stack([x.double() for x in shown], 1), samples.double()], 1)
    means = report(figures, f"images with noise of {sigma:g} grey levels (best blur: {width:g} pixels)", json=json)
    write_strip(
        subject,
        strip,
        out,
        json=json,
        edit="denoise",
        chosen=images,
        sigma=sigma,
        steps=steps,
        temperature=temperature,
        blur=width,
        **means,
    )
