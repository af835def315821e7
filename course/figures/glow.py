"""Part 3: the layers of Glow, its training and its limits. `python course/figures/glow.py [NAME ..]`.

Draws from models that ship, from scikit-learn's digits, and from figures that the documentation gives with their
commands. Pictures of samples and of edits are made by glow_pictures.py.
"""

import csv
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import FOLDER, PALETTE, asked, figure, number, text
from glow_actnorm import actnorm, batchnorm, by_batch_statistics
from matplotlib.patches import FancyBboxPatch

import diffeo

COMMAND = "python course/figures/glow.py"
TRAINED = "diffeo train --config recipes/{}.yaml"
LIKELIHOOD = "python benchmarks/likelihood_is_not_everything.py glow-mnist glow-fashion-mnist"
EDITING = "diffeo edit measure glow-mnist-classes"
CURVES, MEASURED = FOLDER.parents[1] / "recipes" / "curves", FOLDER.parent / "measured" / "glow.json"
DOCUMENTED = {  # figures of a page of docs and the command that the page names, whose runs take longer than a build
    ("likelihood.md", LIKELIHOOD): {
        "fashion_on_fashion": 3.011, "fashion_on_mnist": 1.570, "fashion_on_black": 0.133, "fashion_on_noise": 8.840,
        "pairs_won_by_digits": 94.9, "mixture": 1.106, "mixture_of": 1.098, "mixture_costs": 0.0085,
        "bits_at_0": 0.846, "bits_at_07": 1.025, "bits_at_08": 1.079, "bits_at_1": 1.232, "bits_of_test": 1.098,
        "coarse_changes": 38.6, "fine_changes": 4.3,
    },
    ("editing.md", EDITING): {
        "class_reached": 90.2, "class_reached_error": 0.9, "judge": 99.0, "thickness_ratio": 0.264,
        "slant_ratio": 0.373, "brightness_ratio": 0.937, "samples_recognised": 90.6,
    },
}  # fmt: skip


def note(key: str, value: float | str, command: str = COMMAND) -> None:
    """Write down a number of this part."""
    number("glow", f"glow_{key}", value, command)


def layers(flow: diffeo.Flow, kind: type) -> list:
    """Its layers of a kind, from the image on."""
    return [module for module in flow.modules() if isinstance(module, kind)]


# ---- what a step is made of


def boxes(axes: plt.Axes, left: float, names: list[tuple[str, str]]) -> None:
    """A column of boxes with arrows between them, the first on top."""
    for i, (name, colour) in enumerate(names):
        at = 3.1 - 1.25 * i
        axes.add_patch(
            FancyBboxPatch((left, at), 3.6, 0.8, boxstyle="round,pad=0.06", fc="white", ec=PALETTE[colour], lw=2.5)
        )
        axes.text(left + 1.8, at + 0.4, name, ha="center", va="center", fontsize=17)
        if i:
            axes.annotate("", (left + 1.8, at + 0.9), (left + 1.8, at + 1.2), arrowprops={"arrowstyle": "->", "lw": 2})


def step() -> plt.Figure:
    """One step of RealNVP beside one of Glow."""
    fig, axes = plt.subplots(figsize=(7.6, 3.9))
    axes.set(xlim=(-0.2, 8.4), ylim=(0.35, 4.9))
    axes.axis("off")
    axes.text(1.8, 4.4, "RealNVP", ha="center", fontsize=20, weight="bold")
    axes.text(6.2, 4.4, "Glow", ha="center", fontsize=20, weight="bold")
    coupling = text(ko="아핀 결합층", en="affine coupling")
    boxes(axes, 0, [
        (text(ko="배치 정규화", en="batch norm"), "grey"),
        (text(ko="마스크 교대 (고정)", en="masks in turn (fixed)"), "grey"),
        (coupling, "blue"),
    ])  # fmt: skip
    boxes(axes, 4.4, [
        ("ActNorm", "orange"),
        (text(ko="가역 1×1 합성곱", en="1×1 convolution"), "orange"),
        (coupling, "blue"),
    ])  # fmt: skip
    return fig


def mixing() -> plt.Figure:
    """Orders of channels as matrices: reversed, shuffled, and three that glow-mnist has learned."""
    flow = diffeo.load("glow-mnist")
    learned = [layer.weight().detach().numpy() for layer in layers(flow, diffeo.InvertibleConv1x1)]
    shown = [
        (np.eye(4)[::-1], text(ko="뒤집기 (고정)", en="reversed (fixed)")),
        (np.eye(4)[[2, 0, 3, 1]], text(ko="섞기 (고정)", en="shuffled (fixed)")),
        (learned[0], text(ko="학습: 14×14, 1단계", en="learned: 14×14, step 1")),
        (learned[7], text(ko="학습: 14×14, 8단계", en="learned: 14×14, step 8")),
        (learned[8], text(ko="학습: 7×7, 1단계", en="learned: 7×7, step 1")),
    ]
    fig, columns = plt.subplots(1, 5, figsize=(12, 2.6))
    for axes, (matrix, title) in zip(columns, shown, strict=True):
        drawn = axes.imshow(matrix, cmap="RdBu", vmin=-1.2, vmax=1.2, interpolation="none")
        axes.set_title(title, fontsize=14)
        axes.set(xticks=[], yticks=[])
        if len(matrix) == 4:
            for i, row in enumerate(matrix):
                for j, value in enumerate(row):
                    light = "white" if abs(value) > 0.75 else "black"
                    said = f"{value:.0f}" if value in (0, 1) else f"{value:.2f}".replace("-", "−")
                    axes.text(j, i, said, ha="center", va="center", fontsize=11, color=light)
    fig.colorbar(drawn, ax=columns, shrink=0.8, pad=0.01)
    return fig


def factors() -> plt.Figure:
    """A learned W and its P, L, U."""
    layer = layers(diffeo.load("glow-mnist"), diffeo.InvertibleConv1x1)[8]
    lower, upper, _ = (factor.detach().numpy() for factor in layer.factors())
    permutation = np.eye(8)[layer.order.numpy()]
    shown = {"W": layer.weight().detach().numpy(), "P": permutation, "L": lower, "U": upper}
    fig, columns = plt.subplots(1, 4, figsize=(12, 3.6), layout="none")
    fig.subplots_adjust(left=0.01, right=0.99, top=0.87, bottom=0.13, wspace=0.1)
    under = [
        "", text(ko="순열 (고정)", en="permutation (fixed)"), text(ko="대각이 1", en="ones on the diagonal"),
        text(ko="대각의 부호 고정", en="signs of the diagonal fixed"),
    ]  # fmt: skip
    for axes, sign, (name, matrix), said in zip(columns, ("", "=", "·", "·"), shown.items(), under, strict=True):
        axes.imshow(matrix, cmap="RdBu", vmin=-1.2, vmax=1.2, interpolation="none")
        axes.set_title(f"{sign}   {name}" if sign else name, fontsize=20)
        axes.set(xticks=[], yticks=[])
        axes.set_xlabel(said, fontsize=17)
        axes.add_patch(plt.Rectangle((-0.5, -0.5), 8, 8, fill=False, lw=1))
        if name == "U":
            axes.plot(range(8), range(8), "o", ms=11, mfc="none", color=PALETTE["black"], mew=1.6)
    return fig


def conv1x1_numbers() -> None:
    """The determinant of a learned layer, by slogdet and by its diagonal."""
    flow = diffeo.load("glow-mnist").double()
    for name, layer in zip(
        ("fine", "coarse"), [layers(flow, diffeo.InvertibleConv1x1)[i] for i in (0, 8)], strict=True
    ):
        by_slogdet = float(torch.linalg.slogdet(layer.weight().detach())[1])
        by_diagonal = float(layer.factors()[2].detach().sum())
        side = 14 if name == "fine" else 7
        note(f"log_det_w_{name}", by_diagonal)
        note(f"log_det_layer_{name}", side * side * by_diagonal)
        note(f"log_det_difference_{name}", f"{abs(by_slogdet - by_diagonal):.0e}")


# ---- cards, curve, likelihood


def card_numbers() -> None:
    """What the cards of models that ship say."""
    for name in ("glow-mnist", "realnvp-mnist", "glow-mnist-hour", "glow-mnist-classes", "glow-digits"):
        card, key = diffeo.models.card(name), name.replace("-", "_").removeprefix("glow_")
        for what, value in {
            "bits": card["test"]["mean"],
            "error": card["test"]["standard_error"],
            "parameters": card["parameters"],
            "uniform": card["baselines"]["uniform"]["mean"],
            "histogram": card["baselines"]["histogram"]["mean"],
            "gaussian": card["baselines"]["gaussian"]["mean"],
            "minutes": card["trained"]["seconds"] / 60,
            "steps": card["trained"]["steps"],
            "wrong": card["wrong_values"],
        }.items():
            note(f"{key}_{what}", value, TRAINED.format(name))
    clothes = diffeo.models.card("glow-fashion-mnist")["baselines"]["histogram"]["mean"]
    note("fashion_histogram", clothes, TRAINED.format("glow-fashion-mnist"))
    summary = json.loads((diffeo.models.folder("glow-mnist") / "summary.json").read_text())
    note("mnist_memory_gb", summary["peak_memory"]["process"] / 1024, TRAINED.format("glow-mnist"))


def counted() -> None:
    """Parameters of glow-mnist by kind and level."""
    flow = diffeo.load("glow-mnist")
    kinds = {"actnorm": diffeo.ActNorm, "conv": diffeo.InvertibleConv1x1, "coupling": diffeo.Coupling}
    for name, kind in kinds.items():
        sizes = [sum(p.numel() for p in layer.parameters()) for layer in layers(flow, kind)]
        note(f"count_{name}_fine", sum(sizes[:8]))
        note(f"count_{name}_coarse", sum(sizes[8:]))
    note("conv_all", sum(p.numel() for layer in layers(flow, diffeo.InvertibleConv1x1) for p in layer.parameters()))
    prior = sum(p.numel() for split in layers(flow, diffeo.Split) for p in split.prior.parameters())
    note("count_prior", prior)
    note("count_gaussianize", sum(p.numel() for one in layers(flow, diffeo.Gaussianize) for p in one.parameters()))
    note("count_all", sum(p.numel() for p in flow.parameters()))


def curve() -> plt.Figure:
    """Validation of ten minutes' and an hour's Glow, and where the simple densities lie."""
    fig, axes = plt.subplots(figsize=(5.2, 3.6))
    for name, colour, said in (
        ("glow-mnist", "blue", text(ko="10분 (매개변수 21만)", en="ten minutes (0.2 M parameters)")),
        ("glow-mnist-hour", "orange", text(ko="1시간 (매개변수 48만)", en="an hour (0.5 M parameters)")),
    ):
        with (CURVES / f"{name}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        minutes = [float(row["seconds"]) / 60 for row in rows]
        axes.plot(minutes, [float(row["validation"]) for row in rows], "o-", ms=5, color=PALETTE[colour], label=said)
    axes.set(xlabel=text(ko="학습 시간 (분, 한 코어)", en="minutes of training on one core"), ylim=(1.08, 1.21))
    axes.set_ylabel(text(ko="검증 bits/dim (256값)", en="validation bits/dim (256 values)"))
    axes.legend(fontsize=13)
    return fig


def other_data() -> plt.Figure:
    """What a flow of clothing says of four kinds of images."""
    found = DOCUMENTED["likelihood.md", LIKELIHOOD]
    rows = [
        (text(ko="균등 잡음", en="uniform noise"), "fashion_on_noise", "grey"),
        (text(ko="Fashion-MNIST 시험", en="Fashion-MNIST, test"), "fashion_on_fashion", "blue"),
        (text(ko="MNIST 시험", en="MNIST, test"), "fashion_on_mnist", "orange"),
        (text(ko="전부 검정", en="all black"), "fashion_on_black", "grey"),
    ]
    fig, axes = plt.subplots(figsize=(7.2, 3.3))
    for at, (_, key, colour) in enumerate(rows):
        axes.barh(at, found[key], color=PALETTE[colour], height=0.65)
        axes.text(found[key] + 0.12, at, f"{found[key]:.2f}", va="center", fontsize=16)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=15)
    axes.set(xlim=(0, 10), ylim=(-0.6, 3.6))
    axes.set_xlabel(text(ko="bits/dim (256값), 낮을수록 그럴듯함", en="bits/dim (256 values), lower is more likely"))
    return fig


def timeline() -> plt.Figure:
    """Flows from 2014 to 2024."""
    events = [
        (2014.8, "NICE", 1),
        (2016.4, "RealNVP", -1),
        (2018.5, "Glow", 1),
        (2018.8, "FFJORD", -1),
        (2019.1, "Flow++", 2),
        (2019.45, text(ko="신경 스플라인", en="neural splines"), -2),
        (2019.5, text(ko="잔차 흐름", en="residual flows"), 1),
        (2022.8, text(ko="흐름 매칭", en="flow matching"), -1),
        (2024.9, "TarFlow", 1),
    ]
    fig, axes = plt.subplots(figsize=(12, 2.6))
    axes.axhline(0, color=PALETTE["black"], lw=2)
    for year, name, height in events:
        ours = name in ("NICE", "RealNVP", "Glow")
        colour = PALETTE["blue" if ours else "orange"]
        axes.plot([year, year], [0, height * 0.55], color=colour, lw=1.5)
        axes.plot(year, 0, "o", ms=9, color=colour)
        axes.text(year, height * 0.55 + (0.12 if height > 0 else -0.12), name, fontsize=16,
                  ha="left" if year == 2019.5 else "center",
                  va="bottom" if height > 0 else "top", color=colour, weight="bold")  # fmt: skip
    axes.set(ylim=(-1.9, 1.9), xlim=(2014, 2025.9), yticks=[], xticks=range(2014, 2026))
    axes.tick_params(labelsize=14)
    axes.spines["left"].set_visible(False)
    return fig


def measured_numbers() -> None:
    """What glow_measured.py found on real images."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    said = found["command"]
    strengths = found["sweeps"]["strengths"]
    for attribute in ("slant", "thickness"):
        sweep = found["sweeps"][attribute]
        note(f"{attribute}_correlation", sweep["correlation"], said)
        for strength, mean, same in zip(strengths, sweep["mean"], sweep["same_class"], strict=True):
            key = f"{attribute}_{'m' if strength < 0 else 'p'}{abs(strength):g}"
            note(key, mean, said)
            note(f"{key}_same", 100 * same["mean"], said)
            note(f"{key}_same_error", 100 * same["standard_error"], said)
    note("edited_rows", found["sweeps"]["rows"], said)
    for level in ("coarse", "fine"):
        for what, share in found["mixing"][level].items():
            note(f"mix_{level}_{what}", 100 * share["mean"], said)
            note(f"mix_{level}_{what}_error", 100 * share["standard_error"], said)
    for data in ("mnist", "faces"):
        copies = found[f"{data}_copies"]
        for what in ("distance_of_samples", "distance_of_test_rows", "nearer", "nearer_p_value", "at_training",
                     "at_training_expected", "at_training_p_value"):  # fmt: skip
            note(f"{data}_copies_{what}", copies[what], said)
        note(f"{data}_copies_nearer_percent", 100 * copies["nearer"], said)
        note(f"{data}_copies_train", copies["train_bits_per_dim"]["mean"], said)
        note(f"{data}_copies_test", copies["test_bits_per_dim"]["mean"], said)
        note(f"{data}_copies_gap", copies["gap"]["mean"], said)
        note(f"{data}_copies_gap_error", copies["gap"]["standard_error"], said)
    faces, trained = found["faces"], TRAINED.format("glow-olivetti")
    note("faces_bits", faces["test_bits_per_dim"], trained)
    note("faces_error", faces["standard_error"], trained)
    note("faces_parameters", faces["parameters"], trained)
    note("faces_seconds", faces["seconds"], trained)
    note("faces_memory_gb", faces["peak_memory"]["process"] / 1024, trained)
    for name, one in faces["baselines"].items():
        note(f"faces_{name}", one["mean"], trained)


def numbers() -> None:
    """All numbers of this part but those that glow_pictures.py writes."""
    for (_, command), values in DOCUMENTED.items():
        for key, value in values.items():
            note(key, value, command)
    card_numbers()
    counted()
    conv1x1_numbers()
    own, by_size = by_batch_statistics()
    note("actnorm_bits", own)
    for size, (bits, moves) in by_size.items():
        note(f"batch_{size}_bits", bits)
        note(f"batch_{size}_moves", moves)
    measured_numbers()


DRAWN = (step, mixing, factors, actnorm, batchnorm, curve, other_data, timeline)
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
