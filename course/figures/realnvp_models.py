"""Figures of the shipped RealNVPs: a coupling's Jacobian, the log-scales in use, samples, and densities."""

import math
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import PALETTE, text
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

import diffeo


def trained_coupling() -> tuple[diffeo.Coupling, Tensor]:
    """A channel coupling of the shipped digits model, and what reaches it when a digit is encoded."""
    flow = diffeo.load("realnvp-digits").double()
    x = diffeo.data.load("digits").test.x[:1]
    with torch.no_grad():
        point = flow.door.encode(x, torch.full(x.shape, 0.5, dtype=torch.float64))
        for step in flow.bijection.steps(point):
            if isinstance(step.layer, diffeo.Coupling) and step.x.shape[1] == 4:
                return step.layer, step.x
    raise LookupError("realnvp-digits has no channel coupling")


@cache
def jacobian_matrix() -> tuple[np.ndarray, float]:
    """Autograd's Jacobian ``(64, 64)`` and the layer's log_det."""
    layer, x = trained_coupling()

    def run(flat: Tensor) -> Tensor:
        return layer.encode(flat.view_as(x))[0].flatten()

    matrix = torch.autograd.functional.jacobian(run, x.flatten())
    with torch.no_grad():
        return matrix.numpy(), float(layer.encode(x)[1])


def jacobian() -> Figure:
    """Absolute entries on a log scale; exact zeros stay white."""
    matrix, _ = jacobian_matrix()
    half = len(matrix) // 2
    fig, axes = plt.subplots(figsize=(6.6, 5.6))
    shown = np.ma.masked_equal(np.abs(matrix), 0)
    drawn = axes.pcolormesh(np.arange(len(matrix) + 1), np.arange(len(matrix) + 1), shown, cmap="cividis_r",
                            norm=LogNorm(1e-4, 3), rasterized=True)  # fmt: skip
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set(xticks=[half / 2, 1.5 * half], yticks=[half / 2, 1.5 * half])
    axes.set_xticklabels(["$x_a$", "$x_b$"], fontsize=18)
    axes.set_yticklabels(["$z_a$", "$z_b$"], fontsize=18)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(True)
    axes.axhline(half, color=PALETTE["grey"], linewidth=1)
    axes.axvline(half, color=PALETTE["grey"], linewidth=1)
    axes.text(1.5 * half, 0.5 * half, "0", fontsize=48, ha="center", va="center", color=PALETTE["orange"])
    place = {"fontsize": 17, "ha": "center", "va": "center", "color": PALETTE["black"],
             "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.85}}  # fmt: skip
    axes.text(0.5 * half, 0.32 * half, r"$I$", **place)
    axes.text(1.5 * half, 1.25 * half, r"diag$(e^{s})$", **place)
    axes.text(0.5 * half, 1.5 * half, r"$\partial z_b / \partial x_a$", **place)
    bar = fig.colorbar(drawn, ax=axes, shrink=0.9, format="%g")
    bar.ax.minorticks_off()
    bar.set_label(text(ko="원소의 절댓값 (흰색: 정확히 0)", en="absolute entry (white: exactly 0)"), fontsize=14)
    return fig


# ---- the bound


@cache
def log_scales() -> np.ndarray:
    """Every log-scale that the trained digits model uses on 64 test digits."""
    flow = diffeo.load("realnvp-digits")
    x = diffeo.data.load("digits").test.x[:64]
    found = []
    with torch.no_grad():
        point = flow.door.encode(x, torch.rand(x.shape, generator=torch.Generator().manual_seed(0)))
        for step in flow.bijection.steps(point):
            if isinstance(step.layer, diffeo.Coupling):
                layer = step.layer
                kept, changed = layer.partition.split(step.x)
                _, log_scale = layer.elementwise.encode(changed, layer.parameters_of(kept, None))
                both = layer.partition.merge(torch.full_like(kept, torch.nan), log_scale)  # kept pixels have no scale
                found.append(both[~both.isnan()])
    return torch.cat(found).numpy()


def bounded() -> Figure:
    """The bound, and what a trained model makes of it."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2))
    raw = torch.linspace(-8, 8, 200)
    _, s = diffeo.Affine().encode(torch.zeros(200, 1), torch.stack([raw, torch.zeros(200)], 1))
    left.plot(
        raw, raw, color=PALETTE["grey"], linestyle="--", label=text(ko="제한 없음 $s = r$", en="no bound, $s = r$")
    )
    left.plot(raw, s[:, 0], label=r"$s = 2\,\tanh(r/2)$")
    left.plot(0, 0, "o", color=PALETTE["orange"], markersize=10, label=text(ko="시작: $s = 0$", en="start: $s = 0$"))
    left.set(xlim=(-8, 8), ylim=(-5, 5), xlabel=text(ko="조건 신경망의 출력 $r$", en="output of the conditioner, $r$"),
             ylabel=text(ko="로그 배율 $s$", en="log-scale $s$"))  # fmt: skip
    left.legend(fontsize=12, loc="upper left")
    used = log_scales()
    right.hist(used, bins=np.linspace(-2, 2, 81), density=True, color=PALETTE["blue"])
    right.set_yscale("log")
    right.yaxis.set_major_formatter("{x:g}")
    right.set(xlim=(-2.3, 2.3), xlabel=text(ko="학습 후의 $s$ (realnvp-digits)", en="$s$ after training"),
              ylabel=text(ko="빈도 밀도 (로그 눈금)", en="density (log scale)"))  # fmt: skip
    for limit in (-2, 2):
        right.axvline(limit, color=PALETTE["orange"], linestyle="--")
    return fig


@cache
def sample_grid(name: str, values: int) -> np.ndarray:
    """64 samples of a shipped model as one grey picture of 8 by 8, enlarged so that no viewer blurs it."""
    drawn = diffeo.load(name).sample(64, temperature=0.8, generator=torch.Generator().manual_seed(0))
    return np.asarray(diffeo.evaluation.image_grid(drawn, values, columns=8, pixels=460).convert("L"))


def generated() -> Figure:
    """64 samples of both shipped image models."""
    fig, panels = plt.subplots(1, 2, figsize=(7.2, 4.1))
    for axes, (name, values) in zip(panels, (("realnvp-mnist", 256), ("realnvp-digits", 17)), strict=True):
        axes.imshow(sample_grid(name, values), cmap="gray", interpolation="none")
        axes.set_title("Generated Images", fontsize=17)
        axes.set_xlabel(text(ko=f"{name}, 값 {values}개", en=f"{name}, {values} values"))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return fig


@cache
def resampled() -> np.ndarray:
    """Four samples of the MNIST model, each with its fine half drawn anew four times, then its coarse half."""
    flow = diffeo.load("realnvp-mnist")
    generator = torch.Generator().manual_seed(4)
    z = 0.7 * torch.randn(4, 784, generator=generator)
    coarse = math.prod(flow.level_shapes[0])
    rows = []
    for row in z:
        new = 0.7 * torch.randn(4, 784, generator=generator)
        other_fine, other_coarse = row.repeat(4, 1), row.repeat(4, 1)
        other_fine[:, coarse:] = new[:, coarse:]
        other_coarse[:, :coarse] = new[:, :coarse]
        rows.append(torch.cat([row[None], other_fine, other_coarse]))
    x = flow.sample(36, noise=torch.cat(rows))
    return np.asarray(diffeo.evaluation.image_grid(x, 256, columns=9, pixels=700).convert("L"))


def levels() -> Figure:
    """Samples whose coarse or fine half of z is drawn anew."""
    fig, axes = plt.subplots(figsize=(9, 4.4))
    axes.imshow(resampled(), cmap="gray", interpolation="none")
    wide = resampled().shape[1] / 9
    axes.set(xticks=[0.5 * wide, 3 * wide, 7 * wide], yticks=[])
    axes.set_xticklabels([
        text(ko="표본", en="sample"), text(ko="고운 쪽만 다시", en="new fine half"),
        text(ko="거친 쪽만 다시", en="new coarse half"),
    ], fontsize=15)  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return fig


@cache
def density_map(name: str) -> tuple[Tensor, float, np.ndarray]:
    """Test rows of a toy, half the side of a square around them, and a shipped model's density there."""
    rows = diffeo.data.load(name).test.x
    half = 1.08 * float(rows.abs().quantile(0.9995))
    across = torch.linspace(-half, half, 200)
    places = torch.stack(torch.meshgrid(across, across, indexing="xy"), 2).flatten(0, 1)
    with torch.no_grad():
        p = diffeo.load(f"realnvp-{name}").log_prob(places, batch_size=2**14).exp()
    return rows, half, p.view(200, 200).numpy()


def density() -> Figure:
    """Two toys: test rows, and the density that a shipped model gives every place."""
    fig, panels = plt.subplots(1, 4, figsize=(13, 3.7))
    titles = (text(ko="두 초승달: 데이터", en="two moons: data"), text(ko="바람개비: 데이터", en="pinwheel: data"))
    for i, name in enumerate(("moons", "pinwheel")):
        rows, half, p = density_map(name)
        points, surface = panels[2 * i : 2 * i + 2]
        points.scatter(*rows[:1500].T, s=2, color=PALETTE["blue"], linewidths=0, rasterized=True)
        points.set_title(titles[i], fontsize=16)
        drawn = surface.imshow(p, origin="lower", extent=(-half, half, -half, half), cmap="viridis")
        surface.set_title(text(ko="모델의 밀도 p(x)", en="the model's density p(x)"), fontsize=15)
        fig.colorbar(drawn, ax=surface, shrink=0.75)
        for axes in (points, surface):
            axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal", xticks=[], yticks=[])
    return fig
