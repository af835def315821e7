"""The affine coupling layer with a mask: forward with its log-determinant, and inverse."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Mistake, Output, Task
from diffeo_course.sandbox.network import Network


def _cases(generator: Generator) -> list[tuple[Any, ...]]:
    cases = []
    for rows, width in ((5, 12), (3, 784)):
        mask = (torch.rand(width, generator=generator) < 0.4).float()
        mask[0], mask[-1] = 0.0, 1.0  # unlike "the first half is kept"
        x = torch.randn(rows, width, generator=generator)
        cases.append((x, mask, Network.draw(width, generator)))
    return cases


@dataclass(frozen=True)
class _Exchanged:
    network: Network

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(x)
        return shift, raw


def _scale_and_shift(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    raw, shift = network(x * mask)
    return torch.tanh(raw) * (1 - mask), shift * (1 - mask)


def forward(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    """Data to noise."""
    log_scale, shift = _scale_and_shift(x, mask, network)
    return x * log_scale.exp() + shift, log_scale.sum(1)


def inverse(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    """Noise to data, with the log-determinant of that direction."""
    log_scale, shift = _scale_and_shift(z, mask, network)
    return (z - shift) * (-log_scale).exp(), -log_scale.sum(1)


def _sign(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, -log_det


def _batch_sum(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, log_det.sum()


def _batch_mean(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, log_det.mean()


def _mean(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    return x * log_scale.exp() + shift, log_scale.mean(1)


def _unsummed(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    return x * log_scale.exp() + shift, log_scale


def _not_log(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, log_det.exp()


def _log2(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, log_det / math.log(2)


def _scales(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    return x * log_scale.exp() + shift, log_scale.exp().sum(1)


def _all_scales(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, _ = forward(x, mask, network)
    return z, torch.tanh(network(x * mask)[0]).sum(1)


def _zero(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z, torch.zeros_like(log_det)


def _no_tanh(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    raw, shift = network(x * mask)
    log_scale = raw * (1 - mask)
    return x * log_scale.exp() + shift * (1 - mask), log_scale.sum(1)


def _no_exp(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    scale = torch.where(mask > 0, 1.0, log_scale)
    return x * scale + shift, scale.abs().log().sum(1)


def _shift_first(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    return (x + shift) * log_scale.exp(), log_scale.sum(1)


def _no_shift(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, _ = _scale_and_shift(x, mask, network)
    return x * log_scale.exp(), log_scale.sum(1)


def _everything_seen(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    raw, shift = network(x)
    log_scale = torch.tanh(raw) * (1 - mask)
    return x * log_scale.exp() + shift * (1 - mask), log_scale.sum(1)


def _everything_changes(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    raw, shift = network(x * mask)
    log_scale = torch.tanh(raw)
    return x * log_scale.exp() + shift, log_scale.sum(1)


def _shift_everywhere(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, _ = _scale_and_shift(x, mask, network)
    return x * log_scale.exp() + network(x * mask)[1], log_scale.sum(1)


def _kept_twice(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    z, log_det = forward(x, mask, network)
    return z + mask * x, log_det


def _order(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    return forward(x, mask, _Exchanged(network))  # type: ignore[arg-type]


def _other_way_round(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    return forward(x, 1 - mask, network)


def _first_half(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    half = torch.zeros_like(mask)
    half[: len(mask) // 2] = 1
    return forward(x, half, network)


def _lost(x: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, Tensor]:
    log_scale, shift = _scale_and_shift(x, mask, network)
    return (x * log_scale.exp() + shift) * (1 - mask), log_scale.sum(1)


def _inverse_sign(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    log_scale, shift = _scale_and_shift(z, mask, network)
    return ((z - shift) * log_scale.exp(),)


def _inverse_shift_last(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    log_scale, shift = _scale_and_shift(z, mask, network)
    return (z * (-log_scale).exp() - shift,)


def _inverse_no_tanh(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    raw, shift = network(z * mask)
    return ((z - shift * (1 - mask)) * (-raw * (1 - mask)).exp(),)


def _inverse_everything_seen(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    raw, shift = network(z)
    return ((z - shift * (1 - mask)) * (-torch.tanh(raw) * (1 - mask)).exp(),)


def _inverse_everywhere(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    raw, shift = network(z * mask)
    return ((z - shift) * (-torch.tanh(raw)).exp(),)


def _inverse_shift_everywhere(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    raw, shift = network(z * mask)
    return ((z - shift) * (-torch.tanh(raw) * (1 - mask)).exp(),)


def _inverse_order(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    return inverse(z, mask, _Exchanged(network))  # type: ignore[arg-type]


def _inverse_other_way_round(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    return inverse(z, 1 - mask, network)


def _inverse_first_half(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    half = torch.zeros_like(mask)
    half[: len(mask) // 2] = 1
    return inverse(z, half, network)


def _inverse_lost(z: Tensor, mask: Tensor, network: Network) -> tuple[Tensor, ...]:
    return (inverse(z, mask, network)[0] * (1 - mask),)


COUPLING = (
    Task(
        function="coupling_forward",
        signature="coupling_forward(x, mask, network) -> (z, log_det)",
        outputs=(Output("z", "coupling-forward", "(B, D)"), Output("log_det", "coupling-log-det", "(B,)")),
        cases=_cases,
        right=forward,
        mistakes=(
            Mistake("log-det-sign", _sign),  # before the next: the inverse has it flipped too
            Mistake("exchanged", inverse),
            Mistake("log-det-batch-sum", _batch_sum),
            Mistake("log-det-batch-mean", _batch_mean),
            Mistake("log-det-mean", _mean),
            Mistake("log-det-unsummed", _unsummed, 0.25),
            Mistake("log-det-exp", _not_log),
            Mistake("log-det-exp", _scales),
            Mistake("log-det-log2", _log2, 0.25),
            Mistake("log-det-unmasked", _all_scales),
            Mistake("log-det-zero", _zero),
            Mistake("no-tanh", _no_tanh, 0.5),
            Mistake("no-exp", _no_exp),
            Mistake("shift-first", _shift_first),
            Mistake("no-shift", _no_shift),
            Mistake("network-sees-all", _everything_seen),
            Mistake("network-order", _order, 0.25),
            Mistake("nothing-kept", _everything_changes),
            Mistake("nothing-kept", _shift_everywhere),
            Mistake("kept-twice", _kept_twice),
            Mistake("mask-inverted", _other_way_round, 0.25),
            Mistake("mask-ignored", _first_half),
            Mistake("kept-lost", _lost),
        ),
        trains=True,
    ),
    Task(
        function="coupling_inverse",
        signature="coupling_inverse(z, mask, network) -> x",
        outputs=(Output("x", "coupling-inverse", "(B, D)"),),
        cases=_cases,
        right=inverse,
        mistakes=(
            Mistake("exchanged", forward),
            Mistake("inverse-scale-sign", _inverse_sign),
            Mistake("inverse-shift-last", _inverse_shift_last),
            Mistake("no-tanh", _inverse_no_tanh, 0.5),
            Mistake("network-sees-all", _inverse_everything_seen),
            Mistake("network-order", _inverse_order, 0.25),
            Mistake("nothing-kept", _inverse_everywhere),
            Mistake("nothing-kept", _inverse_shift_everywhere),
            Mistake("mask-inverted", _inverse_other_way_round, 0.25),
            Mistake("mask-ignored", _inverse_first_half),
            Mistake("kept-lost", _inverse_lost),
        ),
    ),
)
