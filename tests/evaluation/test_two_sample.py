"""Two-sample tests: silent where data and samples are alike, and told the condition."""

import math

import pytest
import torch

from diffeo.evaluation import classifier_test, discrepancy
from diffeo.evaluation.calibration.condition_columns import condition_features, condition_groups


def draw(n: int, features: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed))


def conditions(kind: str, n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A condition, and the two numbers that it stands for."""
    if kind == "labels":
        label = torch.randint(0, 4, (n,), generator=torch.Generator().manual_seed(seed))
        return label, torch.stack([label // 2, label % 2], 1) * 2.0
    c = draw(n, 2, seed)
    if kind == "vectors":
        return c, c
    image = c[:, :, None, None] + 0.3 * draw(n, 2 * 12 * 12, seed + 1).view(n, 2, 12, 12)
    return image, c


@pytest.mark.parametrize("kind", ["labels", "vectors", "images"])
def test_the_right_marginal_with_shuffled_conditions_is_told_apart(kind: str) -> None:
    condition, mean = conditions(kind, 400)
    data, shown = mean + 0.5 * draw(400, seed=5), condition_features(condition)
    right = mean + 0.5 * draw(400, seed=6)
    shuffled = right[torch.randperm(400, generator=torch.Generator().manual_seed(7))]
    for test in (classifier_test, discrepancy):
        assert test(data, right, shown).p_value > 0.01
        assert test(data, shuffled).p_value > 0.01  # nothing to see without the condition
        assert test(data, shuffled, shown).p_value < 0.005


@pytest.mark.parametrize("conditioned", [False, True])
@pytest.mark.parametrize("rows", [20, 60])
def test_the_kernels_p_values_are_uniform_where_there_is_no_difference(conditioned: bool, rows: int) -> None:
    from scipy.stats import kstest

    p_values, values = [], []
    for seed in range(200):
        c = draw(rows, 1, 3 * seed) if conditioned else torch.zeros(rows, 0)
        x, y = (c.sum(1, keepdim=True) + draw(rows, 2, 3 * seed + k) for k in (1, 2))
        found = discrepancy(x, y, c, permutations=199, seed=seed)
        p_values.append(found.p_value)
        values.append(found.value)
    assert kstest(p_values, "uniform").pvalue > 0.005
    mean, deviation = torch.tensor(values).mean(), torch.tensor(values).std()
    assert abs(mean) < 4 * deviation / math.sqrt(200)  # unbiased


@pytest.mark.parametrize("change", [lambda y: y + 0.35, lambda y: 1.5 * y, lambda y: y[:, :1].expand(-1, 2)])
def test_the_kernel_has_power_against_shift_scale_and_dependence(change) -> None:
    seen = [discrepancy(draw(200, 2, 2 * s), change(draw(200, 2, 2 * s + 1)), seed=s).p_value < 0.05 for s in range(20)]
    assert sum(seen) >= 18


def test_data_and_samples_set_the_kernels_scale_alike() -> None:
    """Far samples, of a flow that exploded, widen the kernel; so does far data: neither side is the yardstick."""
    near, far = draw(100), 50 * draw(100, seed=1) + 400
    one, other = discrepancy(near, far), discrepancy(far, near)
    assert one.width == pytest.approx(other.width)
    assert one.value == pytest.approx(other.value)
    points = torch.cat([near, far]).double()
    distance = torch.pdist(points / points.std(0))
    assert one.width == pytest.approx(float(distance.median()), rel=0.01)


@pytest.mark.parametrize(("rows", "conditioned"), [(20, False), (39, True), (100, True)])
def test_the_classifier_raises_no_more_false_alarms_than_it_says(rows: int, conditioned: bool) -> None:
    p_values = []
    for seed in range(40):
        c = draw(rows, 1, 3 * seed)
        x, y = ((c if conditioned else 0) + draw(rows, 2, 3 * seed + k) for k in (1, 2))
        p_values.append(classifier_test(x, y, c if conditioned else None, seed=seed).p_value)
    assert sum(p < 0.05 for p in p_values) <= 5  # 2 by chance, fewer where p-values have large steps
    assert 0.4 < sum(p_values) / 40 < 0.8


def test_a_condition_that_a_pair_shares_does_not_teach_the_classifier_the_opposite() -> None:
    """Divided pairs would let it learn "this condition is data", which is wrong for the other of the pair."""
    c = torch.arange(300.0)[:, None]
    x, y = draw(300, 1), draw(300, 1, 1)
    found = [classifier_test(x, y, c, seed=seed).accuracy for seed in range(5)]
    assert 0.45 < sum(found) / 5 < 0.55


def test_equal_rows_have_p_values_of_one() -> None:
    x = draw(50)
    assert classifier_test(x, x).p_value == 1.0
    assert discrepancy(x, x).p_value == 1.0


def test_pairs_that_do_not_fit_are_refused() -> None:
    for test in (classifier_test, discrepancy):
        with pytest.raises(ValueError, match="30 rows of data, 40 samples"):
            test(draw(30), draw(40))
        with pytest.raises(ValueError, match="30 samples, 29 conditions"):
            test(draw(30), draw(30), draw(29))
        with pytest.raises(ValueError, match=r"too few rows \(19\): needs 20"):
            test(draw(19), draw(19))
        with pytest.raises(ValueError, match="1 of 30 rows of samples hold NaN or infinity"):
            test(draw(30), torch.cat([draw(29), torch.full((1, 2), torch.inf)]))


def test_labels_are_one_hot_and_fine_images_are_pooled() -> None:
    assert condition_features(torch.tensor([7, 3])).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert condition_features(torch.ones(4, 3, 28, 5)).shape == (4, 3 * 8 * 5)
    assert condition_features(torch.tensor([0.5, 1.5])).tolist() == [[0.5], [1.5]]
    assert condition_groups(None, 3).tolist() == [0, 0, 0]
    assert condition_groups(torch.tensor([5, 2, 5]), 3).tolist() == [1, 0, 1]


@pytest.mark.parametrize("seed", [-1, 2**32, 2**64 - 1])
def test_every_seed_that_torch_takes_is_one(seed: int) -> None:
    x, y = draw(60), draw(60, seed=1)
    for test in (classifier_test, discrepancy):
        assert test(x, y, seed=seed) == test(x, y, seed=seed)
        assert 0 < test(x, y, seed=seed).p_value <= 1
