"""The loss: the mean negative log-likelihood under a standard normal."""

import math
from typing import Any

import torch
from torch import Generator, Tensor

from diffeo.course.grading.tasks.task import Mistake, Output, Task


def _cases(generator: Generator) -> list[tuple[Any, ...]]:
    return [
        (1.3 * torch.randn(rows, width, generator=generator), 5 * torch.randn(rows, generator=generator) + 3)
        for rows, width in ((5, 12), (8, 64))
    ]


def _normal(z: Tensor) -> Tensor:
    return -0.5 * (z**2).sum(1) - 0.5 * z.shape[1] * math.log(2 * math.pi)


def _loss(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).mean(),)


def _log_det_sign(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) - log_det).mean(),)


def _likelihood(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return ((_normal(z) + log_det).mean(),)


def _no_log_det(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-_normal(z).mean(),)


def _no_constant(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return ((0.5 * (z**2).sum(1) - log_det).mean(),)


def _constant_once(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return ((0.5 * (z**2).sum(1) + 0.5 * math.log(2 * math.pi) - log_det).mean(),)


def _no_half(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (((z**2).sum(1) + 0.5 * z.shape[1] * math.log(2 * math.pi) - log_det).mean(),)


def _sum(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).sum(),)


def _per_dim(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).mean() / z.shape[1],)


def _mean_over_dimensions(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) / z.shape[1] + log_det).mean(),)


def _not_averaged(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det),)


def _squares(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return ((z**2).mean() - log_det.mean(),)


def _bits(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).mean() / math.log(2),)


OBJECTIVE = (
    Task(
        function="loss",
        signature="loss(z, log_det) -> scalar",
        outputs=(Output("loss", "loss", "()", loose=True),),
        cases=_cases,
        right=_loss,
        mistakes=(
            Mistake("loss-log-det-sign", _log_det_sign),
            Mistake("loss-sign", _likelihood, 0.25),
            Mistake("loss-no-log-det", _no_log_det),
            Mistake("loss-no-constant", _no_constant, 0.5),
            Mistake("loss-constant-once", _constant_once, 0.5),
            Mistake("loss-no-half", _no_half, 0.25),
            Mistake("loss-sum", _sum, 0.5),
            Mistake("loss-per-dim", _per_dim, 0.5),
            Mistake("loss-mean-over-dimensions", _mean_over_dimensions),
            Mistake("loss-not-averaged", _not_averaged, 0.5),
            Mistake("loss-squares", _squares),
            Mistake("loss-bits", _bits, 0.5),
        ),
    ),
)
