"""Part 3: what ActNorm does, and what statistics of the batch would do. Its figures are drawn by glow.py."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
from drawing import PALETTE, text
from torch import Tensor

import diffeo

SIZES = (1, 2, 4, 8, 16, 32, 64)
Encode = Callable[..., tuple[Tensor, Tensor]]


def actnorms(flow: diffeo.Flow) -> list[diffeo.ActNorm]:
    """Its ActNorms, from the image on."""
    return [module for module in flow.modules() if isinstance(module, diffeo.ActNorm)]


def channel_moments(y: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of every channel."""
    return y.mean((0, 2, 3)), y.var((0, 2, 3), correction=0)


@cache
def actnorm_stages() -> list[tuple[Tensor, Tensor]]:
    """Moments of four channels of squeezed digits: as they are, of the first batch after ActNorm, of the next."""
    squeeze, layer = diffeo.Squeeze(), diffeo.ActNorm(4)
    x = diffeo.data.load("digits").train.x.float()
    first, second = (squeeze.encode(rows)[0] for rows in (x[:64], x[64:128]))
    layer.initialize(first)
    with torch.no_grad():
        return [channel_moments(y) for y in (first, layer.encode(first)[0], layer.encode(second)[0])]


@cache
def actnorm_trained() -> tuple[Tensor, Tensor]:
    """Moments of every channel behind every ActNorm of glow-mnist, of its own samples."""
    flow, found = diffeo.load("glow-mnist"), []
    x = flow.sample(200, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad(), replaced(flow, seen(lambda layer, x, z: found.append(channel_moments(z)))):
        flow.log_prob(x, generator=generator)
    return torch.cat([mean for mean, _ in found]), torch.cat([variance for _, variance in found])


@contextmanager
def replaced(flow: diffeo.Flow, encode: Callable[[diffeo.ActNorm, Encode], Encode]) -> Iterator[None]:
    """While it is open, every ActNorm of a flow encodes by what `encode` makes of its own encode."""
    for layer in actnorms(flow):
        layer.encode = encode(layer, layer.encode)
    try:
        yield
    finally:
        for layer in actnorms(flow):
            del layer.encode


def seen(see: Callable[[diffeo.ActNorm, Tensor, Tensor], None]) -> Callable[[diffeo.ActNorm, Encode], Encode]:
    """An encode that shows `see` what goes in and out."""

    def around(layer: diffeo.ActNorm, own: Encode) -> Encode:
        def encode(x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
            z, log_det = own(x, condition)
            see(layer, x, z)
            return z, log_det

        return encode

    return around


def actnorm() -> plt.Figure:
    """Mean and standard deviation of channels before, after, and much later."""
    fig, columns = plt.subplots(1, 3, figsize=(12, 2.85), width_ratios=(1, 1.7, 1.2))
    before, after, later = actnorm_stages()
    channels = np.arange(1, 5)
    for axes, moments, shift, colour, said in (
        (columns[0], before, 0, "grey", text(ko="첫 배치, 전", en="first batch, before")),
        (columns[1], after, -0.12, "blue", text(ko="첫 배치", en="first batch")),
        (columns[1], later, 0.12, "orange", text(ko="다음 배치", en="next batch")),
    ):
        mean, spread = moments[0], moments[1].sqrt()
        axes.errorbar(channels + shift, mean, spread, fmt="o", ms=8, capsize=5, color=PALETTE[colour], label=said)
    columns[0].set_title(text(ko="전", en="before"), fontsize=16)
    columns[1].set_title(text(ko="초기화한 직후", en="just initialised"), fontsize=16)
    columns[1].set_ylim(-1.6, 2.3)
    columns[1].legend(fontsize=13, loc="upper center", ncols=2)
    for axes in columns[:2]:
        axes.axhline(0, color=PALETTE["grey"], lw=1)
        axes.set(xticks=channels, xlabel=text(ko="채널", en="channel"))
    columns[0].set_ylabel(text(ko="평균 ± 표준편차", en="mean ± standard deviation"))
    mean, variance = actnorm_trained()
    columns[2].scatter(mean, variance.sqrt(), s=22, color=PALETTE["green"])
    columns[2].plot(0, 1, "x", ms=13, mew=3, color=PALETTE["black"])
    columns[2].set_title(text(ko="학습 뒤 (glow-mnist)", en="trained (glow-mnist)"), fontsize=16)
    columns[2].set(
        xlabel=text(ko="출력의 평균", en="mean of output"), ylabel=text(ko="표준편차", en="standard deviation")
    )
    return fig


def by_batch(reference: dict[diffeo.ActNorm, tuple[Tensor, Tensor]]) -> Callable[[diffeo.ActNorm, Encode], Encode]:
    """An encode that first brings every channel of the batch to the moments of `reference`, as batch norm does."""

    def around(layer: diffeo.ActNorm, own: Encode) -> Encode:
        mean, variance = (moment[:, None, None] for moment in reference[layer])

        def encode(x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
            at, spread = (moment[:, None, None] for moment in channel_moments(x))
            scale = (variance / (spread + 1e-5)).sqrt()
            z, log_det = own((x - at) * scale + mean, condition)
            return z, log_det + scale.log().sum() * x.shape[2] * x.shape[3]

        return encode

    return around


@cache
def by_batch_statistics() -> tuple[float, dict[int, tuple[float, float]]]:
    """What glow-digits says of digits, and what it would say if every ActNorm used its batch's moments instead.

    Returns:
        its bits/dim; for every size of the batch the mean "bits/dim", and how far a row's is from its true one.
    """
    flow, data = diffeo.load("glow-digits"), diffeo.data.load("digits")
    reference: dict[diffeo.ActNorm, tuple[Tensor, Tensor]] = {}
    rows = data.test.x[:320]
    noise = flow.draw_noise(rows, torch.Generator().manual_seed(0))

    def bits(size: int) -> Tensor:
        parts = [flow.log_prob(x, None, u) for x, u in zip(rows.split(size), noise.split(size), strict=True)]
        return -torch.cat(parts) / (math.prod(flow.shape) * math.log(2))

    with torch.no_grad():
        with replaced(flow, seen(lambda layer, x, z: reference.update({layer: channel_moments(x)}))):
            flow.log_prob(data.train.x, generator=torch.Generator().manual_seed(1))
        own = bits(320)
        with replaced(flow, by_batch(reference)):
            told = {size: bits(size) for size in SIZES}
    return float(own.mean()), {size: (float(b.mean()), float((b - own).abs().mean())) for size, b in told.items()}


def batchnorm() -> plt.Figure:
    """How far an image's bits/dim moves with its batch."""
    fig, axes = plt.subplots(figsize=(6.6, 4))
    moved = [move for _, move in by_batch_statistics()[1].values()]
    axes.plot(SIZES, moved, "o-", color=PALETTE["orange"], label=text(ko="배치 통계", en="statistics of the batch"))
    axes.plot(SIZES, [0] * len(SIZES), "s-", color=PALETTE["blue"], label="ActNorm")
    axes.set_xscale("log", base=2)
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.set_xlabel(text(ko="배치의 크기", en="size of the batch"))
    axes.set_ylabel(text(ko="같은 이미지의 bits/dim 변화", en="change of an image's bits/dim"))
    axes.legend()
    return fig
