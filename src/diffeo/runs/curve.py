"""A recipe's curve: what validation losses to expect, kept beside the recipe as a table."""

import csv
import io
import math
from pathlib import Path
from typing import Any

from diffeo.runs.folder import Run
from diffeo.system.documents import read_bytes
from diffeo.system.writing import write_atomically

LARGEST_CURVE = 4 << 20  # bytes: 100,000 epochs
COLUMNS = ("epoch", "step", "seconds", "validation")


def write_curve(run: Run, path: Path) -> None:
    """Write a run's validation losses as CSV: epoch, step, seconds since the start, loss."""
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(COLUMNS)
    for record in _finite(run):
        table.writerow(
            [f"{record['epoch']:g}", record["step"], f"{record['seconds']:.1f}", f"{record['validation']:.5f}"]
        )
    write_atomically(path, buffer.getvalue().encode())


def read_curve(path: Path) -> list[dict[str, float]]:
    """What :func:`write_curve` wrote, a record an epoch.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such table.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist. The curve of a recipe is recipes/curves/NAME.csv")
    try:
        rows = list(csv.DictReader(read_bytes(path, largest=LARGEST_CURVE).decode().splitlines()))
        found = [{name: float(row[name]) for name in COLUMNS} for row in rows]
        if not all(math.isfinite(number) for record in found for number in record.values()):
            raise ValueError("a number is not finite")
        return found
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is no curve of a recipe: it needs the columns {', '.join(COLUMNS)} of numbers"
        ) from error


def compare_with_curve(run: Run, path: Path) -> list[dict[str, Any]]:
    """A run's validation losses beside a recipe's, at the epochs that both have.

    Returns:
        Records of ``epoch``, ``run``, ``recipe``, ``difference``; ``seconds`` and ``recipe_seconds``, from the start.

    Raises:
        ValueError: if they have no epoch in common.
    """
    expected = {record["epoch"]: record for record in read_curve(path)}
    found = [
        {
            "epoch": record["epoch"],
            "run": record["validation"],
            "recipe": expected[record["epoch"]]["validation"],
            "difference": record["validation"] - expected[record["epoch"]]["validation"],
            "seconds": record["seconds"],
            "recipe_seconds": expected[record["epoch"]]["seconds"],
        }
        for record in _finite(run)
        if record["epoch"] in expected
    ]
    if not found:
        raise ValueError(f"{run.folder} and {path} have no epoch in common. Train for an epoch of the recipe at least")
    return found


def _finite(run: Run) -> list[dict[str, Any]]:
    """The epochs with a loss: of a diverged one there is none."""
    return [record for record in run.history if record["validation"] is not None]
