"""What simple densities reach on the same rows: a figure means little without them."""

import math

import torch
from torch import Tensor

from diffeo.data import Dataset
from diffeo.evaluation.likelihood import Estimate, estimate

SHRINKAGE = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
PSEUDOCOUNTS = (0.01, 0.03, 0.1, 0.3, 1.0)


def baselines(data: Dataset, seed: int = 0) -> dict[str, Estimate]:
    """Test figures of simple densities, tuned on the validation part.

    For integers, in bits a dimension: ``uniform`` and ``histogram`` (one a dimension) are exact, and
    ``gaussian`` (full covariance) is the same bound as a flow's, by one draw of noise a row. For
    continuous data, in nats: ``gaussian``.
    """
    train, validation, test = (part.x.flatten(1) for part in (data.train, data.validation, data.test))
    if data.values is None:
        return {"gaussian": estimate(_gaussian(train.double(), validation.double(), test.double()))}
    scale = -1 / (data.features * math.log(2))
    noisy = [x.double() + _noise(x, seed + i) for i, x in enumerate((train, validation, test))]
    return {
        "uniform": Estimate(math.log2(data.values), 0.0),
        "histogram": estimate(_histogram(train, validation, test, data.values) * scale),
        "gaussian": estimate(_gaussian(*noisy) * scale),
    }


def _noise(x: Tensor, seed: int) -> Tensor:
    return torch.rand(x.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _histogram(train: Tensor, validation: Tensor, test: Tensor, values: int) -> Tensor:
    """Log P(x) under independent dimensions, each with its own frequencies."""
    counts = torch.stack([(train == v).sum(0) for v in range(values)]).double()  # (values, D)
    tables = [((counts + extra) / (len(train) + extra * values)).log() for extra in PSEUDOCOUNTS]
    best = max(tables, key=lambda table: float(_look_up(table, validation).mean()))
    return _look_up(best, test)


def _look_up(table: Tensor, x: Tensor) -> Tensor:
    return table.gather(0, x.long()).sum(1)


def _gaussian(train: Tensor, validation: Tensor, test: Tensor) -> Tensor:
    """Log p(x) under one normal with full covariance, shrunk towards its diagonal's mean."""
    mean = train.mean(0)
    covariance = torch.atleast_2d((train - mean).T.cov())
    ridge = torch.eye(len(mean), dtype=train.dtype) * covariance.diagonal().mean()
    normals = [
        torch.distributions.MultivariateNormal(mean, (1 - part) * covariance + part * ridge) for part in SHRINKAGE
    ]
    best = max(normals, key=lambda normal: float(normal.log_prob(validation).mean()))
    log_prob: Tensor = best.log_prob(test)
    return log_prob
