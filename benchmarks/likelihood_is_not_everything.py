"""What a likelihood says and what it does not: the figures and pictures of docs/likelihood.md.

    python benchmarks/likelihood_is_not_everything.py glow-mnist glow-fashion-mnist --out docs/pictures

Prints Markdown, and draws likelihood-other-data.png, likelihood-temperature.png and likelihood-levels.png.
"""

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor

import diffeo
from diffeo.editing import resample_levels
from diffeo.evaluation import image_grid, save_figure
from diffeo.flow import Flow

ROWS = 2_000
TEMPERATURES = (0.0, 0.4, 0.7, 0.8, 0.9, 1.0, 1.1)


def bits(flow: Flow, x: Tensor, seed: int = 0) -> Tensor:
    """Bits a dimension of every row, always with the same noise."""
    generator = torch.Generator().manual_seed(seed)
    return flow.bits_per_dim(x, generator=generator, batch_size=250).double()


def told(values: Tensor) -> str:
    """Mean and standard error."""
    return f"{float(values.mean()):.3f} ± {float(values.std() / len(values) ** 0.5):.3f}"


def other_data(flow: Flow, digits: Tensor, clothes: Tensor, out: Path) -> None:
    """What a flow of clothes says of digits, and of images that nobody would call clothes."""
    from matplotlib.figure import Figure

    shape = (200, *flow.shape)
    generator = torch.Generator().manual_seed(0)
    rows = {
        "Fashion-MNIST, test": clothes,
        "MNIST, test": digits,
        "all black": torch.zeros(shape, dtype=torch.uint8),
        "all of one grey (128)": torch.full(shape, 128, dtype=torch.uint8),
        "uniform noise": torch.randint(0, 256, shape, generator=generator).to(torch.uint8),
    }
    found = {name: bits(flow, x) for name, x in rows.items()}
    print("| scored by the flow of Fashion-MNIST | bits/dim |\n| --- | --- |")
    for name, values in found.items():
        print(f"| {name} | {told(values)} |")
    own, other = found["Fashion-MNIST, test"], found["MNIST, test"]
    above = float((other < own.median()).double().mean())
    ranks = float((other[:, None] < own[None, :]).double().mean())
    print(f"\nOf the digits, {above:.1%} are more likely than the median piece of clothing; a digit beats a piece of "
          f"clothing in {ranks:.1%} of all pairs.\n")  # fmt: skip
    figure = Figure(figsize=(6, 2.6), layout="constrained")
    axes = figure.subplots()
    for name in ("Fashion-MNIST, test", "MNIST, test"):
        axes.hist(found[name].numpy(), bins=60, alpha=0.6, density=True, label=name)
    axes.set_xlabel("bits/dim under a flow of Fashion-MNIST (lower is more likely)")
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    save_figure(figure, out / "likelihood-other-data.png")


def temperature(flow: Flow, digits: Tensor, out: Path) -> None:
    """How likely samples are at each temperature, beside data."""
    rows = []
    print("| drawn at temperature | bits/dim of the samples | mean brightness (0 to 255) |\n| --- | --- | --- |")
    for t in TEMPERATURES:
        generator = torch.Generator().manual_seed(0)
        x = flow.sample(500 if t else 12, temperature=t, generator=generator)
        rows.append(x[:12])
        print(f"| {t:g} | {told(bits(flow, x)) if t else f'{float(bits(flow, x).mean()):.3f}'} "
              f"| {float(x.double().mean()):.1f} |")  # fmt: skip
    print(f"| the first {len(digits):,} test images | {told(bits(flow, digits))} "
          f"| {float(digits.double().mean()):.1f} |\n")  # fmt: skip
    image_grid(torch.cat(rows), columns=12).save(out / "likelihood-temperature.png")


def mixture(flow: Flow, digits: Tensor) -> None:
    """A model whose samples are noise 99 times in 100, and what that costs in likelihood."""
    dims = math.prod(flow.shape)
    log_p = -bits(flow, digits) * dims * math.log(2)
    noise = -dims * math.log(256)
    mixed = torch.logaddexp(math.log(0.01) + log_p, torch.full_like(log_p, math.log(0.99) + noise))
    worse = -mixed / dims / math.log(2) - bits(flow, digits)
    print(f"A mixture of 1 % of the flow and 99 % of uniform noise has {told(-mixed / dims / math.log(2))} bits/dim, "
          f"{float(worse.mean()):.4f} more than the flow's {told(bits(flow, digits))}. log2(100)/{dims} is "
          f"{math.log2(100) / dims:.4f}.\n")  # fmt: skip


def levels(flow: Flow, digits: Tensor, out: Path) -> None:
    """How much of the image is drawn anew with each level of z."""
    x, shapes, dims = digits[:200], flow.level_shapes, math.prod(flow.shape)
    print("| level | numbers | changed when drawn anew, grey levels a pixel |\n"
          "| --- | --- | --- |")  # fmt: skip
    pictures = [digits[:6, None]]
    for number, shape in enumerate(shapes):
        keep = [k for k in range(len(shapes)) if k != number]
        generator = torch.Generator().manual_seed(0)
        changed = resample_levels(flow, x, keep, n=1, generator=generator)[:, 0].double() - x.double()
        name = "coarsest" if number == 0 else "finest" if number == len(shapes) - 1 else str(number)
        print(f"| {name} | {math.prod(shape)} of {dims} "
              f"| {float(changed.abs().mean()):.1f} |")  # fmt: skip
        generator = torch.Generator().manual_seed(1)
        pictures.append(resample_levels(flow, digits[:6], keep, n=4, temperature=0.8, generator=generator))
    print()
    picture = image_grid(torch.cat(pictures, 1).flatten(0, 1), columns=1 + 4 * len(shapes))
    picture.save(out / "likelihood-levels.png")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("digits", help="a run on MNIST, or a model that ships")
    parser.add_argument("clothes", help="a run on Fashion-MNIST, or a model that ships")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    of_digits, of_clothes = diffeo.load(options.digits), diffeo.load(options.clothes)
    mnist, fashion = diffeo.data.load("mnist").test.x[:ROWS], diffeo.data.load("fashion-mnist").test.x[:ROWS]
    other_data(of_clothes, mnist, fashion, options.out)
    temperature(of_digits, mnist, options.out)
    mixture(of_digits, mnist)
    levels(of_digits, mnist, options.out)


if __name__ == "__main__":
    main()
