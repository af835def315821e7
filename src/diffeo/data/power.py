"""POWER: a household's electricity by the minute, prepared as the density-estimation literature does."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part
from diffeo.data.tables.numpy_files import Arrays
from diffeo.data.tables.reading import Limit, reading, size_of

ARRAYS = "power_raw.npz"
TEXT = "household_power_consumption.txt"
COLUMNS = ("active power (kW)", "voltage (V)", "kitchen (Wh)", "laundry (Wh)", "heating (Wh)", "minute of the day")
NOISE = (0.001, 0.01, 1.0, 1.0, 1.0, 1.0)  # the width of a cell in each column
SEED = 42
FEWEST = 100  # rows
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


def _columns(path: Path) -> list[Numbers]:
    """The six columns, of as many rows."""
    try:
        found = _from_text(path) if path.suffix == ".txt" else _from_arrays(path)
        shapes = {column.shape for column in found}
        if len(shapes) != 1 or found[0].ndim != 1 or len(found[0]) < FEWEST:
            raise ValueError("its columns are of shapes " + ", ".join(str(column.shape) for column in found))
        if not all(np.isfinite(column).all() for column in found):
            raise ValueError("some of its numbers are not finite")
    except ValueError as error:
        why = str(error).removeprefix(f"{path} is ").removeprefix(f"{path} ").partition(". ")[0]
        raise ValueError(f"{path} is damaged: {why}. Get it again: {missing()}") from error
    return found


def _from_arrays(path: Path) -> list[Numbers]:
    with Arrays(path, path, Limit.of(path, size_of(path))) as arrays:
        lost = [name for name in ("gap", "voltage", "sub_metering", "minute") if name not in arrays.headers]
        if lost:
            raise ValueError(f"it has no array {lost[0]}")
        gap, voltage, meters, minute = map(arrays.read, ("gap", "voltage", "sub_metering", "minute"))
    with reading(path, "file of numbers"):
        return [
            (gap / 1000).astype(np.float64),
            (voltage / 100).astype(np.float64),
            *(meters[:, i].astype(np.float64) for i in range(3)),
            minute.astype(np.float64),
        ]


def _from_text(path: Path) -> list[Numbers]:
    """The columns of the published text, without rows that miss a value (written as a question mark)."""
    import pyarrow as pa
    from pyarrow import csv

    used = ["Global_active_power", "Voltage", "Sub_metering_1", "Sub_metering_2", "Sub_metering_3", "Time"]
    size_of(path)
    with reading(path, "text of POWER"):
        table: Any = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(delimiter=";"),
            convert_options=csv.ConvertOptions(
                null_values=["?", ""],
                include_columns=used,
                column_types=dict.fromkeys(used[:-1], pa.float64()) | {"Time": pa.time32("s")},
            ),
        ).drop_null()
        times = table["Time"].cast(pa.int32()).to_numpy() // 60 * 1.0
        return [*(table[name].to_numpy() for name in used[:-1]), times]
