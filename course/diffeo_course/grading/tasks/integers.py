"""Integers: dequantization, and bits per dimension with the constant that belongs to it."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Mistake, Output, Task

VALUES = (17, 256)


def _images(generator: Generator) -> list[tuple[Any, ...]]:
    cases = []
    for values in VALUES:
        x = torch.randint(0, values, (4, 10), generator=generator)
        x[0, 0], x[0, 1] = 0, values - 1
        cases.append((x, values, torch.rand(4, 10, generator=generator)))
    return cases


def _dequantize(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return ((x + noise) / values,)


def _one_less(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return ((x + noise) / (values - 1),)


def _always_256(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return ((x + noise) / 256,)


def _no_noise(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return (x / values,)


def _no_noise_one_less(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return (x / (values - 1),)


def _noise_not_divided(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return (x / values + noise,)


def _not_divided(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return (x + noise,)


def _centred(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return ((x + noise - 0.5) / values,)


def _both_signs(x: Tensor, values: int, noise: Tensor) -> tuple[Tensor]:
    return (2 * (x + noise) / values - 1,)


def _own_noise(cases: Sequence[tuple[Any, ...]], given: Sequence[Tensor]) -> str:
    """Other numbers, all in their cells."""
    cells = [
        torch.equal((y.double() * values).floor(), x.double()) for y, (x, values, _) in zip(given, cases, strict=True)
    ]
    return "own-noise" if all(cells) else ""


def _log_probs(generator: Generator) -> list[tuple[Any, ...]]:
    return [(60 * torch.randn(6, generator=generator) + 40, values, d) for values, d in ((17, 64), (256, 784))]


def _bits(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log2(values) - log_prob / (dimensions * math.log(2)),)


def _no_constant(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (-log_prob / (dimensions * math.log(2)),)


def _constant_of_256(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (8 - log_prob / (dimensions * math.log(2)),)


def _constant_one_less(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log2(values - 1) - log_prob / (dimensions * math.log(2)),)


def _constant_subtracted(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (-math.log2(values) - log_prob / (dimensions * math.log(2)),)


def _negative(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (log_prob / (dimensions * math.log(2)) - math.log2(values),)


def _sign(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (log_prob / (dimensions * math.log(2)) + math.log2(values),)


def _nats(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log(values) - log_prob / dimensions,)


def _mixed(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log2(values) - log_prob / dimensions,)


def _mixed_constant(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log(values) - log_prob / (dimensions * math.log(2)),)


def _all_dimensions(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (dimensions * math.log2(values) - log_prob / math.log(2),)


def _constant_divided(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return ((math.log2(values) - log_prob / math.log(2)) / dimensions,)


def _nats_alone(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (-log_prob / dimensions,)


def _multiplied(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (math.log2(values) - log_prob * math.log(2) / dimensions,)


def _whole_image(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (-log_prob / math.log(2),)


def _averaged(log_prob: Tensor, values: int, dimensions: int) -> tuple[Tensor]:
    return (_bits(log_prob, values, dimensions)[0].mean(),)


INTEGERS = (
    Task(
        function="dequantize",
        signature="dequantize(x, values, noise) -> y",
        outputs=(Output("y", "dequantize", "(B, D)"),),
        cases=_images,
        right=_dequantize,
        mistakes=(
            Mistake("divided-by-one-less", _one_less, 0.25),
            Mistake("values-fixed", _always_256, 0.5),
            Mistake("no-noise", _no_noise),
            Mistake("no-noise", _no_noise_one_less),
            Mistake("noise-not-divided", _noise_not_divided),
            Mistake("not-divided", _not_divided, 0.25),
            Mistake("noise-centred", _centred, 0.25),
            Mistake("both-signs", _both_signs, 0.5),
        ),
        keeps_dtype=False,  # integers come in
        explain=_own_noise,
        tolerance=1e-5,
    ),
    Task(
        function="bits_per_dim",
        signature="bits_per_dim(log_prob_of_y, values, dimensions) -> bits",
        outputs=(Output("bits", "bits-per-dim", "(B,)"),),
        cases=_log_probs,
        right=_bits,
        mistakes=(
            Mistake("bits-no-constant", _no_constant, 0.25),
            Mistake("bits-always-256", _constant_of_256, 0.5),
            Mistake("bits-one-less", _constant_one_less, 0.5),
            Mistake("bits-constant-subtracted", _constant_subtracted, 0.25),
            Mistake("bits-negative", _negative, 0.25),
            Mistake("bits-sign", _sign, 0.25),
            Mistake("bits-nats", _nats, 0.25),
            Mistake("bits-nats", _nats_alone),
            Mistake("bits-multiplied", _multiplied, 0.25),
            Mistake("bits-mixed", _mixed, 0.25),
            Mistake("bits-mixed", _mixed_constant, 0.25),
            Mistake("bits-not-per-dim", _all_dimensions, 0.25),
            Mistake("bits-not-per-dim", _whole_image),
            Mistake("bits-constant-divided", _constant_divided, 0.25),
            Mistake("averaged", _averaged, 0.5),
        ),
    ),
)
