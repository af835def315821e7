"""Figures of the first part: what a flow does to a density. ``python course/figures/flows.py [NAME ..]``"""

import math
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import PALETTE, asked, figure, number, text
from matplotlib.collections import PolyCollection

import diffeo
from diffeo.data import TOYS

COMMAND = "python course/figures/flows.py"
WARM = "cividis"


def stretch(z):
    """A monotone map with a steep middle, and its slope: a bump becomes two."""
    return z + 1.3 * torch.tanh(2.2 * z), 1 + 1.3 * 2.2 / torch.cosh(2.2 * z) ** 2


def normal(z):
    return torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)


def change_of_variables_1d():
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.9))
    z = torch.linspace(-3.2, 3.2, 801, dtype=torch.float64)
    x, slope = stretch(z)
    edges = torch.linspace(-2, 2, 9, dtype=torch.float64)
    colours = plt.get_cmap(WARM)(np.linspace(0.1, 0.95, 8))
    for begin, end, colour in zip(edges[:-1], edges[1:], colours, strict=True):
        inside = (z >= begin - 1e-9) & (z <= end + 1e-9)
        left.fill_between(z[inside], normal(z)[inside], color=colour, lw=0)
        right.fill_between(x[inside], (normal(z) / slope)[inside], color=colour, lw=0)
        middle.plot(z[inside], x[inside], color=colour, lw=4)
    left.plot(z, normal(z), "k", lw=1.5)
    right.plot(x, normal(z) / slope, "k", lw=1.5)
    for axes in (left, right):
        axes.set_ylim(0, 0.42)
    left.set(xlabel="$z$", title=text(ko="기저 분포 $p_Z(z)$", en="base distribution $p_Z(z)$"))
    middle.set(xlabel="$z$", ylabel="$x = g(z)$", title=text(ko="가역 변환 $g$", en="invertible map $g$"))
    right.set(
        xlabel="$x$", title=text(ko="밀도 $p_X(x) = p_Z(z)\\,/\\,g'(z)$", en="density $p_X(x) = p_Z(z)\\,/\\,g'(z)$")
    )
    return fig


def moons():
    return diffeo.load("realnvp-moons").eval()


def boxes(corners):
    """Squares of a grid of corners ``(N, N, 2)`` as polygons."""
    return (
        torch.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], 2).flatten(0, 1).numpy()
    )


def bare(axes, across, up):
    """A picture without axes, one unit as long in both directions."""
    axes.set(xlim=(-across, across), ylim=(-up, up), aspect="equal")
    axes.set_axis_off()


def jacobian_2d():
    flow = moons()
    line = torch.linspace(-2.2, 2.2, 31)
    corners = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)
    centre = (line[:-1] + line[1:]) / 2
    centres = torch.stack(torch.meshgrid(centre, centre, indexing="ij"), -1).flatten(0, 1)
    with torch.no_grad():
        warped = flow.bijection.decode(corners.flatten(0, 1))[0].view_as(corners)
        log_det = flow.bijection.decode(centres)[1].numpy()
    fig, (left, right) = plt.subplots(1, 2, figsize=(12.5, 4.3))
    for axes, shown in ((left, corners), (right, warped)):
        made = PolyCollection(
            boxes(shown), array=log_det, cmap=WARM, edgecolors="white", linewidths=0.35, rasterized=True
        )
        made.set_clim(*np.quantile(log_det, [0.02, 0.98]))
        axes.add_collection(made)
        bare(axes, 3.5, 2.4)
    left.set_title(text(ko="잠재 변수 $z$: 같은 크기의 정사각형", en="latent $z$: squares of one size"))
    right.set_title(text(ko="데이터 $x = g(z)$: 넓이가 $|\\det|$배", en="data $x = g(z)$: areas times $|\\det|$"))
    fig.colorbar(made, ax=(left, right), label=r"$\log\,|\det\,\partial g/\partial z|$", shrink=0.85)
    return fig


def stages(flow, z):
    """The points after every layer, from noise to data."""
    points = [z]
    with torch.no_grad():
        for layer in reversed(list(flow.bijection)):
            z = layer.decode(z)[0]
            points.append(z)
    return points


def layer_by_layer():
    torch.manual_seed(0)
    z = torch.randn(1500, 2)
    points = stages(moons(), z)
    shown = (0, 6, 12, 18, len(points) - 1)
    angle = torch.atan2(z[:, 1], z[:, 0])
    fig, axes = plt.subplots(1, 5, figsize=(13, 3.0))
    for panel, index in zip(axes, shown, strict=True):
        panel.scatter(*points[index].T, c=angle, cmap="twilight_shifted", s=3, rasterized=True, lw=0)
        limit = 5.4 if index == 6 else 3.4  # three couplings reach farther
        bare(panel, limit, limit)
        couplings = index // 2
        panel.set_title(
            text(ko="기저 분포", en="base")
            if index == 0
            else text(ko=f"결합층 {couplings}개", en=f"{couplings} couplings")
        )
    return fig


def arcs_distance(x):
    """How far points are from the two half circles that the moons are drawn around."""
    angle = torch.linspace(0, math.pi, 600)
    upper = 2 * torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    lower = 2 * torch.stack([0.5 - angle.cos(), 0.25 - angle.sin()], 1)
    return torch.cdist(x, torch.cat([upper, lower])).min(1).values


def bridge():
    flow = moons()
    fig, axes = plt.subplots(figsize=(6.6, 4.6))
    across, up = torch.linspace(-3.6, 3.6, 240), torch.linspace(-2.2, 2.2, 150)
    grid = torch.stack(torch.meshgrid(across, up, indexing="xy"), -1)
    with torch.no_grad():
        density = flow.log_prob(grid.flatten(0, 1)).view(150, 240).numpy()
    made = axes.imshow(
        density,
        origin="lower",
        extent=(-3.6, 3.6, -2.2, 2.2),
        cmap=WARM,
        vmin=-11,
        vmax=float(density.max()),
        interpolation="bilinear",
    )
    fig.colorbar(made, ax=axes, label=r"$\log\,p_X(x)$", shrink=0.8)
    axes.set(xticks=[], yticks=[])
    return fig


def measure_bridge():
    """Share of points more than 4 standard deviations of the data's noise away from both half circles."""
    flow = moons()
    torch.manual_seed(0)
    with torch.no_grad():
        model = flow.sample(20_000)
    data = torch.from_numpy(TOYS["moons"](20_000, np.random.default_rng(1))).float()
    for name, points in (("model", model), ("data", data)):
        share = (arcs_distance(points) > 0.4).float().mean().item()
        number("flows", f"bridge_{name}_per_thousand", 1000 * share, f"{COMMAND} bridge")


def train(flow, rows, log_det_counts, *, steps=400, every=8):
    """Adam on the loss with or without its log-determinant; (step, loss trained on, true loss) along the way."""
    torch.manual_seed(0)
    flow.initialize(rows[:512])
    optimiser = torch.optim.Adam(flow.parameters(), lr=6e-3)
    curve = []
    for step in range(steps + 1):
        batch = rows[torch.randint(len(rows), (128,))]
        z, log_det = flow.bijection.encode(batch)
        base = -0.5 * (z**2).sum(1) - math.log(2 * math.pi)
        wrong, right = -base.mean(), -(base + log_det).mean()
        if step % every == 0:
            curve.append((step, wrong.item() if not log_det_counts else right.item(), right.item()))
        optimiser.zero_grad()
        (right if log_det_counts else wrong).backward()
        optimiser.step()
    return torch.tensor(curve)


@cache
def twice_trained():
    """The same small flow of the moons, trained with and without the log-determinant."""
    rows = torch.from_numpy(TOYS["moons"](20_000, np.random.default_rng(0))).float()
    results = {}
    for name, counts in (("right", True), ("wrong", False)):
        torch.manual_seed(0)
        flow = diffeo.RealNVP((2,), couplings=6, width=32)
        curve = train(flow, rows, counts)
        with torch.no_grad():
            results[name] = (curve, flow.bijection.encode(rows[:1500])[0])
    return results


def without_log_det():
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 3.9), width_ratios=(1.5, 1, 1))
    results = twice_trained()
    curve, collapsed = results["wrong"]
    left.plot(
        curve[:, 0],
        curve[:, 1],
        color=PALETTE["blue"],
        label=text(ko="학습에 쓴 손실 (로그 행렬식 없음)", en="loss trained on (no log-det)"),
    )
    left.plot(
        curve[:, 0],
        curve[:, 2],
        color=PALETTE["orange"],
        ls="--",
        label=text(ko="실제 음의 로그 우도", en="true negative log-likelihood"),
    )
    left.set(xlabel=text(ko="학습 단계", en="training step"), ylabel="nats", ylim=(0, 1.5 * curve[:, 2].max().item()))
    left.legend(fontsize=13, loc="upper left")
    for axes, points, title in (
        (middle, collapsed, text(ko="로그 행렬식 없이: $z$", en="without: $z$")),
        (right, results["right"][1], text(ko="로그 행렬식 포함: $z$", en="with log-det: $z$")),
    ):
        axes.scatter(*points.T, s=4, color=PALETTE["blue"], lw=0, rasterized=True)
        axes.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), title=title, xticks=[-3, 0, 3], yticks=[-3, 0, 3])
        axes.set_aspect("equal")
    command = f"{COMMAND} without_log_det"
    number("flows", "no_log_det_first_loss", curve[0, 1].item(), command)
    number("flows", "no_log_det_last_loss", curve[-1, 1].item(), command)
    number("flows", "no_log_det_true_first", curve[0, 2].item(), command)
    number("flows", "no_log_det_true_last", curve[-1, 2].item(), command)
    number("flows", "no_log_det_spread", collapsed.std(0).max().item(), command)
    number("flows", "with_log_det_true_last", results["right"][0][-1, 2].item(), command)
    return fig


def density_and_units():
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    metres = torch.linspace(1.3, 2.1, 400, dtype=torch.float64)
    for panel, factor, unit in ((axes[0], 1, text(ko="m", en="m")), (axes[1], 100, text(ko="cm", en="cm"))):
        height = normal((metres - 1.7) / 0.07) / 0.07 / factor
        slice_ = (metres > 1.7) & (metres < 1.75)
        panel.plot(metres * factor, height, color=PALETTE["blue"])
        panel.fill_between((metres * factor)[slice_], height[slice_], color=PALETTE["yellow"], lw=0)
        panel.axhline(1, color=PALETTE["grey"], lw=1, ls=":") if factor == 1 else None
        panel.set(
            xlabel=text(ko=f"키 ({unit})", en=f"height ({unit})"),
            ylabel=text(ko=f"밀도 (1/{unit})", en=f"density (1/{unit})"),
            ylim=(0, None),
        )
    area = (torch.erf(torch.tensor(0.05 / 0.07 / math.sqrt(2))) / 2).item()
    number("flows", "units_peak_metres", 1 / (0.07 * math.sqrt(2 * math.pi)), f"{COMMAND} density_and_units")
    number("flows", "units_area", area, f"{COMMAND} density_and_units")
    return fig


FIGURES = (change_of_variables_1d, jacobian_2d, layer_by_layer, bridge, without_log_det, density_and_units)


def main():
    names = asked((draw.__name__ for draw in FIGURES), __doc__)
    for draw in FIGURES:
        if draw.__name__ in names:
            print(*figure(draw.__name__.replace("_", "-"), draw))
    if "bridge" in names:
        measure_bridge()


if __name__ == "__main__":
    main()
