"""Part 3: pictures of samples and of edits. `python course/figures/glow_pictures.py [NAME ..]`.

All images are samples of models that ship, and edits of samples: none is an image of MNIST.
"""

import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import FOLDER, asked, figure, number, text
from torch import Tensor

import diffeo
from diffeo import editing
from diffeo.data import Part
from diffeo.evaluation import image_grid

COMMAND = "python course/figures/glow_pictures.py"
FACES = FOLDER.parent / "measured" / "glow-faces.png"
TEMPERATURES = (0, 0.3, 0.5, 0.7, 0.8, 0.9, 1)
CLASSES = tuple(range(10))


def drawn(seed: int) -> torch.Generator:
    """The source of a picture's noise."""
    return torch.Generator().manual_seed(seed)


def show(axes: plt.Axes, images: Tensor, columns: int) -> None:
    """Images as one picture, a row after another."""
    axes.imshow(np.asarray(image_grid(images.flatten(0, -4), columns=columns, pixels=2 * 29 * columns)),
                cmap="gray", vmin=0, vmax=255, interpolation="none")  # fmt: skip
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)


def under(axes: plt.Axes, labels: list[str], size: float = 15) -> None:
    """A label below every column."""
    width = axes.get_xlim()[1] - axes.get_xlim()[0]
    axes.set_xticks([(i + 0.5) * width / len(labels) for i in range(len(labels))], labels, fontsize=size)
    axes.tick_params(length=0)


@cache
def digits(*labels: int, seed: int = 0) -> Tensor:
    """Samples of the classes given."""
    flow = diffeo.load("glow-mnist-classes")
    return flow.sample(len(labels), torch.tensor(labels), temperature=0.7, generator=drawn(seed))


@cache
def directions() -> dict[str, editing.Direction]:
    """Of slant and thickness, found from 600 samples of all classes."""
    flow = diffeo.load("glow-mnist-classes")
    part: Part = editing.class_samples(flow, 600, temperature=0.9, generator=drawn(5))
    return {one.attribute: one for one in editing.attribute_directions(flow, part)}


@cache
def generated() -> Tensor:
    """64 samples, as in the lecture's plan."""
    return diffeo.load("glow-mnist").sample(64, temperature=0.8, generator=drawn(0))


@cache
def colder() -> Tensor:
    """Three draws at seven temperatures."""
    flow = diffeo.load("glow-mnist")
    return editing.temperature_strip(flow, flow.base.draw(3, drawn(4)), TEMPERATURES)


@cache
def between() -> Tensor:
    """Two samples and seven images on the way to two others."""
    x = digits(3, 1, 4, 9, seed=1)
    return editing.interpolate(diffeo.load("glow-mnist"), x[:2], x[2:], steps=9)


@cache
def redrawn(keep: int) -> Tensor:
    """Samples of which one level was kept, and the other drawn anew."""
    flow, x = diffeo.load("glow-mnist"), digits(3, 7, 5, seed=2)
    return editing.resample_levels(flow, x, [keep], n=4, temperature=0.8, generator=drawn(3))


@cache
def moved(attribute: str, strengths: tuple[float, ...], labels: tuple[int, ...], seed: int) -> Tensor:
    """Samples along a direction."""
    flow, condition = diffeo.load("glow-mnist-classes"), torch.tensor(labels)
    return editing.sweep(flow, digits(*labels, seed=seed), directions()[attribute], strengths, condition=condition)


@cache
def all_classes() -> Tensor:
    """Two samples, and each as all ten digits, slant and thickness held."""
    flow, own = diffeo.load("glow-mnist-classes"), torch.tensor([3, 5])
    x, hold = digits(*own.tolist(), seed=8), list(directions().values())
    edited = [editing.change_class(flow, x, own, torch.tensor(c), hold=hold) for c in CLASSES]
    return torch.stack([x, *edited], 1)


@cache
def mixed(take: int) -> Tensor:
    """Samples a with a level of samples b."""
    return editing.mix_levels(diffeo.load("glow-mnist"), digits(4, 2, seed=9), digits(8, 6, seed=10), [take])


def grid() -> plt.Figure:
    """The lecture's picture."""
    fig, axes = plt.subplots(figsize=(4.6, 5))
    show(axes, generated(), 8)
    axes.set_title("Generated Images", fontsize=18)
    return fig


def temperature() -> plt.Figure:
    """What temperature does."""
    fig, axes = plt.subplots(figsize=(6.6, 3.1))
    show(axes, colder(), len(TEMPERATURES))
    under(axes, [f"{t:g}" for t in TEMPERATURES])
    axes.set_xlabel(text(ko="온도 T", en="temperature T"), fontsize=16)
    return fig


def interpolation() -> plt.Figure:
    """From two samples to two others."""
    fig, axes = plt.subplots(figsize=(6.6, 1.6))
    show(axes, between(), 9)
    return fig


def levels() -> plt.Figure:
    """A sample, then the coarse level drawn anew, then the fine one."""
    fig, columns = plt.subplots(1, 3, figsize=(8.4, 3), width_ratios=(1, 4, 4))
    for axes, images, said in zip(
        columns,
        [digits(3, 7, 5, seed=2)[:, None], redrawn(1), redrawn(0)],
        [text(ko="표본", en="sample"), text(ko="거친 수준(7×7)만 다시", en="coarse level (7×7) anew"),
         text(ko="고운 수준(14×14)만 다시", en="fine level (14×14) anew")],
        strict=True,
    ):  # fmt: skip
        show(axes, images, images.shape[1])
        axes.set_title(said, fontsize=15)
    return fig


def direction() -> plt.Figure:
    """Along slant and along thickness."""
    fig, rows = plt.subplots(2, 1, figsize=(6.6, 2.5))
    said = {"slant": text(ko="기울기", en="slant"), "thickness": text(ko="굵기", en="thickness")}
    for axes, (attribute, name) in zip(rows, said.items(), strict=True):
        show(axes, moved(attribute, (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0), (7 if attribute == "slant" else 2,), 6), 7)
        axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=16)
    under(rows[1], ["−3", "−2", "−1", text(ko="표본", en="sample"), "1", "2", "3"])
    return fig


def another_class() -> plt.Figure:
    """Two samples as all ten digits."""
    fig, axes = plt.subplots(figsize=(8.2, 1.75))
    show(axes, all_classes(), 11)
    under(axes, [text(ko="표본", en="sample"), *map(str, CLASSES)])
    return fig


def mix() -> plt.Figure:
    """Two pairs of samples: a, a with b's fine level, a with b's coarse level, b."""
    fig, columns = plt.subplots(1, 4, figsize=(5.2, 3.3))
    said = ["a", text(ko="b의\n고운 수준", en="fine\nof b"),
            text(ko="b의\n거친 수준", en="coarse\nof b"), "b"]  # fmt: skip
    shown = (digits(4, 2, seed=9), mixed(1), mixed(0), digits(8, 6, seed=10))
    for axes, images, name in zip(columns, shown, said, strict=True):
        show(axes, images[:, None], 1)
        axes.set_xlabel(name, fontsize=19)
    return fig


def failure() -> plt.Figure:
    """Too far along a direction."""
    fig, axes = plt.subplots(figsize=(5.4, 2.5))
    show(axes, moved("thickness", (0.0, 3.0, 6.0, 9.0, 12.0), (4, 3), 11), 5)
    under(axes, [text(ko="표본", en="sample"), "3", "6", "9", "12"])
    return fig


def faces() -> plt.Figure:
    """Samples of the flow of faces, as glow_measured.py left them."""
    from PIL import Image

    fig, axes = plt.subplots(figsize=(6, 2.1))
    axes.imshow(np.asarray(Image.open(FACES)), cmap="gray", vmin=0, vmax=255, interpolation="none")
    axes.axis("off")
    return fig


def numbers() -> None:
    """How well the directions of the samples tell held-out samples apart."""
    for attribute, found in directions().items():
        number("glow", f"glow_{attribute}_correlation_of_samples", found.score, COMMAND)


DRAWN = (grid, temperature, interpolation, levels, direction, another_class, mix, failure, faces)
FIGURES = {f"glow-{draw.__name__.replace('_', '-')}": draw for draw in DRAWN}


def main() -> None:
    """Draw the figures that are named, or all, and write the numbers."""
    names = asked(FIGURES, __doc__)
    torch.set_num_threads(1)
    for name in names:
        figure(name, FIGURES[name])
    if names == list(FIGURES):
        numbers()


if __name__ == "__main__":
    main()
