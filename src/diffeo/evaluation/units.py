"""In which units a log-likelihood is: a density changes with the units of its columns."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.data import Dataset


@dataclass(frozen=True)
class Units:
    """What to add to a flow's log density (nats, of the rows as the data set holds them).

    Attributes:
        own: for the table's own units; 0 unless its columns were divided by something (:attr:`Dataset.scale`).
        standardised: for columns that are divided by the standard deviations of the training rows; None for integers.
    """

    own: float
    standardised: float | None


def units(data: Dataset) -> Units:
    r"""The offsets of a data set.

    For a column :math:`x = s y` the density of y is :math:`s` times that of x: dividing every column by its standard
    deviation :math:`s_i` adds :math:`\sum_i \log s_i`, and undoing a division subtracts it.

    Example:
        >>> from diffeo.data import Part
        >>> train = Part(torch.tensor([[0.0, 0.0], [2.0, 20.0]]))
        >>> units(Dataset("made", train, train, train, scale=(10.0, 10.0)))
        Units(own=-4.605170..., standardised=2.302585...)
    """
    own = -sum(torch.tensor(data.scale, dtype=torch.float64).log().tolist()) if data.scale else 0.0
    if data.values is not None:
        return Units(own, None)
    return Units(own, float(deviations(data.train.x).log().sum()))


def deviations(rows: Tensor) -> Tensor:
    """The standard deviation of every column of some rows, ``(*shape)``, float64; 1 of a constant one, which keeps its
    units.
    """
    constant = (rows == rows[:1]).flatten(1).all(0)
    return rows.flatten(1).double().std(0, correction=0).masked_fill(constant, 1.0).view(rows.shape[1:])
