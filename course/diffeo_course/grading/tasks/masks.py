"""The two masks of RealNVP."""

from typing import Any

import torch
from torch import Generator, Tensor

from diffeo_course.grading.tasks.task import Mistake, Output, Task


def _sizes(generator: Generator) -> list[tuple[Any, ...]]:
    return [(4, 6), (5, 3), (8, 8)]


def _channels(generator: Generator) -> list[tuple[Any, ...]]:
    return [(4,), (12,)]


def _board(height: int, width: int) -> Tensor:
    return (torch.arange(height)[:, None] + torch.arange(width)) % 2


def _light(height: int, width: int) -> tuple[Tensor]:
    return (1.0 - _board(height, width),)


def _dark(height: int, width: int) -> tuple[Tensor]:
    return (_board(height, width).float(),)


def _rows(height: int, width: int) -> tuple[Tensor]:
    return ((torch.arange(height) % 2)[:, None].expand(height, width).float(),)


def _columns(height: int, width: int) -> tuple[Tensor]:
    return ((torch.arange(width) % 2).expand(height, width).float(),)


def _flat(height: int, width: int) -> tuple[Tensor]:
    return ((torch.arange(height * width) % 2).reshape(height, width).float(),)


def _sides_exchanged(height: int, width: int) -> tuple[Tensor]:
    return (_board(width, height).float(),)


def _signs(height: int, width: int) -> tuple[Tensor]:
    return (1.0 - 2 * _board(height, width),)


def _negative_signs(height: int, width: int) -> tuple[Tensor]:
    return (2.0 * _board(height, width) - 1,)


def _constant(height: int, width: int) -> tuple[Tensor]:
    return (torch.ones(height, width),)


def _first_half(channels: int) -> tuple[Tensor]:
    return ((torch.arange(channels) < channels // 2).float(),)


def _second_half(channels: int) -> tuple[Tensor]:
    return ((torch.arange(channels) >= channels // 2).float(),)


def _alternating(channels: int) -> tuple[Tensor]:
    return (1.0 - torch.arange(channels) % 2,)


def _other_alternating(channels: int) -> tuple[Tensor]:
    return ((torch.arange(channels) % 2).float(),)


def _all(channels: int) -> tuple[Tensor]:
    return (torch.ones(channels),)


MASKS = (
    Task(
        function="checkerboard_mask",
        signature="checkerboard_mask(height, width) -> mask",
        outputs=(Output("mask", "checkerboard-mask", "(H, W)", loose=True),),
        cases=_sizes,
        right=_light,
        mistakes=(
            Mistake("mask-other-colour", _dark, 0.5),
            Mistake("mask-rows", _rows),
            Mistake("mask-columns", _columns),
            Mistake("mask-flat", _flat, 0.25),
            Mistake("mask-sides", _sides_exchanged, 0.5),
            Mistake("mask-signs", _signs, 0.5),
            Mistake("mask-signs", _negative_signs, 0.5),
            Mistake("mask-constant", _constant),
        ),
        keeps_dtype=False,
    ),
    Task(
        function="channel_mask",
        signature="channel_mask(channels) -> mask",
        outputs=(Output("mask", "channel-mask", "(C,)", loose=True),),
        cases=_channels,
        right=_first_half,
        mistakes=(
            Mistake("mask-second-half", _second_half, 0.5),
            Mistake("mask-alternating", _alternating),
            Mistake("mask-alternating", _other_alternating),
            Mistake("mask-constant", _all),
        ),
        keeps_dtype=False,
    ),
)
