"""Can data and samples be told apart? By a classifier, and by the maximum mean discrepancy."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Classifier:
    """A classifier that was trained to tell data from samples.

    Attributes:
        accuracy: on rows that it did not see; 0.5 if they cannot be told apart.
        error: standard error.
        p_value: probability of such an accuracy, or more, by chance.
        rows: how many rows it was tested on.
    """

    accuracy: float
    error: float
    p_value: float
    rows: int


@dataclass(frozen=True)
class Discrepancy:
    """The squared maximum mean discrepancy between data and samples.

    Attributes:
        value: its unbiased estimate; about 0 if they are alike.
        p_value: probability of such a value, or more, if labels are exchanged at random.
        width: of the Gaussian kernel, the median distance.
        rows: of each.
    """

    value: float
    p_value: float
    width: float
    rows: int


def classifier_test(data: Tensor, samples: Tensor, *, seed: int = 0) -> Classifier:
    """Train gradient-boosted trees on half of the rows to tell data from samples, and test on the other half.

    Args:
        data: ``(N, ..)``.
        samples: as many.
        seed: of the halves and the trees.

    References:
        Lopez-Paz and Oquab, Revisiting classifier two-sample tests, 2017. https://arxiv.org/abs/1610.06545

    Example:
        >>> apart = classifier_test(torch.randn(400, 2), torch.randn(400, 2) + 2)
        >>> apart.accuracy > 0.8, apart.p_value < 1e-6
        (True, True)
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    n = min(len(data), len(samples))
    x = torch.cat([data[:n].flatten(1), samples[:n].flatten(1)]).detach().float().cpu().numpy()
    y = torch.cat([torch.ones(n), torch.zeros(n)]).numpy()
    order = torch.randperm(2 * n, generator=torch.Generator().manual_seed(seed)).numpy()
    train, test = order[:n], order[n:]
    model = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.1, random_state=seed, early_stopping=False)
    right = model.fit(x[train], y[train]).predict(x[test]) == y[test]
    accuracy = float(right.mean())
    error = math.sqrt(max(accuracy * (1 - accuracy), 1 / n) / n)
    p_value = 0.5 * math.erfc((accuracy - 0.5) / math.sqrt(0.25 / n) / math.sqrt(2))
    return Classifier(accuracy, error, p_value, n)


def discrepancy(
    data: Tensor, samples: Tensor, *, rows: int = 500, permutations: int = 500, seed: int = 0
) -> Discrepancy:
    """Squared maximum mean discrepancy with a Gaussian kernel, every dimension in units of the data's deviation.

    Args:
        data: ``(N, ..)``.
        samples: ``(M, ..)``.
        rows: how many of each to compare; the cost grows with their square.
        permutations: how often labels are exchanged, for the p-value.
        seed: of the exchange.

    References:
        Gretton, Borgwardt, Rasch, Schoelkopf and Smola, A kernel two-sample test, 2012.
        https://jmlr.org/papers/v13/gretton12a.html

    Example:
        >>> discrepancy(torch.randn(200, 2), torch.randn(200, 2) + 1).p_value < 0.01
        True
    """
    n = min(len(data), len(samples), rows)
    points = torch.cat([data[:n].flatten(1), samples[:n].flatten(1)]).detach().double().cpu()
    scale = data.detach().flatten(1).double().cpu().std(0)
    points = points / torch.where(scale > 0, scale, 1.0)
    distance = torch.cdist(points, points)
    width = float(distance[~torch.eye(2 * n, dtype=torch.bool)].median())
    kernel = (-distance.square() / (2 * max(width, 1e-30) ** 2)).exp().fill_diagonal_(0.0)
    generator = torch.Generator().manual_seed(seed)
    first = torch.cat([torch.ones(n), torch.zeros(n)]).double()
    draws = torch.stack([first, *(first[torch.randperm(2 * n, generator=generator)] for _ in range(permutations))], 1)
    within = (draws * (kernel @ draws)).sum(0) + ((1 - draws) * (kernel @ (1 - draws))).sum(0)
    between = (draws * (kernel @ (1 - draws))).sum(0)
    values = within / (n * (n - 1)) - 2 * between / n**2
    p_value = (1 + int((values[1:] >= values[0]).sum())) / (1 + permutations)
    return Discrepancy(float(values[0]), p_value, width, n)
