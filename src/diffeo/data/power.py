"""POWER: a household's electricity by the minute, prepared as the density-estimation literature does."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part

ARRAYS = "power_raw.npz"
TEXT = "household_power_consumption.txt"
COLUMNS = ("active power (kW)", "voltage (V)", "kitchen (Wh)", "laundry (Wh)", "heating (Wh)", "minute of the day")
NOISE = (0.001, 0.01, 1.0, 1.0, 1.0, 1.0)  # the width of a cell in each column
SEED = 42
Numbers = NDArray[np.float64]


def power() -> Dataset:
    """Train 81 %, validation 9 %, test 10 % of about two million rows, in units of the columns' standard deviations.

    The recipe of Papamakarios, Pavlakou and Murray: six columns, shuffled, with uniform noise over the cells of
    their rounding, standardised by the mean and standard deviation of the training rows.

    Raises:
        FileNotFoundError: if the file is not there; it says how to get it.
    """
    path = power_file()
    if path is None:
        raise FileNotFoundError(missing())
    rng = np.random.default_rng(SEED)
    parts: list[NDArray[np.float32]] = []
    scale = []
    for i, column in enumerate(_columns(path)):
        if not parts:
            order = rng.permutation(len(column))
            tests = len(column) // 10
            validations = (len(column) - tests) // 10
            sizes = (len(column) - tests - validations, validations, tests)
            parts = [np.empty((size, len(COLUMNS)), np.float32) for size in sizes]
        noisy = column[order] + NOISE[i] * rng.random(len(column))
        mean, deviation = noisy[: sizes[0]].mean(), noisy[: sizes[0]].std()
        scale.append(float(deviation))
        noisy = (noisy - mean) / deviation
        for part, values in zip(parts, np.split(noisy, np.cumsum(sizes)[:2]), strict=True):
            part[:, i] = values
    rows = np.split(order, np.cumsum(sizes)[:2])
    import torch

    train, validation, test = (
        Part(torch.from_numpy(x), rows=torch.from_numpy(index)) for x, index in zip(parts, rows, strict=True)
    )
    return Dataset(
        "power",
        train,
        validation,
        test,
        source="Hebrail and Berard, Individual household electric power consumption, UCI, CC BY 4.0",
        columns=COLUMNS,
        scale=tuple(scale),
        notes=("uniform noise over the cells of the rounding was added, as published",),
    )


def power_file() -> Path | None:
    """The file that POWER is made from, if it is on this machine."""
    root = os.environ.get("DIFFEO_DATA")
    places = [Path(root) / "power" / name for name in (ARRAYS, TEXT)] if root else []
    return next((path for path in places if path.is_file()), None)


def missing() -> str:
    """How to get it."""
    return (
        "power is not on this machine. Download Individual household electric power consumption from the UCI Machine "
        f"Learning Repository (data set 235), unpack {TEXT} into a folder power, "
        "and set DIFFEO_DATA to the folder that holds power"
    )


def _columns(path: Path) -> Iterator[Numbers]:
    """The six columns, one at a time."""
    try:
        if path.suffix == ".txt":
            yield from _from_text(path)
            return
        with np.load(path, allow_pickle=False) as arrays:
            yield arrays["gap"] / 1000
            yield arrays["voltage"] / 100
            meters = arrays["sub_metering"]
            for i in range(3):
                yield meters[:, i].astype(np.float64)
            yield arrays["minute"].astype(np.float64)
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged: {error}. Get it again: {missing()}") from error


def _from_text(path: Path) -> Iterator[Numbers]:
    """The columns of the published text, without rows that miss a value (written as a question mark)."""
    import pyarrow as pa
    from pyarrow import csv

    used = ["Global_active_power", "Voltage", "Sub_metering_1", "Sub_metering_2", "Sub_metering_3", "Time"]
    try:
        table: Any = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=";"),
            convert_options=csv.ConvertOptions(
                null_values=["?", ""],
                include_columns=used,
                column_types=dict.fromkeys(used[:-1], pa.float64()) | {"Time": pa.time32("s")},
            ),
        ).drop_null()
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(str(error)) from error
    for name in used[:-1]:
        yield table[name].to_numpy()
    yield table["Time"].cast(pa.int32()).to_numpy() // 60 * 1.0
