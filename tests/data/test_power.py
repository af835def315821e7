"""POWER: the published recipe, from either form of the file."""

from pathlib import Path

import numpy as np
import pytest
import torch

import diffeo

HEAD = (
    "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity;"
    "Sub_metering_1;Sub_metering_2;Sub_metering_3"
)


def raw(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "gap": rng.integers(76, 11122, rows).astype(np.uint16),
        "voltage": rng.integers(22320, 25415, rows).astype(np.uint16),
        "sub_metering": rng.integers(0, 88, (rows, 3)).astype(np.uint8),
        "minute": rng.integers(0, 1440, rows).astype(np.uint16),
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    (tmp_path / "power").mkdir()
    return tmp_path / "power"


def test_power_is_standardised_and_knows_its_scale(folder: Path) -> None:
    arrays = raw(2000)
    np.savez_compressed(folder / "power_raw.npz", **arrays)
    data = diffeo.data.load("power")
    assert (len(data.train), len(data.validation), len(data.test)) == (1620, 180, 200)
    assert data.values is None
    assert torch.allclose(data.train.x.mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(data.train.x.std(0, unbiased=False), torch.ones(6), atol=1e-4)
    assert data.scale is not None
    assert data.columns is not None
    assert data.train.rows is not None
    minutes = torch.from_numpy(arrays["minute"].astype(np.float32))[data.train.rows]
    back = data.train.x[:, 5] * data.scale[5]
    off = back - minutes  # one constant, the mean, and noise below one minute
    assert off.max() - off.min() <= 1.01
    taken = torch.cat([part.rows for part in (data.train, data.validation, data.test) if part.rows is not None])
    assert sorted(taken.tolist()) == list(range(2000))
    assert torch.equal(diffeo.data.load("power").test.x, data.test.x)


def test_power_is_read_from_the_published_text_too(folder: Path) -> None:
    arrays = raw(300)
    np.savez_compressed(folder / "power_raw.npz", **arrays)
    from_arrays = diffeo.data.load("power")
    (folder / "power_raw.npz").unlink()
    lines = [HEAD]
    for i in range(300):
        hour, minute = divmod(int(arrays["minute"][i]), 60)
        meters = ";".join(f"{value:.3f}" for value in arrays["sub_metering"][i])
        lines.append(f"16/12/2006;{hour:02}:{minute:02}:00;{arrays['gap'][i] / 1000:.3f};0.418;"
                     f"{arrays['voltage'][i] / 100:.3f};18.400;{meters}")  # fmt: skip
        if i % 100 == 0:
            lines.append("28/4/2007;00:21:00;?;?;?;?;?;?;")
    (folder / "household_power_consumption.txt").write_text("\n".join(lines) + "\n")
    from_text = diffeo.data.load("power")
    assert torch.allclose(from_text.train.x, from_arrays.train.x, atol=1e-5)
    assert torch.equal(from_text.test.rows, from_arrays.test.rows)


def test_without_its_file_power_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"household_power_consumption\.txt into a folder power"):
        diffeo.data.load("power")
    assert diffeo.data.SOURCES["power"].where() == ("absent", None)


def test_a_damaged_file_is_named(folder: Path) -> None:
    (folder / "power_raw.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"power_raw\.npz is damaged"):
        diffeo.data.load("power")
    (folder / "power_raw.npz").unlink()
    (folder / "household_power_consumption.txt").write_text("Date;Time\n1;2\n")
    with pytest.raises(ValueError, match=r"consumption\.txt is damaged"):
        diffeo.data.load("power")
