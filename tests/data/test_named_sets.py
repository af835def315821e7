"""Data sets: fixed splits, right values, clear errors."""

import gzip
import struct

import numpy as np
import pytest
import torch

import diffeo
from diffeo.data.dataset import listed
from diffeo.data.mnist import FILES, read_idx
from diffeo.data.toys import TOYS


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_the_digits_are_split_as_listed() -> None:
    data = diffeo.data.load("digits")
    assert (len(data.train), len(data.validation), len(data.test)) == (1257, 180, 360)
    assert data.shape == (1, 8, 8)
    assert data.values == 17
    assert data.train.x.dtype == torch.uint8
    assert int(data.train.x.max()) == 16
    taken = set(listed("digits", "validation")) | set(listed("digits", "test"))
    assert len(taken) == 540
    assert sorted(data.test.labels.unique().tolist()) == list(range(10))


@pytest.mark.parametrize("name", list(TOYS))
def test_a_toy_is_the_same_every_time_and_its_parts_differ(name: str) -> None:
    one, other = diffeo.data.load(name), diffeo.data.load(name)
    assert torch.equal(one.train.x, other.train.x)
    assert one.shape == (2,)
    assert one.train.x.isfinite().all()
    assert one.train.x.abs().max() < 8
    assert one.values is None
    assert not torch.equal(one.train.x[:100], one.test.x[:100])


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ValueError, match=r"Did you mean moons\?.*digits"):
        diffeo.data.load("moon")


def write_mnist(folder, *, train: int = 60_000) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, rows in (("train", train), ("test", 20)):
        images, labels = FILES[part]
        pictures = rng.integers(0, 256, (rows, 2, 2), dtype=np.uint8)
        (folder / f"{images}.gz").write_bytes(gzip.compress(idx(pictures), 1))
        (folder / labels).write_bytes(idx(rng.integers(0, 10, rows, dtype=np.uint8)))


def test_mnist_is_read_from_idx_files_gzipped_or_not(tmp_path, monkeypatch) -> None:
    write_mnist(tmp_path / "fashion-mnist")
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    data = diffeo.data.load("fashion-mnist")
    assert (len(data.train), len(data.validation), len(data.test)) == (55_000, 5_000, 20)
    assert data.shape == (1, 2, 2)
    raw = read_idx(tmp_path / "fashion-mnist" / f"{FILES['train'][0]}.gz")
    assert torch.equal(data.validation.x[:, 0], raw[listed("mnist", "validation")])


def test_missing_and_damaged_files_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no train-images-idx3-ubyte\.gz"):
        diffeo.data.load("mnist")
    path = tmp_path / "some.gz"
    for content, message in (
        (b"no gzip", "damaged"),
        (gzip.compress(idx(np.zeros((3, 2, 2), np.uint8)))[:-12], "damaged"),
        (gzip.compress(idx(np.zeros((3, 2, 2), np.uint8))[:-3]), "cut off"),
        (gzip.compress(b"abcdefg"), "no IDX file"),
        (gzip.compress(b"\0\0\x08\x03\0"), "cut off"),
        (gzip.compress(idx(np.zeros(3, np.uint8)) + b"x"), "goes on after the 3 bytes"),
        (gzip.compress(b"\0\0\x08\x02\0\0\0\x02\0\0\0\x02" + bytes(200_000_000), 1), "goes on after the 4 bytes"),
        (gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12), "at most 1,073,741,824 are read"),
        (gzip.compress(b"\0\0\x08\0a"), "no IDX file"),
        (gzip.compress(b"\0\0\x08\xff" + bytes(2000)), "no IDX file"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_idx(path)
    write_mnist(tmp_path / "mnist", train=100)
    with pytest.raises(ValueError, match="must hold 60,000"):
        diffeo.data.load("mnist")
