"""What the edits share that restore damaged images: their verbs, how they are restored, and how close that comes."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun

if TYPE_CHECKING:
    from torch import Generator, Tensor

FIRST: list[int | str] = [0, 1, 2, 3]  # images that are restored where none are named

restores = partial(draws, animated=False, json="the figures")


def largest_value(run: EditedRun) -> float:
    """Of the integers that the images are of.

    Raises:
        ValueError: if they are continuous.
    """
    if run.flow.door is None:
        raise ValueError(f"{run.folder} is of continuous images: its results have no grey levels to be measured in")
    return float(run.flow.door.values - 1)


def posterior(
    sample: "Callable[..., Tensor]",
    mode: "Callable[..., Tensor]",
    *given: Any,
    n: int,
    steps: int,
    temperature: float,
    generator: "Generator",
    **known: Any,
) -> "tuple[Tensor, Tensor]":
    """Samples of what was damaged, by a walk of so many steps, and the likeliest latent's image, by half as many.

    Args:
        sample: draws the samples.
        mode: looks for the likeliest.
        given: what both are given: the flow, the images, what is known of them.
        n: samples for every image.
        steps: of the walk.
        temperature: of the samples.
        generator: source of the samples.
        known: the same as `given`, by name.
    """
    samples = sample(*given, n=n, steps=steps, temperature=temperature, generator=generator, **known)
    return samples.cpu(), mode(*given, steps=max(1, steps // 2), **known).cpu()


def closeness(original: "Tensor", peak: float, samples: "Tensor", **others: "Tensor") -> "dict[str, Tensor]":
    """PSNR of every image, in dB: of others, of the mean of its samples, and of its first sample."""
    from diffeo import editing

    compared = {**others, "mean_of_samples": samples.double().mean(1), "one_sample": samples[:, 0]}
    return {f"psnr_{name}": editing.psnr(x, original, peak) for name, x in compared.items()}


def measured(rows: "Tensor", figures: "dict[str, Tensor]", what: str, **described: Any) -> Drawn:
    """Rows of a picture with their figures: means over the images, with standard errors where there are several.

    PSNR is in dB, the rest in grey levels.
    """
    from diffeo.cli.output import counted
    from diffeo.evaluation import estimate

    count = len(rows)
    found = {name: estimate(values) for name, values in figures.items()}
    lines = [f"{what}: mean over {counted(count, 'image')}"]
    for name, value in found.items():
        unit = "dB" if name.startswith("psnr") else "grey levels"
        label = name.replace("psnr_", "PSNR, ").replace("inconsistency_", "inconsistency, ").replace("_", " ")
        error = f" ± {value.standard_error:.2f}" if count > 1 else ""
        lines.append(f"  {label:<30}{value.mean:8.2f}{error} {unit}")
    return Drawn(rows, {**described, **{name: vars(value) for name, value in found.items()}}, before=lines)
