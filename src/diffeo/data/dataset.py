"""What a data set is: three parts with fixed splits, as tensors."""

import difflib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """Rows, and the class label of each where there are classes."""

    x: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """A data set: its parts, what its numbers are, where it comes from.

    Attributes:
        name: what the command line calls it.
        train, validation, test: its parts; the splits are the same always and everywhere.
        values: how many integer values a dimension has; None for continuous data.
        classes: how many classes the labels have; None where there are none.
        source: where it comes from, and its licence.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    values: int | None = None
    classes: int | None = None
    source: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return tuple(self.train.x.shape[1:])

    @property
    def features(self) -> int:
        """Numbers in a row."""
        return math.prod(self.shape)


@cache
def listed(name: str, part: str) -> list[int]:
    """The rows of a data set that form a part, as listed in ``splits.json``."""
    text = resources.files("diffeo.data").joinpath("splits.json").read_text(encoding="utf-8")
    rows: list[int] = json.loads(text)[name][part]
    return rows


def without(rows: int, *taken: list[int]) -> Tensor:
    """The rows that no list takes, in order."""
    keep = torch.ones(rows, dtype=torch.bool)
    for some in taken:
        keep[some] = False
    return keep.nonzero().flatten()


def named(table: dict[str, Callable[[], Dataset]], name: str) -> Callable[[], Dataset]:
    """The loader of a data set.

    Raises:
        ValueError: if there is none of this name; it says which there are.
    """
    if name in table:
        return table[name]
    close = difflib.get_close_matches(name, table, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(f"no data set is called {name!r}.{hint} There are: {', '.join(table)}")
