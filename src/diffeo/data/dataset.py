"""What a data set is: three parts with fixed splits, as tensors."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # names, refusals and lists of data sets do not wait for torch
    from torch import Tensor

    from diffeo.data.grid import Grid

SHOWN = 6  # columns, and notes, when a data set is printed


@dataclass(frozen=True)
class Unread:
    """A row of a file or folder that gives no numbers.

    Attributes:
        row: its number in the source, from 0.
        reason: what is wrong with it, such as ``"age: missing"``.
        file: its file, where the source is a folder.
        kinds: the kinds of the reason, such as ``("age: missing", "income: not a number")``, to be counted.
    """

    row: int
    reason: str
    file: str | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
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
        unread: where a source was read whole, its rows that are not in `x`, each with the reason.
        notes: where a source was read whole, how, if that was not plain.
    """

    x: "Tensor"
    labels: "Tensor | None" = None
    rows: "Tensor | None" = None
    files: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    condition: "Tensor | None" = None
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        held = [f"{len(self):,} rows of shape {tuple(self.x.shape[1:])}, {_dtype(self.x)}"]
        if self.labels is not None:
            held.append("labels")
        if self.condition is not None:
            held.append(f"condition of shape {tuple(self.condition.shape[1:])}")
        if self.columns is not None:
            held.append(f"columns {_first(self.columns)}")
        return f"Part({', '.join(held)})"


@dataclass(frozen=True, repr=False)
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
        grids: for the columns of a table that were dequantized: the values that they can have.

    Example:
        >>> import diffeo
        >>> print(diffeo.data.load("moons"))
        moons: 20,000 training, 2,000 validation and 10,000 test rows
        of shape (2,), continuous (float32)
        source: drawn by diffeo
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
    grids: "Mapping[str, Grid]" = field(default_factory=dict)

    def __repr__(self) -> str:
        of = "continuous" if self.values is None else f"integers with {self.values:,} values"
        kind = f"of shape {self.shape}, {of} ({_dtype(self.train.x)})"
        kind += f", {self.classes:,} classes" if self.classes else ""
        kind += f", conditioned on shape {self.condition_shape}" if self.condition_shape is not None else ""
        lines = [
            f"{self.name}: {len(self.train):,} training, {len(self.validation):,} validation and "
            f"{len(self.test):,} test rows",
            kind,
        ]
        if self.columns:
            lines.append(f"columns: {_first(self.columns)}")
        if self.options:
            lines.append("options: " + ", ".join(f"{name} {_short(value)}" for name, value in self.options.items()))
        if self.source:
            lines.append(f"source: {self.source}")
        lines += [f"note: {note}" for note in self.notes[:SHOWN]]
        if len(self.notes) > SHOWN:
            lines.append(f"and {len(self.notes) - SHOWN:,} more notes")
        return "\n".join(lines)

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

    def quantize(self, x: "Tensor", *, beyond: bool = False) -> "Tensor":
        """Samples of a table with the columns that were dequantized back on the values that they can have.

        Each number goes down to the value whose noise reaches it, 34.7 years to 34, and into the range that the
        training rows have. Columns without noise stay as they are.

        Args:
            x: ``(N, columns)``.
            beyond: leave values outside the training rows' range.

        Returns:
            ``(N, columns)``, float64, on the CPU: 2.3 is the double nearest to 2.3.

        Raises:
            ValueError: if the rows are of another width.

        Example:
            >>> import torch
            >>> from diffeo.data.grid import Grid
            >>> rows = Part(torch.zeros(1, 2))
            >>> ages = Grid(18.0, 69.0, 1.0, 0)
            >>> data = Dataset("made", rows, rows, rows, columns=("age", "height"), grids={"age": ages})
            >>> data.quantize(torch.tensor([[34.7, 1.75], [16.2, 1.5]]))
            tensor([[34.0000,  1.7500],
                    [18.0000,  1.5000]], dtype=torch.float64)
        """
        import torch

        from diffeo.data.grid import quantized

        if x.dim() != 2 or tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"{self.name} has rows of shape {self.shape}, got x of shape {tuple(x.shape)}")
        found, _ = quantized(x.detach().cpu().numpy(), self.columns or (), self.grids, beyond=beyond)
        return torch.from_numpy(found)


def _dtype(x: "Tensor") -> str:
    return str(x.dtype).removeprefix("torch.")


def _short(value: object) -> str:
    return _first(value) if isinstance(value, (list, tuple)) else str(value)


def _first(names: Sequence[object]) -> str:
    more = f", and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, names[:SHOWN])) + more


@cache
def listed(name: str, part: str) -> list[int]:
    """The rows of a data set that form a part, as listed in ``splits.json``."""
    text = resources.files("diffeo.data").joinpath("splits.json").read_text(encoding="utf-8")
    rows: list[int] = json.loads(text)[name][part]
    return rows


def without(rows: int, *taken: list[int]) -> "Tensor":
    """The rows that no list takes, in order."""
    import torch

    keep = torch.ones(rows, dtype=torch.bool)
    for some in taken:
        keep[some] = False
    return keep.nonzero().flatten()
