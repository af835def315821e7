"""Figures and numbers of the slides on RealNVP: python course/figures/realnvp.py [NAME ..]. No data is needed."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import realnvp_diagrams as diagrams
import realnvp_models as shipped
import torch
from drawing import PALETTE, asked, figure, number, text
from matplotlib.figure import Figure

import diffeo

ROOT = Path(__file__).parents[2]
COMMAND = "python course/figures/realnvp.py"
MEASURED: dict[str, Any] = json.loads((ROOT / "course/measured/realnvp.json").read_text(encoding="utf-8"))


def dequantization() -> Figure:
    """One pixel as spikes, the same pixel with noise, and what trainings with and without noise report."""
    pixel = diffeo.data.load("digits").train.x[:, 0, 3, 4].float()
    fig, (raw, smooth, last) = plt.subplots(1, 3, figsize=(13, 4.2), gridspec_kw={"width_ratios": (1, 1, 1.25)})
    share = torch.bincount(pixel.long(), minlength=17) / len(pixel)
    across = np.linspace(-0.6, 17.4, 3001)
    for width, colour in ((0.2, "sky"), (0.08, "orange")):
        spikes = sum(
            float(p) * np.exp(-0.5 * ((across - k) / width) ** 2) / width / math.sqrt(2 * math.pi)
            for k, p in enumerate(share)
        )
        raw.plot(across, spikes, color=PALETTE[colour], linewidth=1.2, label=f"σ = {width}")
    raw.set_title(text(ko="정수 그대로: 얼마든지 높아짐", en="integers: no limit"), fontsize=16)
    raw.legend(fontsize=14, loc="upper left")
    noisy = pixel + torch.rand(len(pixel), generator=torch.Generator().manual_seed(0))
    smooth.hist(noisy, bins=np.linspace(0, 17, 35), density=True, color=PALETTE["green"])
    smooth.set_title(text(ko="역양자화: $x + u$", en="dequantized: $x + u$"), fontsize=16)
    for axes in (raw, smooth):
        axes.set_xlabel(text(ko="픽셀 값 (값 17개)", en="pixel value (17 values)"))
        axes.set_ylabel(text(ko="밀도", en="density"))
    steps, reported, _, _ = np.array(MEASURED["masks"]["no_noise"]).T
    _, own, _, fair = np.array(MEASURED["masks"]["alternating"]).T
    last.plot(steps, reported, color=PALETTE["orange"], label=text(ko="잡음 없음: 학습", en="no noise: training"))
    last.plot(steps, own, color=PALETTE["green"], label=text(ko="역양자화: 학습", en="dequantized: training"))
    last.plot(
        steps, fair, color=PALETTE["green"], linestyle="--", label=text(ko="역양자화: 시험", en="dequantized: test")
    )
    uniform = math.log2(17)
    last.axhline(uniform, color=PALETTE["grey"], linewidth=1.2, linestyle=":")
    last.text(steps[-1], uniform + 0.1, text(ko=f"균등 {uniform:.2f}", en=f"uniform {uniform:.2f}"), ha="right")
    last.axhline(0, color=PALETTE["black"], linewidth=1)
    last.set(xlabel=text(ko="학습 단계", en="step"), ylabel="bits/dim", ylim=(-0.7, 7.8), xlim=(0, steps[-1]))
    last.legend(fontsize=13, loc="upper right")
    return fig


def preprocessing() -> Figure:
    """A pixel that is always 0: after the logit, and after its own distribution function."""
    generator = torch.Generator().manual_seed(0)
    x = torch.zeros(20000, 1, dtype=torch.uint8)
    point = diffeo.Quantizer(256).encode(x, torch.rand(20000, 1, generator=generator))
    logit, _ = diffeo.Logit(256).encode(point)
    own = diffeo.Gaussianize((1,), 256)
    own.initialize(point)
    with torch.no_grad():
        normal, _ = own.encode(point)
    fig, panels = plt.subplots(1, 2, figsize=(9.6, 3.3))
    across = np.linspace(-6, 4, 400)
    bell = np.exp(-0.5 * across**2) / math.sqrt(2 * math.pi)
    titles = (
        text(ko="로짓(α ≈ 0) 후 표준화", en="logit (α ≈ 0), standardised"),
        text(ko="Gaussianize: 픽셀마다 자기 분포", en="Gaussianize: each pixel's own"),
    )
    for axes, z, title in zip(panels, ((logit - logit.mean()) / logit.std(), normal), titles, strict=True):
        axes.hist(z[:, 0], bins=np.linspace(-6, 4, 81), density=True, color=PALETTE["sky"])
        axes.plot(across, bell, color=PALETTE["orange"], label="N(0, 1)")
        axes.set_title(title, fontsize=16)
        axes.set_xlabel(text(ko="항상 검은 픽셀의 값", en="value of a pixel that is always black"))
        axes.legend(fontsize=14, loc="upper left")
    return fig


def curve() -> Figure:
    """The recorded training of the shipped MNIST model."""
    with open(ROOT / "recipes/curves/realnvp-mnist.csv", encoding="utf-8", newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    minutes = [row["seconds"] / 60 for row in rows]
    bits = [row["validation"] for row in rows]
    histogram = diffeo.models.card("realnvp-mnist")["baselines"]["histogram"]["mean"]
    named = text(ko=f"픽셀별 히스토그램 {histogram:.2f}", en=f"histogram of every pixel {histogram:.2f}")
    fig, axes = plt.subplots(figsize=(5.4, 4.4))
    axes.plot(minutes, bits, marker="o", label=text(ko="RealNVP, 검증", en="RealNVP, validation"))
    axes.axhline(histogram, color=PALETTE["orange"], linestyle="--", label=named)
    axes.set(
        xlabel=text(ko="학습 시간 (분)", en="training time, minutes"), ylabel="bits/dim", ylim=(1.0, 1.85), xlim=(0, 10)
    )
    axes.legend(fontsize=14, loc="upper right", bbox_to_anchor=(1, 0.78))
    axes.set_title(text(ko="균등 분포: 8.00 (그림 밖)", en="uniform: 8.00 (off the scale)"), fontsize=14, loc="right")
    return fig


FIGURES = {
    "realnvp-coupling": diagrams.coupling,
    "realnvp-masks": diagrams.masks,
    "realnvp-multiscale": diagrams.multiscale,
    "realnvp-jacobian": shipped.jacobian,
    "realnvp-bounded": shipped.bounded,
    "realnvp-dequantization": dequantization,
    "realnvp-preprocessing": preprocessing,
    "realnvp-curve": curve,
    "realnvp-generated": shipped.generated,
    "realnvp-levels": shipped.levels,
    "realnvp-density": shipped.density,
}


def write(key: str, value: float, command: str = COMMAND) -> None:
    """A number of this part, to six digits."""
    number("realnvp", f"realnvp.{key}", float(f"{value:.6g}"), command)


def numbers() -> None:
    """What is computed from models here, and what cards, results and measurements say."""
    matrix, log_det = shipped.jacobian_matrix()
    used = np.abs(shipped.log_scales())
    write("jacobian.log_det", log_det)
    write("jacobian.slogdet", float(np.linalg.slogdet(matrix)[1]))
    write("scales.largest", float(used.max()))
    lost = 0.5 * math.log(2 * math.pi * math.e) - 1  # the entropy of a normal less that of log u, both of variance 1
    write("black_pixel.nats", lost)
    write("black_pixel.bits", lost / math.log(2))
    cards()
    power()
    measured()


def cards() -> None:
    """Figures of the shipped models, and their bits a dimension as log densities in two units."""
    for name in ("mnist", "digits", "moons", "pinwheel"):
        card = diffeo.models.card(f"realnvp-{name}")
        write(f"{name}.test", card["test"]["mean"], card["command"])
        write(f"{name}.error", card["test"]["standard_error"], card["command"])
        write(f"{name}.minutes", card["trained"]["seconds"] / 60, card["command"])
        write(f"{name}.parameters", card["parameters"], card["command"])
        for baseline, value in card["baselines"].items():
            write(f"{name}.{baseline}", value["mean"], card["command"])
    for name, values, dimensions in (("mnist", 256, 784), ("digits", 17, 64)):
        bits = diffeo.models.card(f"realnvp-{name}")["test"]["mean"]
        nats = bits * dimensions * math.log(2)
        write(f"{name}.log2_values", math.log2(values))
        write(f"{name}.nats", nats)
        write(f"{name}.bits_an_image", bits * dimensions)
        write(f"{name}.log_prob", -nats)  # of points of [0, n), the integers' units
        write(f"{name}.log_prob_unit", dimensions * math.log(values) - nats)  # of points of [0, 1)
        write(f"{name}.without_constant", bits - math.log2(values))


def power() -> None:
    """The table of docs/results.md on POWER."""
    results = (ROOT / "docs/results.md").read_text(encoding="utf-8").partition("## POWER")[2].partition("\n## ")[0]
    command = next(line.strip() for line in results.splitlines() if "diffeo train" in line)
    for key, row in (("power", r"\*\*RealNVP\*\*[^|]*"), ("power.gaussian", r"Gaussian[^|]*")):
        found = re.search(rf"\| {row}\| (-?[\d.]+) \|", results)
        if found is None:
            raise LookupError(f"docs/results.md: no row {row} under POWER")
        write(f"{key}.test", float(found[1]), command)


def measured() -> None:
    """What realnvp_measured.py wrote down."""
    short = MEASURED["masks"]
    memorised = MEASURED["memorisation"]
    for part, values in {
        "masks": {
            "short_run.steps": short["steps"],
            "one_mask.bits_per_dim": short["one_mask"][-1][3],
            "alternating.bits_per_dim": short["alternating"][-1][3],
            "no_noise.reported": short["no_noise"][-1][1],
            "no_noise.true": short["no_noise"][-1][3],
        },
        "memory": {"mnist.peak_megabytes": MEASURED["memory"]["peak_bytes"] / 1e6},
        "memorisation": {
            "memorisation.samples": memorised["samples"],
            "memorisation.distance_of_samples": memorised["distance_of_samples"],
            "memorisation.distance_of_test_rows": memorised["distance_of_test_rows"],
            "memorisation.nearer": 100 * memorised["nearer"],
            "memorisation.gap": memorised["gap"]["mean"],
            "memorisation.gap_error": memorised["gap"]["standard_error"],
        },
    }.items():
        for key, value in values.items():
            write(key, value, f"{MEASURED['command']} {part}")


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
