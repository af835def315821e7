"""Whether samples lie nearer to training images than images do that nothing learned from, and what would be noticed."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffeo.evaluation.neighbours import Neighbours, comparable, nearest_neighbours

RANDOM_PARTS = 999  # draws of which groups might have been the test part
RANKED = 1000  # test rows whose distances are ranked
LEVEL, POWER = 0.05, 0.8
NORMAL = NormalDist()
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Copying:
    """Two tests for copies of training images among samples, by distances from the nearest image.

    Both ask whether a share of samples is larger than it is by chance; `p_value` says how often chance gives as much.
    `detectable` is the share of copies among the samples that the test would notice (p below 0.05) four times in
    five, were they spread evenly over the training images; None: not even if all were copies.

    Attributes:
        groups: how many groups the test rows form. Rows of one group count once.
        samples: the samples' nearest training rows.
        test: the test rows' nearest training rows, of at most 1,000 of them.
        test_rows: which these are.
        nearer: the share of pairs of a sample and a test row in which the sample is nearer to its training row than
            the test row to its own; a half by chance. Samples of a poor flow are far from everything: it then is low,
            and says little.
        nearer_p_value, nearer_detectable: of that.
        at_training: the share of samples whose nearest row, of training and test rows together, is a training row.
        at_training_expected: what it is by chance, whatever the quality of the samples.
        at_training_p_value, at_training_detectable: of that.
        copies: the share of samples nearer to a training row than the nearest hundredth of test rows.
    """

    groups: int
    samples: Neighbours
    test: Neighbours
    test_rows: Tensor
    nearer: float
    nearer_p_value: float
    nearer_detectable: float | None
    at_training: float
    at_training_expected: float
    at_training_p_value: float
    at_training_detectable: float | None
    copies: float


def copying(
    samples: Tensor,
    train: Tensor,
    test: Tensor,
    *,
    groups: tuple[Tensor, Tensor] | None = None,
    seed: int = 0,
) -> Copying:
    """Compare samples and test rows by their distance from training rows, as :func:`comparable` makes them.

    * Ranks: the Mann-Whitney test of the samples' distances against the test rows'. With groups, each counts as one
      row, which is careful: the ranks of its rows may depend on one another.
    * Parts: if the flow knew nothing of which rows were the training part, they could as well have been others. The
      share of samples at a training row is compared with that for random parts of as many groups.

    Args:
        samples: ``(N, C, H, W)``.
        train: ``(M, C, H, W)``.
        test: rows that the flow did not learn from.
        groups: a number for every training row, and for every test row; rows of one number are not independent (images
            of one person). None: every row by itself.
        seed: of the random parts.

    Raises:
        ValueError: if shapes differ or something is empty.

    References:
        Meehan, Chaudhuri and Dasgupta, A non-parametric test to detect data-copying in generative models, 2020.
        https://arxiv.org/abs/2004.05675

    Example:
        >>> train, test = torch.randn(100, 1, 3, 3), torch.randn(50, 1, 3, 3)
        >>> found = copying(train[:40], train, test)             # copies
        >>> found.nearer, found.at_training, found.copies
        (1.0, 1.0, 1.0)
    """
    if not len(samples) or not len(train) or not len(test):
        raise ValueError(f"nothing to compare: {len(samples)} samples, {len(train)} training and {len(test)} test rows")
    train_group, test_group = groups or (torch.arange(len(train)), len(train) + torch.arange(len(test)))
    everyone, unseen = torch.cat([train_group, test_group]).unique(), test_group.unique()
    if bool(torch.isin(train_group, unseen).any()):
        raise ValueError("a group has rows in the training part and in the test part: then nothing can be told")
    rng = np.random.default_rng(seed % 2**64)
    ranked = torch.from_numpy(np.sort(rng.permutation(len(test))[:RANKED]))
    drawn, known, held_out = (comparable(x) for x in (samples, train, test))
    of_samples, of_test = nearest_neighbours(drawn, known), nearest_neighbours(held_out[ranked], known)
    near, test_near = of_samples.distances[:, 0], of_test.distances[:, 0]

    nearer, groups_ranked = _share_nearer(near, test_near, test_group[ranked])
    deviation = math.sqrt((len(near) + groups_ranked + 1) / (12 * len(near) * groups_ranked))

    of_held_out = nearest_neighbours(drawn, held_out)
    at_known = near <= of_held_out.distances[:, 0]
    nearest = torch.where(at_known, train_group[of_samples.indices[:, 0]], test_group[of_held_out.indices[:, 0]])
    shares = torch.searchsorted(everyone, nearest).bincount(minlength=len(everyone)).numpy() / len(nearest)
    chance = _random_parts(shares, len(unseen), rng)
    at_training, expected = float(at_known.double().mean()), 1 - len(unseen) / len(everyone)
    return Copying(
        groups=len(unseen),
        samples=of_samples,
        test=of_test,
        test_rows=ranked,
        nearer=nearer,
        nearer_p_value=NORMAL.cdf((0.5 - nearer) / deviation),
        nearer_detectable=_by_ranks(nearer, deviation),
        at_training=at_training,
        at_training_expected=expected,
        at_training_p_value=float((1 + (chance >= at_training - 1e-9).sum()) / (1 + RANDOM_PARTS)),
        at_training_detectable=_by_parts(shares, ~torch.isin(everyone, unseen).numpy()),
        copies=float((near < test_near.quantile(0.01)).double().mean()),
    )


def _share_nearer(samples: Tensor, test: Tensor, group: Tensor) -> tuple[float, int]:
    """Of pairs, those in which the sample's distance is the smaller one, ties by half; every group counts as much."""
    ordered = samples.sort().values
    below, through = (torch.searchsorted(ordered, test, right=right) for right in (False, True))
    share = (below + through).double() / (2 * len(samples))
    names, at = group.unique(return_inverse=True)
    of_group = share.new_zeros(len(names)).index_add(0, at, share) / at.bincount()
    return float(of_group.mean()), len(names)


def _random_parts(shares: Numbers, test: int, rng: np.random.Generator) -> Numbers:
    """What the share of samples at training rows is if `test` groups drawn at random are the test part."""
    hit = shares[shares > 0]
    drawn = rng.hypergeometric(test, len(shares) - test, len(hit), RANDOM_PARTS)  # of those with samples, in the test
    return np.array([1 - rng.permutation(hit)[:k].sum() for k in drawn])


def _by_ranks(nearer: float, deviation: float) -> float | None:
    """The share of copies, which all are nearer, that the ranks would show; the other samples are as they are now."""
    now = min(nearer, 0.5)
    share = (0.5 + (NORMAL.inv_cdf(1 - LEVEL) + NORMAL.inv_cdf(POWER)) * deviation - now) / (1 - now)
    return float(share) if share <= 1 else None


def _by_parts(shares: Numbers, training: NDArray[np.bool_]) -> float | None:
    """The share of copies, spread evenly over the training groups, that random parts would show."""
    groups, test = len(shares), int((~training).sum())

    def deviation(x: Numbers) -> Numbers:  # of the sum over random parts, drawn without replacement
        spread: Numbers = np.square(x - x.mean(-1, keepdims=True)).sum(-1)
        return np.sqrt(test * (groups - test) / (groups * (groups - 1)) * spread)

    copies = training / training.sum()
    for share in np.linspace(0.01, 1, 100):
        expected = 1 - test / groups + share * test / groups
        noise = NORMAL.inv_cdf(1 - LEVEL) * deviation((1 - share) * shares + share * copies)
        if expected >= 1 - test / groups + noise + NORMAL.inv_cdf(POWER) * (1 - share) * deviation(shares):
            return float(share)
    return None
