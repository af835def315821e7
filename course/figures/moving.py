"""Animations of the first part and of temperature, as GIF. ``python course/figures/moving.py [NAME ..]``"""

from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from drawing import animation, asked, text

import diffeo
from diffeo.editing import temperature_strip
from diffeo.evaluation import image_grid
from flows import moons, stages

STEPS = 3  # pictures from one layer to the next


def between(points):
    """The positions after every second layer, a coupling and its ActNorm, and on straight lines between them."""
    stops = [points[0], *points[1::2], points[-1]]
    frames = [stops[0]] * 6
    for here, there in pairwise(stops):
        frames += [torch.lerp(here, there, (i + 1) / STEPS) for i in range(STEPS)]
    return frames + [stops[-1]] * 12


def blank():
    fig, axes = plt.subplots(figsize=(4.4, 4.4))
    axes.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), xticks=[], yticks=[])
    axes.set_aspect("equal")
    return fig, axes


def gaussian_layers():
    torch.manual_seed(0)
    z = torch.randn(900, 2)
    frames = between(stages(moons(), z))
    angle = torch.atan2(z[:, 1], z[:, 0])

    def draw(index):
        fig, axes = blank()
        axes.scatter(*frames[index].T, c=angle, cmap="twilight_shifted", s=6, lw=0)
        axes.set_title(text(ko="기저 분포에서 데이터로", en="from the base to the data"))
        return fig

    return animation("gaussian-layers", draw, range(len(frames)))


def grid_layers():
    line, fine = torch.linspace(-2.4, 2.4, 17), torch.linspace(-2.4, 2.4, 81)
    across = torch.stack(torch.meshgrid(line, fine, indexing="ij"), -1)
    frames = between(stages(moons(), torch.cat([across, across.flip(-1)]).flatten(0, 1)))

    def draw(index):
        fig, axes = blank()
        lines = frames[index].view(34, 81, 2)
        for i, points in enumerate(lines):
            axes.plot(*points.T, color="#0072b2" if i < 17 else "#d55e00", lw=0.8)
        axes.set_title(text(ko="격자가 층을 지나는 모습", en="a grid passing through the layers"))
        return fig

    return animation("grid-layers", draw, range(len(frames)))


def temperature():
    """The same noise, from temperature 0 to 1.2 and back: samples of the shipped Glow of MNIST."""
    flow = diffeo.load("glow-mnist").eval()
    torch.manual_seed(0)
    rising = [step / 10 for step in range(13)]
    with torch.no_grad():
        strip = temperature_strip(flow, flow.base.draw(16), rising)

    def draw(index):
        fig, axes = plt.subplots(figsize=(4, 4.4))
        axes.imshow(image_grid(strip[:, index], 256, columns=4), cmap="gray", vmin=0, vmax=255, interpolation="none")
        axes.axis("off")
        axes.set_title(text(ko=f"온도 T = {rising[index]:.1f}", en=f"temperature T = {rising[index]:.1f}"), fontsize=18)
        return fig

    frames = [*range(13), *range(11, 0, -1)]
    return animation("temperature", draw, frames, milliseconds=220, pixels=360)


ANIMATIONS = (gaussian_layers, grid_layers, temperature)


def main():
    names = asked((draw.__name__ for draw in ANIMATIONS), __doc__)
    for draw in ANIMATIONS:
        if draw.__name__ in names:
            print(*draw())


if __name__ == "__main__":
    main()
