"""Squeeze and its inverse, and the split that lets half of the channels leave."""

from functools import partial
from itertools import permutations
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from diffeo_course.grading.tasks.task import Mistake, Output, Task

# the four pixels of a block in any order, the channels' own blocks side by side or mixed; the first is the assignment's
ORDERS = tuple((order, inside) for inside in (True, False) for order in permutations(range(4)))


def _images(generator: Generator) -> list[tuple[Any, ...]]:
    return [
        (torch.randn(2, 4, 6, 8, generator=generator),),  # four channels: an exchanged direction runs, and is named
        (torch.randn(3, 4, 4, 4, generator=generator),),
    ]


def _squeezed(generator: Generator) -> list[tuple[Any, ...]]:
    return [
        (torch.randn(2, 8, 4, 6, generator=generator),),
        (torch.randn(3, 12, 4, 2, generator=generator),),
    ]


def _channels(order: tuple[int, ...], inside: bool, channels: int) -> Tensor:
    """Where each channel of a squeezed image is in the order of ``pixel_unshuffle``, channel by channel."""
    blocks = torch.arange(4 * channels).reshape(channels, 4)[:, list(order)]
    return (blocks if inside else blocks.T).reshape(-1)


def squeeze(x: Tensor, *, order: tuple[int, ...], inside: bool) -> tuple[Tensor]:
    """Blocks of 2x2 pixels become channels."""
    return (pixel_unshuffle(x, 2)[:, _channels(order, inside, x.shape[1])],)


def unsqueeze(x: Tensor, *, order: tuple[int, ...], inside: bool) -> tuple[Tensor]:
    """The inverse of :func:`squeeze` with the same order."""
    return (pixel_shuffle(x[:, _channels(order, inside, x.shape[1] // 4).argsort()], 2),)


def _reshaped(x: Tensor) -> tuple[Tensor]:
    batch, channels, height, width = x.shape
    return (x.reshape(batch, 4 * channels, height // 2, width // 2),)


def _reshaped_back(x: Tensor) -> tuple[Tensor]:
    batch, channels, height, width = x.shape
    return (x.reshape(batch, channels // 4, 2 * height, 2 * width),)


def _unchanged(x: Tensor) -> tuple[Tensor]:
    return (x,)


def _shuffled(x: Tensor) -> tuple[Tensor]:
    return (pixel_shuffle(x, 2),)


def _unshuffled(x: Tensor) -> tuple[Tensor]:
    return (pixel_unshuffle(x, 2),)


def _sides_exchanged(x: Tensor) -> tuple[Tensor]:
    return (pixel_unshuffle(x, 2).transpose(2, 3),)


def _halves(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.chunk(2, dim=1)
    return first, second


def _halves_exchanged(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.chunk(2, dim=1)
    return second, first


def _rows_split(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.chunk(2, dim=2)
    return first, second


def _columns_split(x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = x.chunk(2, dim=3)
    return first, second


def _alternating(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[:, ::2], x[:, 1::2]


def _batch_split(x: Tensor) -> tuple[Tensor, Tensor]:
    half = (len(x) + 1) // 2
    return x[:half], x[half:]


SHAPES = (
    Task(
        function="squeeze",
        signature="squeeze(x) -> y",
        outputs=(Output("y", "squeeze", "(B, 4C, H/2, W/2)"),),
        cases=_images,
        right=partial(squeeze, order=ORDERS[0][0], inside=True),
        mistakes=(
            *(Mistake("squeeze-order", partial(squeeze, order=o, inside=i), 0.5) for o, i in ORDERS[1:]),
            Mistake("reshaped", _reshaped),
            Mistake("exchanged", _shuffled),
            Mistake("unchanged", _unchanged),
            Mistake("sides-exchanged", _sides_exchanged),
        ),
        trains=True,
    ),
    Task(
        function="unsqueeze",
        signature="unsqueeze(y) -> x",
        outputs=(Output("x", "unsqueeze", "(B, C/4, 2H, 2W)"),),
        cases=_squeezed,
        right=partial(unsqueeze, order=ORDERS[0][0], inside=True),
        mistakes=(
            *(Mistake("squeeze-order", partial(unsqueeze, order=o, inside=i), 0.5) for o, i in ORDERS[1:]),
            Mistake("reshaped", _reshaped_back),
            Mistake("exchanged", _unshuffled),
            Mistake("unchanged", _unchanged),
        ),
    ),
    Task(
        function="split",
        signature="split(x) -> (goes_on, leaves)",
        outputs=(Output("goes_on", "split", "(B, C/2, H, W)"), Output("leaves", "split", "(B, C/2, H, W)")),
        cases=_images,
        right=_halves,
        mistakes=(
            Mistake("split-exchanged", _halves_exchanged, 0.5),
            Mistake("split-rows", _rows_split),
            Mistake("split-columns", _columns_split),
            Mistake("split-batch", _batch_split),
            Mistake("split-alternating", _alternating),
        ),
        trains=True,
    ),
)
