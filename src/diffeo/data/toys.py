"""Two-dimensional toys: densities with known shapes, drawn by a fixed seed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part

Points = NDArray[np.float64]
ROWS = (20_000, 2_000, 10_000)  # train, validation, test


def moons(n: int, rng: np.random.Generator) -> Points:
    """Two interleaved half circles."""
    angle, upper = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return 2 * np.stack([x, y], 1) + rng.normal(0, 0.1, (n, 2))


def circles(n: int, rng: np.random.Generator) -> Points:
    """Two circles around one centre."""
    return _on_circles(n, rng, radii=(1.5, 3.0), noise=0.12)


def rings(n: int, rng: np.random.Generator) -> Points:
    """Four circles around one centre."""
    return _on_circles(n, rng, radii=(0.75, 1.5, 2.25, 3.0), noise=0.08)


def pinwheel(n: int, rng: np.random.Generator) -> Points:
    """Five bent arms."""
    arm = rng.integers(0, 5, n)
    radial, tangential = rng.normal(1, 0.3, n), rng.normal(0, 0.1, n)
    angle = 2 * np.pi * arm / 5 + 0.25 * np.exp(radial)
    return 2 * np.stack(
        [
            radial * np.cos(angle) - tangential * np.sin(angle),
            radial * np.sin(angle) + tangential * np.cos(angle),
        ],
        1,
    )


def checkerboard(n: int, rng: np.random.Generator) -> Points:
    """Every second square of a 4x4 board."""
    column, row = rng.integers(0, 4, n), rng.integers(0, 2, n)
    corner = np.stack([column, 2 * row + column % 2], 1) - 2.0
    return 2 * (corner + rng.uniform(0, 1, (n, 2)))


def eight_gaussians(n: int, rng: np.random.Generator) -> Points:
    """Eight normals on a circle."""
    angle = 2 * np.pi * rng.integers(0, 8, n) / 8
    return 3 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.3, (n, 2))


def spirals(n: int, rng: np.random.Generator) -> Points:
    """Two arms of a spiral."""
    angle = 3 * np.pi * np.sqrt(rng.uniform(0, 1, n))
    arm = np.where(rng.integers(0, 2, n), 1, -1)
    points = np.stack([-np.cos(angle) * angle, np.sin(angle) * angle], 1) * arm[:, None] / 3
    return points + rng.normal(0, 0.1, (n, 2))


def _on_circles(n: int, rng: np.random.Generator, radii: tuple[float, ...], noise: float) -> Points:
    radius, angle = rng.choice(radii, n), rng.uniform(0, 2 * np.pi, n)
    points: Points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, noise, (n, 2))
    return points


TOYS: dict[str, Callable[[int, np.random.Generator], Points]] = {
    "moons": moons,
    "circles": circles,
    "pinwheel": pinwheel,
    "checkerboard": checkerboard,
    "8gaussians": eight_gaussians,
    "rings": rings,
    "spirals": spirals,
}


def toy(name: str) -> Dataset:
    """Train 20,000, validation 2,000, test 10,000 points, the same in every process."""
    import torch

    train, validation, test = (
        Part(torch.from_numpy(TOYS[name](rows, np.random.default_rng(seed))).float()) for seed, rows in enumerate(ROWS)
    )
    return Dataset(name, train, validation, test, source="drawn by diffeo")
