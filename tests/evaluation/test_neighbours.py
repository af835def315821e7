"""Nearest training images."""

import pytest
import torch

from diffeo.evaluation import nearest_neighbours


def test_neighbours_are_those_of_a_plain_search() -> None:
    generator = torch.Generator().manual_seed(0)
    train = torch.randint(0, 256, (500, 1, 4, 4), generator=generator, dtype=torch.uint8)
    x = torch.randint(0, 256, (300, 1, 4, 4), generator=generator, dtype=torch.uint8)
    found = nearest_neighbours(x, train, k=3)
    plain = (x[:, None].double() - train[None].double()).square().mean((2, 3, 4)).sqrt()
    torch.testing.assert_close(found.distances.double(), plain.sort(1).values[:, :3])
    torch.testing.assert_close(plain.gather(1, found.indices), plain.sort(1).values[:, :3])


def test_a_copy_has_distance_nought_beside_large_numbers() -> None:
    train = 1000 + torch.rand(50, 784, generator=torch.Generator().manual_seed(0))
    found = nearest_neighbours(train[7:9], train)
    assert found.indices.flatten().tolist() == [7, 8]
    assert found.distances.flatten().tolist() == [0.0, 0.0]


def test_rows_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\) cannot be compared with \(2,\)"):
        nearest_neighbours(torch.zeros(1, 3), torch.zeros(4, 2))
    with pytest.raises(ValueError, match="k must be from 1 to the number of training rows, 4, got 5"):
        nearest_neighbours(torch.zeros(1, 2), torch.zeros(4, 2), k=5)
