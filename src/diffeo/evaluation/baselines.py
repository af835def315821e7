"""What simple densities reach on the same rows: a figure means little without them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.data import Dataset
from diffeo.evaluation.likelihood import Estimate, estimate
from diffeo.evaluation.units import deviations

SHRINKAGE = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)  # of integers, whose dimensions have one unit
SHRINKAGE_OF_SINGULAR = (1e-9, 1e-8, 1e-7, 1e-6, *SHRINKAGE)
SINGULAR = 1e-12  # the part of a column's variance that the columns before it leave unexplained
MOST_FEATURES = 4096  # of the Gaussian
ROWS_TRIED = 1000  # of the validation part, for the choice of the shrinkage
PSEUDOCOUNTS = (0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Simple:
    """A simple density on the test rows.

    Attributes:
        per_row: bits a dimension of integers, log density in nats otherwise, ``(N,)``.
        note: what its figure needs to be understood; mostly nothing.
    """

    per_row: Tensor
    note: str = ""


def baselines(data: Dataset) -> dict[str, Estimate]:
    r"""Test figures of simple densities.

    For integers, in bits a dimension and exact: ``uniform``, ``histogram`` (one a dimension) and
    ``gaussian`` (full covariance; each dimension given those before it is a normal, cut into cells, whose
    outermost reach to infinity), the last two tuned on the validation part. For continuous data, in nats:
    ``gaussian``, the normal with the mean and the covariance of the training rows,
    :math:`\log N(x; \mu, \Sigma)`; other units of the columns move it by the log-determinant of the change. Only
    where the training rows leave no covariance to invert (a constant column, one that follows from others, fewer rows
    than columns) their correlations are shrunk, as suits the validation part. The normal is left out beyond 4,096
    dimensions, where its covariance alone would take more than the flow.

    Example:
        >>> from diffeo.data import Part
        >>> x = torch.tensor([[-1.0], [1.0]])
        >>> float(baselines(Dataset("made", Part(x), Part(x), Part(x)))["gaussian"].mean)  # of N(0, 1)
        -1.4189385...
    """
    return {name: estimate(simple.per_row) for name, simple in simple_densities(data).items()}


def simple_densities(data: Dataset) -> dict[str, Simple]:
    """What :func:`baselines` gives the means of, row by row."""
    train, validation, test = (part.x.flatten(1) for part in (data.train, data.validation, data.test))
    found: dict[str, Simple] = {}
    if data.values is None:
        if data.features <= MOST_FEATURES:
            found["gaussian"] = _gaussian(train.double(), validation.double(), test.double())
        return found
    scale = -1 / (data.features * math.log(2))
    found["uniform"] = Simple(torch.full((len(test),), math.log2(data.values), dtype=torch.float64))
    found["histogram"] = Simple(_histogram(train, validation, test, data.values) * scale)
    if data.features <= MOST_FEATURES:
        cells = _gaussian_of_integers(train.double(), validation.double(), test.double(), data.values)
        found["gaussian"] = Simple(cells * scale)
    return found


def better_ones(simple: Mapping[str, Simple], per_row: Tensor, *, lower_is_better: bool) -> list[str]:
    """Names of the simple densities that are better than a flow on the same rows, by more than noise.

    Rows are compared one by one, so that what is hard for both counts for none: better by more than two standard errors
    of the mean difference, or by rows that are far from all others, or where the flow's figure is not finite.

    Args:
        simple: from :func:`simple_densities`.
        per_row: the flow's figures in the same unit, ``(N,)``.
        lower_is_better: of bits a dimension.
    """
    sign = 1.0 if lower_is_better else -1.0
    found = []
    for name, one in simple.items():
        if not bool(one.per_row.isfinite().all()):
            continue
        lost = estimate(sign * (per_row.double().cpu() - one.per_row))
        noise = 0.0 if lost.far else 2 * lost.standard_error
        if lost.mean > noise or not math.isfinite(lost.mean):
            found.append(name)
    return found


def _histogram(train: Tensor, validation: Tensor, test: Tensor, values: int) -> Tensor:
    """Log P(x) under independent dimensions, each with its own frequencies."""
    counts = torch.stack([column.bincount(minlength=values) for column in train.T.int()], 1).double()  # (values, D)
    tables = [((counts + extra) / (len(train) + extra * values)).log() for extra in PSEUDOCOUNTS]
    best = max(tables, key=lambda table: float(_look_up(table, validation).mean()))
    return _look_up(best, test)


def _look_up(table: Tensor, x: Tensor) -> Tensor:
    return table.gather(0, x.long()).sum(1)


def _gaussian(train: Tensor, validation: Tensor, test: Tensor) -> Simple:
    """Log p(x) under the normal with the training rows' mean and covariance, computed in standard deviations."""
    mean = train.mean(0)
    deviation = deviations(train)
    z = (train - mean) / deviation
    correlation = z.T @ z / len(z)

    def log_prob(x: Tensor, factor: Tensor) -> Tensor:
        return _normal(x, mean, deviation[:, None] * factor, None)

    factor, failed = torch.linalg.cholesky_ex(correlation)
    if not failed and float(factor.diagonal().min()) ** 2 > SINGULAR:
        return Simple(log_prob(test, factor))
    part = _best_shrinkage(correlation, 1.0, SHRINKAGE_OF_SINGULAR, lambda factor: log_prob(validation, factor))
    note = f"the training rows' correlations are singular and were shrunk by {part:g}"
    return Simple(log_prob(test, _factor(correlation, 1.0, part)), note)


def _gaussian_of_integers(train: Tensor, validation: Tensor, test: Tensor, values: int) -> Tensor:
    """Log P(x) under one normal whose covariance is shrunk to a multiple of the identity: grey levels have one unit."""
    mean = train.mean(0)
    covariance = torch.atleast_2d((train - mean).T.cov())
    ridge = float(covariance.diagonal().mean())
    tried = validation[:ROWS_TRIED]
    part = _best_shrinkage(covariance, ridge, SHRINKAGE, lambda factor: _normal(tried, mean, factor, values))
    return _normal(test, mean, _factor(covariance, ridge, part), values)


def _best_shrinkage(
    matrix: Tensor, ridge: float, parts: tuple[float, ...], log_prob: Callable[[Tensor], Tensor]
) -> float:
    return max(parts, key=lambda part: float(log_prob(_factor(matrix, ridge, part)).mean()))


def _factor(matrix: Tensor, ridge: float, part: float) -> Tensor:
    """The Cholesky factor of a matrix that is shrunk to a multiple of the identity."""
    shrunk = (1 - part) * matrix
    shrunk.diagonal().add_(part * ridge)
    lower: Tensor = torch.linalg.cholesky(shrunk, out=shrunk)
    return lower


def _normal(x: Tensor, mean: Tensor, factor: Tensor, values: int | None) -> Tensor:
    """Rows' log density, or log probability, by the chain rule: `e` is each entry's distance from its mean given the
    entries before it, in standard deviations, the diagonal of the Cholesky factor.
    """
    e = torch.linalg.solve_triangular(factor, (x - mean).T, upper=False).T
    deviation = factor.diagonal()
    if values is None:
        density: Tensor = -(0.5 * e.square() + deviation.log() + 0.5 * math.log(2 * math.pi)).sum(1)
        return density
    low = torch.where(x == 0, -math.inf, e - 0.5 / deviation)
    high = torch.where(x == values - 1, math.inf, e + 0.5 / deviation)
    low, high = torch.where(e > 0, -high, low), torch.where(e > 0, -low, high)  # the tail with the digits
    log_high = torch.special.log_ndtr(high)
    log_probability: Tensor = (log_high + torch.log1p(-(torch.special.log_ndtr(low) - log_high).exp())).sum(1)
    return log_probability
