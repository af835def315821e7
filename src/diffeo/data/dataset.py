"""What a data set is: three parts with fixed splits, as tensors."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """Rows, and the class label of each where there are classes; or another condition.

    Attributes:
        x: ``(N, *shape)``.
        labels: ``(N,)``. In a data set without classes they name groups of rows that are alike, such as the images of
            one person.
        condition: ``(N, ..)``, what the density of each row is conditioned on, where that is not its label.
        rows: ``(N,)``, the number of each row in its source, from 0, where that is a file or a folder.
        files: the file of each row, relative to the folder, where the source is one.
        columns: names of the columns, where a table was read whole (:func:`diffeo.data.read`).
    """

    x: Tensor
    labels: Tensor | None = None
    rows: Tensor | None = None
    files: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    condition: Tensor | None = None

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
        options: what it was loaded with: ``load(name, **options)`` gives it again.
        columns: names of a table's columns.
        class_names: names of the classes, where they are not just numbers.
        scale: for a table whose columns were divided by something beforehand: by what. In the table's own
            units a log density is smaller by the sum of the logs.
        notes: what was done to the source that a user should know of: rows left out, noise added.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    values: int | None = None
    classes: int | None = None
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    class_names: tuple[str, ...] | None = None
    scale: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row."""
        return tuple(self.train.x.shape[1:])

    @property
    def condition_shape(self) -> tuple[int, ...] | None:
        """Shape of a row's condition; None where rows have none, or only labels."""
        return None if self.train.condition is None else tuple(self.train.condition.shape[1:])

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
