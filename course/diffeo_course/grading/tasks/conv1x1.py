"""The invertible 1x1 convolution with W = P L (U + diag(sign exp(log_diagonal)))."""

import math
from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Function, Mistake, Output, Task

Parts = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def _cases(generator: Generator) -> list[tuple[Any, ...]]:
    cases = []
    for shape in ((3, 4, 3, 5), (2, 6, 4, 4)):
        channels = shape[1]
        order = torch.randperm(channels, generator=generator)
        while bool((order[order] == torch.arange(channels)).all()):  # its own inverse would hide a transposed matrix
            order = torch.randperm(channels, generator=generator)
        lower = torch.randn(channels, channels, generator=generator).tril(-1) / 2 + torch.eye(channels)
        upper = torch.randn(channels, channels, generator=generator).triu(1) / 2
        sign = torch.where(torch.arange(channels) % 2 == 0, 1.0, -1.0)
        if torch.eye(channels)[order].det() * sign.prod() > 0:  # a negative determinant has no logarithm of its own
            sign[0] = -1.0
        log_diagonal = torch.randn(channels, generator=generator) / 2 + 0.3
        x = torch.randn(shape, generator=generator)
        cases.append((x, torch.eye(channels)[order], lower, upper, sign, log_diagonal))
    return cases


def _weight(permutation: Tensor, lower: Tensor, upper: Tensor, sign: Tensor, log_diagonal: Tensor) -> Tensor:
    return permutation @ lower @ (upper + torch.diag(sign * log_diagonal.exp()))


def _mixed(weight: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", weight, x)


def _log_det(x: Tensor, log_diagonal: Tensor) -> Tensor:
    return (x.shape[2] * x.shape[3] * log_diagonal.sum()).expand(len(x))


def _forward(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _mixed(_weight(*parts), x), _log_det(x, parts[-1])


def _inverse(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _mixed(_weight(*parts).double().inverse().float(), z), -_log_det(z, parts[-1])


def _transposed(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _mixed(_weight(*parts).T, x), _log_det(x, parts[-1])


def _no_permutation(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, torch.eye(len(parts[0])), *parts[1:])


def _permutation_last(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    weight = _weight(torch.eye(len(parts[0])), *parts[1:]) @ parts[0]
    return _mixed(weight, x), _log_det(x, parts[-1])


def _no_sign(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts[:3], torch.ones_like(parts[3]), parts[4])


def _no_exp(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    permutation, lower, upper, sign, log_diagonal = parts
    weight = permutation @ lower @ (upper + torch.diag(sign * log_diagonal))
    return _mixed(weight, x), _log_det(x, log_diagonal)


def _no_diagonal(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    permutation, lower, upper, _, log_diagonal = parts
    return _mixed(permutation @ lower @ (upper + torch.eye(len(upper))), x), _log_det(x, log_diagonal)


def _no_places(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], parts[-1].sum().expand(len(x))


def _channels_too(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], x.shape[1] * _log_det(x, parts[-1])


def _no_absolute(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], torch.full((len(x),), math.nan)


def _no_logarithm(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], (x.shape[2] * x.shape[3] * parts[-1].sum().exp()).expand(len(x))


def _other_lower(diagonal: float) -> Function:
    """W with something else on the diagonal of L, which is given with ones."""

    def function(x: Tensor, permutation: Tensor, lower: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
        return _forward(x, permutation, lower.tril(-1) + diagonal * torch.eye(len(lower)), *parts)

    return function


def _one_number(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], _log_det(x, parts[-1])[0]


def _batch_sum(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], _log_det(x, parts[-1]).sum()


def _sign(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], -_log_det(x, parts[-1])


def _signs_counted(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], _log_det(x, parts[3] * parts[4])


def _exponentials(x: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _forward(x, *parts)[0], _log_det(x, parts[4].exp())


def _inverse_transposed(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _mixed(_weight(*parts).T, z), -_log_det(z, parts[-1])


def _inverse_no_permutation(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _inverse(z, torch.eye(len(parts[0])), *parts[1:])


def _inverse_permutation_transposed(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _inverse(z, parts[0].T, *parts[1:])


def _inverse_no_sign(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _inverse(z, *parts[:3], torch.ones_like(parts[3]), parts[4])


def _inverse_no_exp(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _inverse(z, *parts[:3], parts[3] * parts[4].sign(), parts[4].abs().log())


def _inverse_no_diagonal(z: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    return _inverse(z, *parts[:3], torch.ones_like(parts[3]), torch.zeros_like(parts[4]))


def _inverse_order(places: tuple[int, int, int]) -> Function:
    """The three inverses multiplied in another order than U, L, P."""

    def function(z: Tensor, permutation: Tensor, lower: Tensor, upper: Tensor, *parts: Tensor) -> tuple[Tensor, ...]:
        each = ((upper + torch.diag(parts[0] * parts[1].exp())).inverse(), lower.inverse(), permutation.T)
        first, second, third = (each[place] for place in places)
        return (_mixed(first @ second @ third, z),)

    return function


SIGNATURE = "(x, permutation, lower, upper, sign, log_diagonal)"
CONV1X1 = (
    Task(
        function="conv1x1_forward",
        signature=f"conv1x1_forward{SIGNATURE} -> (z, log_det)",
        outputs=(Output("z", "conv1x1-forward", "(B, C, H, W)"), Output("log_det", "conv1x1-forward", "(B,)")),
        cases=_cases,
        right=_forward,
        mistakes=(
            Mistake("exchanged", _inverse),
            Mistake("transposed", _transposed, 0.25),
            Mistake("no-permutation", _no_permutation, 0.25),
            Mistake("permutation-last", _permutation_last, 0.25),
            Mistake("no-diagonal-sign", _no_sign, 0.25),
            Mistake("no-exp", _no_exp),
            Mistake("no-diagonal", _no_diagonal),
            Mistake("lower-diagonal", _other_lower(0.0)),
            Mistake("lower-diagonal", _other_lower(2.0)),
            Mistake("log-det-no-places", _no_places, 0.25),
            Mistake("log-det-channels", _channels_too, 0.25),
            Mistake("log-det-negative", _no_absolute, 0.25),
            Mistake("log-det-one-number", _one_number, 0.5),
            Mistake("log-det-batch-sum", _batch_sum),
            Mistake("log-det-sign", _sign),
            Mistake("log-det-signs", _signs_counted),
            Mistake("log-det-exp", _exponentials),
            Mistake("log-det-exp", _no_logarithm),
        ),
        trains=True,
    ),
    Task(
        function="conv1x1_inverse",
        signature="conv1x1_inverse(z, permutation, lower, upper, sign, log_diagonal) -> x",
        outputs=(Output("x", "conv1x1-inverse", "(B, C, H, W)"),),
        cases=_cases,
        right=_inverse,
        mistakes=(
            Mistake("exchanged", _forward),
            Mistake("inverse-transposed", _inverse_transposed),
            Mistake("no-permutation", _inverse_no_permutation, 0.25),
            Mistake("permutation-transposed", _inverse_permutation_transposed, 0.25),
            Mistake("no-diagonal-sign", _inverse_no_sign, 0.25),
            Mistake("no-exp", _inverse_no_exp),
            Mistake("no-diagonal", _inverse_no_diagonal),
            Mistake("inverse-order", _inverse_order((1, 0, 2)), 0.25),
            Mistake("inverse-order", _inverse_order((2, 1, 0)), 0.25),
        ),
        tolerance=1e-3,
    ),
)
