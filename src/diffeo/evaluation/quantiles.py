"""How unusual a row is: its place among held-out rows, and what a threshold on it costs."""

from dataclasses import dataclass

from torch import Tensor, searchsorted


@dataclass(frozen=True)
class FalseAlarms:
    """How often a threshold marks a row that is like the training's.

    Attributes:
        rate: the share of test rows that lie below the validation rows' quantile.
        low, high: the 95 % interval of that share (Wilson's).
        calibration_rows: how many validation rows set the cut.
        measured_rows: how many test rows it was tried on.
    """

    rate: float
    low: float
    high: float
    calibration_rows: int
    measured_rows: int


def quantiles(log_prob: Tensor, held_out: Tensor) -> Tensor:
    """The share of held-out rows that are as unlikely as each row or more so, ``(N,)``.

    NaN, which says nothing, counts as less likely than every row.

    Example:
        >>> import torch
        >>> quantiles(torch.tensor([-9.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0]))
        tensor([0.0000, 0.5000, 0.7500], dtype=torch.float64)
    """
    ordered = held_out.double().nan_to_num(nan=-float("inf")).sort().values
    at_or_below = searchsorted(ordered, log_prob.double().nan_to_num(nan=-float("inf")), right=True)
    return at_or_below.double() / len(held_out)


def false_alarms(validation: Tensor, test: Tensor, threshold: float) -> FalseAlarms:
    """Set the cut on the validation rows' log-likelihoods, and count how many of the test rows' fall below it.

    Raises:
        ValueError: if the threshold is not between 0 and 1.
    """
    from scipy.stats import binomtest

    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be between 0 and 1, got {threshold:g}. Use --threshold 0.01")
    marked = int((quantiles(test, validation) < threshold).sum())
    interval = binomtest(marked, len(test)).proportion_ci(method="wilson")
    return FalseAlarms(marked / len(test), float(interval.low), float(interval.high), len(validation), len(test))
