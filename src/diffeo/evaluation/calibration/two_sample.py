"""Can data and samples be told apart? By a classifier, and by the maximum mean discrepancy.

Rows come in pairs: one of data and one sample, with the same condition where there is one. If the flow is right, the
two could be exchanged in any pair. Both p-values rest on nothing else, so they hold for any number of rows.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_PAIRS = 20
LARGEST_LEAF = 20  # what scikit-learn asks of a leaf's rows by default


@dataclass(frozen=True)
class Classifier:
    """A classifier that was trained to tell data from samples.

    Attributes:
        accuracy: on rows that it did not see; 0.5 if they cannot be told apart.
        error: standard error.
        p_value: probability of as many pairs of which it knows both, or more, by chance.
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
        p_value: probability of such a value, or more, if data and sample are exchanged in random pairs.
        width: of the Gaussian kernel, the median distance of data and samples together.
        rows: of each.
    """

    value: float
    p_value: float
    width: float
    rows: int


def classifier_test(data: Tensor, samples: Tensor, condition: Tensor | None = None, *, seed: int = 0) -> Classifier:
    r"""Train gradient-boosted trees on half of the pairs to tell data from samples, and test on the other half.

    Of a tested pair the trees know both rows, one or none. By chance both are as likely as none, so the p-value is
    that of a sign test: :math:`P(B \ge \text{both}), B \sim \text{Binomial}(\text{both} + \text{none}, 1/2)`.
    Rows of a pair are never divided between training and test: what is learnt of a condition there would be wrong here.

    Args:
        data: ``(N, ..)``.
        samples: as many, each with the condition of the row of data.
        condition: columns that both are shown, ``(N, F)``.
        seed: of the halves and the trees.

    Raises:
        ValueError: if there are fewer than 20 pairs, or a row is not finite.

    References:
        Lopez-Paz and Oquab, Revisiting classifier two-sample tests, 2017. https://arxiv.org/abs/1610.06545

    Example:
        >>> apart = classifier_test(torch.randn(400, 2), torch.randn(400, 2) + 2)
        >>> apart.accuracy > 0.8, apart.p_value < 1e-6
        (True, True)
    """
    from scipy.stats import binom
    from sklearn.ensemble import HistGradientBoostingClassifier

    data, samples, condition = _pairs(data, samples, condition)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    train, test = order[: len(data) // 2], order[len(data) // 2 :]

    def both(pairs: Tensor) -> Tensor:
        return torch.cat([torch.cat([rows[pairs], condition[pairs]], 1) for rows in (data, samples)])

    leaf = min(LARGEST_LEAF, len(train) // 5)  # a leaf of 20 cannot divide 20 rows
    model = HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, min_samples_leaf=leaf, random_state=seed % 2**32, early_stopping=False
    )
    model.fit(both(train).numpy(), [1] * len(train) + [0] * len(train))
    is_data = torch.from_numpy(model.predict(both(test).numpy())).view(2, -1)
    right = ((is_data[0] == 1).double() + (is_data[1] == 0).double()) / 2  # of a pair: 0, 1/2 or 1
    knows, fails = int((right == 1).sum()), int((right == 0).sum())
    n = len(test)
    error = math.sqrt(max(float(right.var()), 0.5 / n) / n)
    return Classifier(float(right.mean()), error, float(binom.sf(knows - 1, knows + fails, 0.5)), 2 * n)


def discrepancy(
    data: Tensor,
    samples: Tensor,
    condition: Tensor | None = None,
    *,
    rows: int = 500,
    permutations: int = 500,
    seed: int = 0,
) -> Discrepancy:
    r"""Squared maximum mean discrepancy with a Gaussian kernel, and its p-value by exchanging data and sample.

    .. math:: \frac{1}{n (n - 1)} \sum_{i \ne j} k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)

    Every column is in units of its standard deviation, and the kernel is as wide as the median distance, both of data
    and samples together, as the exchange asks for. Conditions have a kernel of their own, made in the same way; it
    multiplies that of the rows, so a few columns are not lost beside many.

    Args:
        data: ``(N, ..)``.
        samples: as many, each with the condition of the row of data.
        condition: columns that both are shown, ``(N, F)``.
        rows: how many pairs to compare; the cost grows with their square.
        permutations: how often pairs are exchanged at random, for the p-value.
        seed: of the choice of rows and of the exchange.

    Raises:
        ValueError: if there are fewer than 20 pairs, or a row is not finite.

    References:
        Gretton, Borgwardt, Rasch, Schoelkopf and Smola, A kernel two-sample test, 2012, section 2.2, lemma 6.
        https://jmlr.org/papers/v13/gretton12a.html

    Example:
        >>> discrepancy(torch.randn(200, 2), torch.randn(200, 2) + 1).p_value < 0.01
        True
    """
    data, samples, condition = _pairs(data, samples, condition)
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data), generator=generator)[:rows]
    n = len(chosen)
    kernel, width = _kernel(torch.cat([data[chosen], samples[chosen]]))
    if condition.shape[1]:
        kernel = kernel * _kernel(condition[chosen])[0].repeat(2, 2)
    x, y, across = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    terms = (x + y - across - across.T).fill_diagonal_(0.0)
    signs = torch.randint(0, 2, (n, permutations), generator=generator).double() * 2 - 1  # -1: exchanged
    signs = torch.cat([torch.ones(n, 1, dtype=torch.double), signs], 1)
    values = (signs * (terms @ signs)).sum(0) / (n * (n - 1))
    p_value = (1 + int((values[1:] >= values[0]).sum())) / (1 + permutations)
    return Discrepancy(float(values[0]), p_value, width, n)


def _kernel(points: Tensor) -> tuple[Tensor, float]:
    """Of all pairs of points, ``(M, M)``, with its width: the median distance of those that are apart."""
    deviation = points.std(0)
    points = points / torch.where(deviation > 0, deviation, 1.0)
    distance = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    apart = distance[distance > 0]
    width = float(apart.median()) if len(apart) else 1.0
    kernel: Tensor = (-(distance / width).square() / 2).exp()
    return kernel, width


def _pairs(data: Tensor, samples: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Rows as columns in float64 on the CPU; without a condition it has no columns."""
    if len(data) != len(samples) or (condition is not None and len(condition) != len(data)):
        given = f"{len(data)} rows of data, {len(samples)} samples"
        given += "" if condition is None else f", {len(condition)} conditions"
        raise ValueError(f"a two-sample test compares pairs of rows, got {given}. Draw a sample for every row")
    if len(data) < LEAST_PAIRS:
        raise ValueError(f"a two-sample test: too few rows ({len(data)}): needs {LEAST_PAIRS}")
    condition = data.new_zeros((len(data), 0)) if condition is None else condition
    found = [rows.detach().flatten(1).double().cpu() for rows in (data, samples, condition)]
    for name, rows in zip(("data", "samples", "conditions"), found, strict=True):
        broken = int((~rows.isfinite().all(1)).sum())
        if broken:
            raise ValueError(f"{broken} of {len(rows)} rows of {name} hold NaN or infinity: leave those pairs out")
    return found[0], found[1], found[2]
