"""How likely held-out rows are under a flow, and with which error."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffeo.data import Part
from diffeo.flow import Flow

FAR = 100.0  # ranges of the middle half of the rows


@dataclass(frozen=True)
class Estimate:
    """A mean over rows with its standard error.

    Attributes:
        mean: of all rows, those that lie far from the others included.
        standard_error: of the mean.
        median: of all rows: a few far rows do not move it. None where there are no rows to have one.
        far: how many rows are :func:`far_rows`. Where there are any, the mean says little of the others.
    """

    mean: float
    standard_error: float
    median: float | None = None
    far: int = 0

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.standard_error:.4f}"


def estimate(per_row: Tensor) -> Estimate:
    """Mean and standard error of one number a row, with the median and the count of rows far from the others.

    Example:
        >>> found = estimate(torch.tensor([-1.0] * 50 + [-2.0] * 49 + [-2e9]))
        >>> found.mean, found.median, found.far
        (-20000001.48, -1.5, 1)
    """
    numbers = per_row.double()
    if len(numbers) and bool((numbers == numbers[0]).all()):  # to the last digit
        same = float(numbers[0])
        return Estimate(same, 0.0 if len(numbers) > 1 else math.nan, same, int(far_rows(numbers).sum()))
    error = float(numbers.std()) / math.sqrt(len(numbers)) if len(numbers) > 1 else math.nan
    return Estimate(float(numbers.mean()), error, _median(numbers), int(far_rows(numbers).sum()))


def far_rows(per_row: Tensor, among: Tensor | None = None) -> Tensor:
    """Which rows lie so far from the others that they alone decide the mean, ``(N,)``, bool.

    Those more than 100 times the range of the middle half of the rows away from the median, to either side, and those
    that are not finite. Where more than half of the rows are equal, the mean distance from the median takes the
    place of that range.

    Args:
        per_row: one number a row.
        among: the rows whose median and range count; these rows themselves if not given.

    Example:
        >>> far_rows(torch.tensor([1.0, 2.0, 3.0, 4.0, -2e9, -math.inf])).tolist()
        [False, False, False, False, True, True]
        >>> far_rows(torch.tensor([-2e9]), among=torch.tensor([1.0, 2.0, 3.0, 4.0])).tolist()
        [True]
    """
    numbers = per_row.double().cpu()
    others = numbers if among is None else among.double().cpu()
    others = others[others.isfinite()]
    if not len(others):
        return ~numbers.isfinite()
    low, median, high = np.quantile(others.numpy(), (0.25, 0.5, 0.75))
    spread = float(high - low)
    if spread <= 1e-6 * max(1.0, abs(float(median))):  # no more than rounding
        spread = float((others - median).abs().mean())
    far: Tensor = ~numbers.isfinite() | ((numbers - median).abs() > FAR * spread)
    return far


def _median(numbers: Tensor) -> float | None:
    known = numbers[~numbers.isnan()].cpu()
    return float(np.quantile(known.numpy(), 0.5, method="averaged_inverted_cdf")) if len(known) else None


def likelihood(flow: Flow, part: Part, *, samples: int = 1, seed: int = 0) -> Estimate:
    """Bits a dimension of integers (an upper bound, with `samples` draws of noise), log-likelihood in nats otherwise.

    A flow that takes classes is given the labels.
    """
    log_prob = row_log_probs(flow, part, samples=samples, seed=seed)
    return estimate(log_prob if flow.door is None else log_prob * bits_per_nat(flow))


@torch.no_grad()
def row_log_probs(flow: Flow, part: Part, *, samples: int = 1, seed: int = 0) -> Tensor:
    """Log-likelihood of every row in nats, ``(N,)``, float64 on the CPU.

    For integers it is the lower bound on log P(x) by `samples` draws of noise (:meth:`~diffeo.Flow.bits_per_dim`).
    A flow that takes classes is given the labels.
    """
    x = part.x.to(flow.device)
    labels = condition_for(flow, part)
    if flow.door is None:
        flow.check(x, labels)
        return flow.log_prob(x, labels, batch_size=max(1, 2**19 // math.prod(flow.shape))).double().cpu()
    generator = torch.Generator().manual_seed(seed)
    return flow.bits_per_dim(x, labels, samples=samples, generator=generator).double().cpu() / bits_per_nat(flow)


def bits_per_nat(flow: Flow) -> float:
    """What turns a row's log-likelihood in nats into bits a dimension."""
    return -1 / (math.prod(flow.shape) * math.log(2))


def condition_for(flow: Flow, part: Part) -> Tensor | None:
    """What a part's rows are conditioned on, where the flow is: the part's condition, or else its labels.

    It is on the flow's device, and in its dtype where it is not of integers.

    Raises:
        ValueError: if it is, and there are none.
    """
    if not flow.conditional:
        return None
    given = part.labels if part.condition is None else part.condition
    if given is None:
        raise ValueError("this flow is conditioned, and the data set has no labels and no other condition")
    return given.to(flow.device, flow.dtype if given.is_floating_point() else given.dtype)
