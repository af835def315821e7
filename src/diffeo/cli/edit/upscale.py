"""``diffeo edit upscale``: images of twice the size."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parse import Flag, Images, Number, Seed, Whole


def upscale(
    run: Path,
    data: str | None = None,
    /,
    *,
    images: Images = [0, 1, 2, 3],  # noqa: B006 (it is only read)
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 6,
    temperature: Number = 0.7,
    seed: Seed = 0,
    part: Literal["train", "validation", "test"] = "test",
    out: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> None:
    """Halve images, draw them at their size again, and measure how close that comes.

    Each row of the picture: the image, the small one, bicubic interpolation, the flow's at temperature 0, samples.

    For example:
      diffeo train glow mnist --condition downscaled --out runs/glow-mnist-up
      diffeo edit upscale runs/glow-mnist-up --images 3,8,17 --out up.png

    Parameters
    ----------
    run
        The folder of a run with --condition downscaled.
    data
        The data set that the images are of; the run's own, if not given.
    images
        Numbers of the images, from 0; or pictures of your own, such as mine.png, which need no data.
    n
        Samples for every image.
    temperature
        Multiplies the latent; below 1 gives safer, less varied samples.
    seed
        The same seed gives the same samples.
    part
        The part of the data that the numbers count.
    out
        The picture: .png; upscaling.png, or the next free name, if not given.
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
    from diffeo.editing.upscale import check_upscales

    out = destination(out, "upscaling.png", force=force)
    subject, peak = open_integers(run, data, part, out, check=check_upscales)
    chosen = subject.choose(images)
    condition = subject.condition(chosen)
    if condition is None:
        raise ValueError(f"{run} is not conditioned. Train one: diffeo train glow mnist --condition downscaled")
    small = (condition * peak).round().long()
    generator = torch.Generator().manual_seed(seed)
    samples = editing.upscale(subject.flow, small, n=n, temperature=temperature, generator=generator).cpu()
    middle = editing.upscale(subject.flow, small, temperature=0.0)[:, 0].cpu()
    small = small.cpu()
    simple = editing.bicubic(small, peak)
    figures = {
        "psnr_bicubic": editing.psnr(simple, chosen.x, peak),
        "psnr_temperature_0": editing.psnr(middle, chosen.x, peak),
        "psnr_mean_of_samples": editing.psnr(samples.double().mean(1), chosen.x, peak),
        "psnr_one_sample": editing.psnr(samples[:, 0], chosen.x, peak),
        "inconsistency_original": editing.inconsistency(chosen.x, small),
        "inconsistency_bicubic": editing.inconsistency(simple, small),
        "inconsistency_temperature_0": editing.inconsistency(middle, small),
        "inconsistency_one_sample": editing.inconsistency(samples[:, 0], small),
    }
    repeated = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    shown = [x.double() for x in (chosen.x, repeated, simple.round(), middle)]
    strip = torch.cat([torch.stack(shown, 1), samples.double()], 1)
    means = report(figures, "images of twice the size", json=json)
    write_strip(subject, strip, out, json=json, edit="upscale", chosen=images, temperature=temperature, **means)
