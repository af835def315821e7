"""Diagrams of RealNVP's parts: a coupling in both directions, its masks and their reach, the scales of an image."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import PALETTE, text
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

import diffeo

TINT = {"blue": "#d6e6f2", "orange": "#fae0d1", "grey": "#ececec", "green": "#d2eee5"}


def coupling() -> Figure:
    """Both directions side by side: the network is computed from what is kept, the same way each time."""
    fig, panels = plt.subplots(1, 2, figsize=(12, 3.9))
    titles = (
        text(ko="정방향: 데이터 → 잠재 변수", en="forward: data to latent"),
        text(ko="역방향: 잠재 변수 → 데이터", en="inverse: latent to data"),
    )
    for axes, title, (first, second), formula in zip(
        panels, titles, (("x", "z"), ("z", "x")), (r"$x_b\, e^{s} + t$", r"$(z_b - t)\, e^{-s}$"), strict=True
    ):
        axes.set(xlim=(0, 10), ylim=(0, 6.2))
        axes.axis("off")
        axes.set_title(title, fontsize=17)
        box(axes, 1.0, 4.9, f"${first}_a$", "blue")
        box(axes, 9.0, 4.9, f"${second}_a$", "blue")
        box(axes, 1.0, 1.2, f"${first}_b$", "orange")
        box(axes, 9.0, 1.2, f"${second}_b$", "orange")
        box(axes, 5.0, 3.2, text(ko="조건 신경망  $s,\\ t$", en="conditioner  $s,\\ t$"), "grey", width=4.0)
        box(axes, 5.0, 1.2, formula, "orange", width=4.0)
        arrow(axes, (1.8, 4.9), (8.2, 4.9), "blue")
        arrow(axes, (5.0, 4.9), (5.0, 3.75), "blue")
        arrow(axes, (5.0, 2.65), (5.0, 1.75), "grey")
        arrow(axes, (1.8, 1.2), (3.0, 1.2), "orange")
        arrow(axes, (7.0, 1.2), (8.2, 1.2), "orange")
        axes.text(6.9, 5.1, text(ko="그대로", en="kept"), fontsize=15, ha="center", color=PALETTE["blue"])
    return fig


def box(
    axes: Axes,
    x: float,
    y: float,
    words: str,
    colour: str,
    *,
    width: float = 1.6,
    height: float = 1.05,
    size: float = 17,
) -> None:
    """A box with words around a point."""
    shape = FancyBboxPatch(
        (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.15", linewidth=1.6,
        edgecolor=PALETTE[colour], facecolor=TINT[colour],
    )  # fmt: skip
    axes.add_patch(shape)
    axes.text(x, y, words, ha="center", va="center", fontsize=size)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    """An arrow from one point to another."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": PALETTE[colour], "linewidth": 1.8,
                                             "shrinkA": 0, "shrinkB": 0})  # fmt: skip


def reach(swaps: list[bool], *, side: int = 11) -> list[np.ndarray]:
    """After each coupling, which input pixels the middle pixel depends on: by autograd, with random 3x3 networks."""
    torch.manual_seed(0)
    layers = []
    for swap in swaps:
        network = diffeo.ZeroConv(1, 2)
        torch.nn.init.normal_(network.output.weight, std=0.3)
        layers.append(diffeo.Coupling(1, network, partition="checkerboard", swap=swap))
    x = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found, z = [], x
    for layer in layers:
        z, _ = layer.encode(z)
        middle = z[0, 0, side // 2, side // 2 - 1]  # an odd place, which the first mask changes
        (gradient,) = torch.autograd.grad(middle, x, retain_graph=True)
        found.append((gradient[0, 0] != 0).numpy())
    return found


def masks() -> Figure:
    """Left the two masks; right the pixels that one pixel depends on after 1, 3, 5 couplings."""
    fig = plt.figure(figsize=(12, 4.05))
    grid = fig.add_gridspec(2, 5, width_ratios=(1, 0.08, 1, 1, 1))
    board = np.add.outer(np.arange(8), np.arange(8)) % 2
    channels = np.array([[0, 0], [1, 1]])
    tones = ListedColormap([TINT["blue"], PALETTE["orange"]])
    for row, (picture, title) in enumerate((
        (board, text(ko="체커보드(checkerboard)", en="checkerboard")),
        (channels, text(ko="채널(channel)", en="channels")),
    )):  # fmt: skip
        axes = fig.add_subplot(grid[row, 0])
        if row:
            for i in range(4):
                tone = TINT["blue"] if i > 1 else PALETTE["orange"]
                place = (i * 0.55, i * 0.55)
                axes.add_patch(plt.Rectangle(place, 2.4, 2.4, facecolor=tone, edgecolor="white", zorder=4 - i))
            axes.set(xlim=(-0.1, 4.2), ylim=(-0.1, 4.2))
        else:
            axes.pcolormesh(picture, cmap=tones, edgecolors="white", linewidth=1)
        axes.set_title(title, fontsize=16)
        axes.set_aspect("equal")
        axes.axis("off")
    shown = ListedColormap(["#f2f2f2", PALETTE["blue"]])
    rows = (
        (text(ko="번갈아", en="alternating"), reach([False, True] * 3)),
        (text(ko="한 마스크만", en="one mask only"), reach([False] * 6)),
    )
    for row, (name, pictures) in enumerate(rows):
        for i, after in enumerate((1, 3, 5)):
            picture = pictures[after - 1]
            axes = fig.add_subplot(grid[row, 2 + i])
            axes.pcolormesh(picture[::-1], cmap=shown, vmin=0, vmax=1, edgecolors="white", linewidth=1)
            side = len(picture)
            axes.add_patch(plt.Rectangle((side // 2 - 1, side - 1 - side // 2), 1, 1, fill=False,
                                         edgecolor=PALETTE["orange"], linewidth=3))  # fmt: skip
            seen = int(picture.sum())
            title = text(ko=f"결합층 {after}개: {seen}픽셀", en=f"{after} coupling{'s' * (i > 0)}: {seen} pixels")
            axes.set_title(title, fontsize=15)
            axes.set_aspect("equal")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if i == 0:
                axes.set_ylabel(name, fontsize=16)
    return fig


def shapes(name: str = "realnvp-mnist") -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Class, input and output shape of every layer that a shipped model runs an image through."""
    flow = diffeo.load(name)
    x = torch.full((1, *flow.shape), 0.5)
    with torch.no_grad():
        return [
            (type(step.layer).__name__, tuple(step.x.shape[1:]), tuple(step.z.shape[1:]))
            for step in flow.bijection.steps(x)
        ]


def multiscale() -> Figure:
    """The shapes of the shipped MNIST model, from the image to the two parts of z."""
    found = shapes()
    couplings = [before for kind, before, _ in found if kind == "Coupling"]
    squeeze = next((before, after) for kind, before, after in found if kind == "Squeeze")
    image, deep = squeeze
    half = (deep[0] // 2, *deep[1:])
    counts = [couplings.count(shape) for shape in (image, deep, half)]
    numbers = int(np.prod(half))

    fig, axes = plt.subplots(figsize=(12, 4.7))
    axes.set(xlim=(0, 24.4), ylim=(-0.4, 9.3))
    axes.axis("off")
    axes.set_aspect("equal")
    cube(axes, 0.4, 3.6, image, "blue")
    cube(axes, 8.6, 3.9, deep, "blue")
    cube(axes, 15.2, 5.4, half, "blue")
    cube(axes, 15.2, 0.9, half, "orange")
    box(axes, 22.3, 6.8, text(ko=f"$z$ 거친 쪽\n{numbers}개", en=f"$z$, coarse\n{numbers}"), "blue", width=3.6,
        height=2.1, size=16)  # fmt: skip
    box(axes, 22.3, 2.3, text(ko=f"$z$ 고운 쪽\n{numbers}개", en=f"$z$, fine\n{numbers}"), "orange", width=3.6,
        height=2.1, size=16)  # fmt: skip
    arrow(axes, (5.0, 5.5), (8.3, 5.5), "black")
    arrow(axes, (12.5, 5.9), (14.9, 6.8), "blue")
    arrow(axes, (12.5, 4.9), (14.9, 2.6), "orange")
    arrow(axes, (18.5, 6.8), (20.4, 6.8), "blue")
    arrow(axes, (18.5, 2.3), (20.4, 2.3), "orange")
    for x, y, words, colour in (
        (3.1, 2.4, text(ko=f"체커보드 결합층 {counts[0]}개", en=f"{counts[0]} checkerboard couplings"), "black"),
        (6.6, 6.4, text(ko="스퀴즈", en="squeeze"), "black"),
        (10.2, 2.5, text(ko=f"채널 결합층 {counts[1]}개", en=f"{counts[1]} channel couplings"), "black"),
        (13.2, 8.1, text(ko="절반은 계속", en="half goes on"), "blue"),
        (13.1, 1.7, text(ko="분리 출력", en="factor-out"), "orange"),
        (19.6, 8.8, text(ko=f"체커보드 결합층 {counts[2]}개", en=f"{counts[2]} checkerboard couplings"), "black"),
    ):
        axes.text(x, y, words, ha="center", va="center", fontsize=15, color=PALETTE[colour])
    return fig


def cube(axes: Axes, x: float, y: float, shape: tuple[int, ...], colour: str) -> None:
    """Channels as sheets one behind the other, with the shape below."""
    channels, side = shape[0], shape[1] / 28 * 4.2
    for i in reversed(range(channels)):
        axes.add_patch(plt.Rectangle((x + 0.3 * i, y + 0.3 * i), side, side, facecolor=TINT[colour],
                                     edgecolor=PALETTE[colour], linewidth=1.4))  # fmt: skip
    axes.text(x + side / 2 + 0.15 * (channels - 1), y - 0.5, " × ".join(map(str, shape)), ha="center", va="center",
              fontsize=15)  # fmt: skip
