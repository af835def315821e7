"""What simple densities reach on the same rows: a figure means little without them."""

import math

import torch
from torch import Tensor

from diffeo.data import Dataset
from diffeo.evaluation.likelihood import Estimate, estimate

SHRINKAGE = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
MOST_FEATURES = 4096  # of the Gaussian
ROWS_TRIED = 1000  # of the validation part, for the choice of the shrinkage
PSEUDOCOUNTS = (0.01, 0.03, 0.1, 0.3, 1.0)


def baselines(data: Dataset) -> dict[str, Estimate]:
    """Test figures of simple densities, tuned on the validation part.

    For integers, in bits a dimension and exact: ``uniform``, ``histogram`` (one a dimension) and
    ``gaussian`` (full covariance; each dimension given those before it is a normal, cut into cells, whose
    outermost reach to infinity). For continuous data, in nats: ``gaussian``. That one is left out beyond 4,096
    dimensions, where its covariance alone would take more than the flow.
    """
    train, validation, test = (part.x.flatten(1) for part in (data.train, data.validation, data.test))
    scale = 1.0 if data.values is None else -1 / (data.features * math.log(2))
    found: dict[str, Estimate] = {}
    if data.values is not None:
        found["uniform"] = Estimate(math.log2(data.values), 0.0)
        found["histogram"] = estimate(_histogram(train, validation, test, data.values) * scale)
    if data.features <= MOST_FEATURES:
        normal = _gaussian(train.double(), validation.double(), test.double(), data.values)
        found["gaussian"] = estimate(normal * scale)
    return found


def _histogram(train: Tensor, validation: Tensor, test: Tensor, values: int) -> Tensor:
    """Log P(x) under independent dimensions, each with its own frequencies."""
    counts = torch.stack([column.bincount(minlength=values) for column in train.T.int()], 1).double()  # (values, D)
    tables = [((counts + extra) / (len(train) + extra * values)).log() for extra in PSEUDOCOUNTS]
    best = max(tables, key=lambda table: float(_look_up(table, validation).mean()))
    return _look_up(best, test)


def _look_up(table: Tensor, x: Tensor) -> Tensor:
    return table.gather(0, x.long()).sum(1)


def _gaussian(train: Tensor, validation: Tensor, test: Tensor, values: int | None) -> Tensor:
    """Log p(x), or log P(x) of integers, under one normal whose covariance is shrunk to a multiple of the identity."""
    mean = train.mean(0)
    covariance = torch.atleast_2d((train - mean).T.cov())
    ridge = covariance.diagonal().mean()

    def factor(part: float) -> Tensor:
        shrunk = (1 - part) * covariance
        shrunk.diagonal().add_(part * ridge)
        lower: Tensor = torch.linalg.cholesky(shrunk, out=shrunk)
        return lower

    tried = validation[:ROWS_TRIED]
    best = max(SHRINKAGE, key=lambda part: float(_normal(tried, mean, factor(part), values).mean()))
    return _normal(test, mean, factor(best), values)


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
