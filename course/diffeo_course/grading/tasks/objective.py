"""The loss: the mean negative log-likelihood under a standard normal."""

import math
from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Function, Mistake, Output, Task


def _cases(generator: Generator) -> list[tuple[Any, ...]]:
    return [
        (1.3 * torch.randn(rows, width, generator=generator), 5 * torch.randn(rows, generator=generator) + 3)
        for rows, width in ((5, 12), (8, 64))
    ]


CONSTANT = 0.5 * math.log(2 * math.pi)  # of each dimension


def _normal(z: Tensor, constant: float = CONSTANT) -> Tensor:
    return -0.5 * (z**2).sum(1) - constant * z.shape[1]


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


def _constant_of(constant: float) -> Function:
    return lambda z, log_det: (-(_normal(z, constant) + log_det).mean(),)


def _no_half_twice(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(2 * _normal(z) + log_det).mean(),)


def _bare(wrong: Function) -> Function:
    """The same without the normal's constant, which the other mistake outweighs."""

    def function(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
        zeros, nothing = torch.zeros_like(z), torch.zeros_like(log_det)
        return (wrong(z, log_det)[0] - wrong(zeros, nothing)[0],)

    return function


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


def _half_squares(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (0.5 * (z**2).mean() - log_det.mean(),)


def _bits_per_dim(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).mean() / (z.shape[1] * math.log(2)),)


def _bits(z: Tensor, log_det: Tensor) -> tuple[Tensor]:
    return (-(_normal(z) + log_det).mean() / math.log(2),)


OTHER_CONSTANTS = (math.pi, 0.5 * math.log(math.pi), math.log(2 * math.pi), 0.5 * math.log2(2 * math.pi))
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
            *(Mistake("loss-constant", _constant_of(c), 0.5) for c in OTHER_CONSTANTS),
            *(Mistake("loss-no-half", each, 0.25) for each in (_no_half, _no_half_twice, _bare(_no_half))),
            Mistake("loss-sum", _sum, 0.5),
            Mistake("loss-per-dim", _per_dim, 0.5),
            Mistake("loss-mean-over-dimensions", _mean_over_dimensions),
            Mistake("loss-not-averaged", _not_averaged, 0.5),
            Mistake("loss-squares", _squares),
            Mistake("loss-squares", _half_squares),
            Mistake("loss-bits", _bits, 0.5),
            Mistake("loss-bits", _bits_per_dim, 0.5),
            Mistake("loss-log-det-sign", _bare(_log_det_sign)),
            Mistake("loss-no-log-det", _bare(_no_log_det)),
            Mistake("loss-sign", _bare(_likelihood), 0.25),
            Mistake("loss-sum", _bare(_sum), 0.5),
        ),
        trains=True,
    ),
)
