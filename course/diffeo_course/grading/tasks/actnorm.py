"""ActNorm: its first batch, and its forward direction."""

from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Mistake, Output, Task


def _batches(generator: Generator) -> list[tuple[Any, ...]]:
    cases = []
    for shape in ((16, 3, 5, 6), (24, 4, 4, 4)):
        scale = 0.5 + 3 * torch.rand(1, shape[1], 1, 1, generator=generator)
        middle = 2 * torch.randn(1, shape[1], 1, 1, generator=generator) + 1
        cases.append((torch.randn(shape, generator=generator) * scale + middle,))
    return cases


def _with_parameters(generator: Generator) -> list[tuple[Any, ...]]:
    cases = []
    for shape in ((4, 3, 5, 6), (2, 4, 4, 4)):
        bias, log_scale = torch.randn(2, shape[1], generator=generator)
        cases.append((torch.randn(shape, generator=generator), bias, log_scale))
    return cases


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.mean((0, 2, 3)), x.std((0, 2, 3), unbiased=False)


def _initialize(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return -mean, -deviation.log()


def _variance(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return -mean, -2 * deviation.log()


def _scale_sign(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return mean, deviation.log()


def _not_log(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return -mean, 1 / deviation


def _deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return -mean, deviation


def _after_scale(x: Tensor) -> tuple[Tensor, Tensor]:
    mean, deviation = _statistics(x)
    return -mean / deviation, -deviation.log()


def _one_for_all(x: Tensor) -> tuple[Tensor, Tensor]:
    channels = x.shape[1]
    return -x.mean().repeat(channels), -x.std().log().repeat(channels)


def _batch_only(x: Tensor) -> tuple[Tensor, Tensor]:
    return -x.mean(0), -x.std(0, unbiased=False).log()


def _like(parameter: Tensor) -> Tensor:
    return parameter[None, :, None, None]


def _places(x: Tensor) -> int:
    return x.shape[2] * x.shape[3]


def _forward(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    return (x + _like(bias)) * _like(log_scale).exp(), (_places(x) * log_scale.sum()).expand(len(x))


def _scale_first(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    return x * _like(log_scale).exp() + _like(bias), _forward(x, bias, log_scale)[1]


def _backwards(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    return x * (-_like(log_scale)).exp() - _like(bias), -_forward(x, bias, log_scale)[1]


def _subtracted(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    return (x - _like(bias)) * _like(log_scale).exp(), _forward(x, bias, log_scale)[1]


def _no_exp(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    return (x + _like(bias)) * _like(log_scale), _forward(x, bias, log_scale)[1]


def _no_places(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, _ = _forward(x, bias, log_scale)
    return z, log_scale.sum().expand(len(x))


def _channels_too(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, log_det = _forward(x, bias, log_scale)
    return z, x.shape[1] * log_det


def _scalar(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, log_det = _forward(x, bias, log_scale)
    return z, log_det[0]


def _batch_sum(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, log_det = _forward(x, bias, log_scale)
    return z, log_det.sum()


def _log_det_sign(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, log_det = _forward(x, bias, log_scale)
    return z, -log_det


def _log_det_mean(x: Tensor, bias: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor]:
    z, _ = _forward(x, bias, log_scale)
    return z, (_places(x) * log_scale.mean()).expand(len(x))


ACTNORM = (
    Task(
        function="actnorm_initialize",
        signature="actnorm_initialize(x) -> (bias, log_scale)",
        outputs=(
            Output("bias", "actnorm-initialize", "(C,)", loose=True),
            Output("log_scale", "actnorm-initialize", "(C,)", loose=True),
        ),
        cases=_batches,
        right=_initialize,
        mistakes=(
            Mistake("variance", _variance, 0.25),
            Mistake("actnorm-sign", _scale_sign, 0.25),
            Mistake("actnorm-not-log", _not_log, 0.25),
            Mistake("actnorm-not-log", _deviation),
            Mistake("actnorm-bias-scaled", _after_scale, 0.5),
            Mistake("actnorm-one-for-all", _one_for_all),
            Mistake("actnorm-batch-only", _batch_only),
        ),
        tolerance=5e-3,  # the standard deviation of a sample or of a population: both are right
    ),
    Task(
        function="actnorm_forward",
        signature="actnorm_forward(x, bias, log_scale) -> (z, log_det)",
        outputs=(Output("z", "actnorm-forward", "(B, C, H, W)"), Output("log_det", "actnorm-forward", "(B,)")),
        cases=_with_parameters,
        right=_forward,
        mistakes=(
            Mistake("exchanged", _backwards),
            Mistake("actnorm-scale-first", _scale_first, 0.5),
            Mistake("actnorm-subtracted", _subtracted, 0.5),
            Mistake("no-exp", _no_exp),
            Mistake("log-det-no-places", _no_places, 0.25),
            Mistake("log-det-channels", _channels_too, 0.25),
            Mistake("log-det-one-number", _scalar, 0.5),
            Mistake("log-det-batch-sum", _batch_sum),
            Mistake("log-det-sign", _log_det_sign),
            Mistake("log-det-mean", _log_det_mean),
        ),
        trains=True,
    ),
)
