"""MNIST and Fashion-MNIST from their IDX files: the user's, the system's, the cache's, or downloaded."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part, listed, without
from diffeo.data.download import file_of, folder_of
from diffeo.system.regular import open_regular

if TYPE_CHECKING:
    from torch import Tensor

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
LARGEST = 2**30  # bytes of an IDX file, unpacked
DIMENSIONS = 8
CHUNK = 2**20  # bytes
CLOTHES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


def mnist() -> Dataset:
    """Train 55,000, validation 5,000 (rows of the training file that ``splits.json`` lists), test 10,000."""
    return _idx_dataset("mnist", "LeCun, Cortes and Burges, The MNIST database of handwritten digits, CC BY-SA 3.0")


def fashion_mnist() -> Dataset:
    """Train 55,000, validation 5,000 (the same rows as MNIST's), test 10,000."""
    return _idx_dataset("fashion-mnist", "Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, MIT", CLOTHES)


def _idx_dataset(name: str, source: str, class_names: tuple[str, ...] | None = None) -> Dataset:
    x, labels, test_x, test_labels = (read_idx(file_of(name, file)) for part in FILES.values() for file in part)
    for images, classes, part in ((x, labels, "train"), (test_x, test_labels, "test")):
        if images.dim() != 3 or classes.dim() != 1 or images.shape[1:] != x.shape[1:] or not images.numel():
            shapes = f"{tuple(images.shape)} and {tuple(classes.shape)}"
            raise ValueError(
                f"{folder_of(name)}: {part} images (N, H, W) of one size and labels (N,) expected, got {shapes}"
            )
        if classes.max() > 9:
            raise ValueError(f"{folder_of(name)}: {part} labels are from 0 to 9, got {classes.max()}")
        if len(images) != len(classes):
            raise ValueError(f"{folder_of(name)}: {len(images)} {part} images, but {len(classes)} labels")
    validation = listed("mnist", "validation")
    if len(x) <= max(validation):
        raise ValueError(f"{folder_of(name)}: the training file must hold 60,000 images, this one has {len(x):,}")
    train = without(len(x), validation)
    return Dataset(
        name,
        Part(x[train][:, None], labels[train].long()),
        Part(x[validation][:, None], labels[validation].long()),
        Part(test_x[:, None], test_labels.long()),
        values=256,
        classes=10,
        source=source,
        class_names=class_names,
    )


def read_idx(path: Path) -> "Tensor":
    """The unsigned bytes of an IDX file, gzipped or not.

    No more is read, or unpacked, than the sizes in the header say; they are checked first.

    Raises:
        ValueError: if it is no such file, is cut off or too long, or has more than ``LARGEST`` bytes.
    """
    import torch

    try:
        with open_regular(path) as file, gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file as source:
            return torch.from_numpy(_bytes(path, source))
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _bytes(path: Path, source: BinaryIO | gzip.GzipFile) -> NDArray[np.uint8]:
    head = source.read(4)
    if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= DIMENSIONS:
        raise ValueError(f"{path} is no IDX file of unsigned bytes, of 1 to {DIMENSIONS} dimensions")
    sizes = source.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise ValueError(f"{path} is cut off")
    shape = struct.unpack(f">{head[3]}I", sizes)
    expected = math.prod(shape)
    if expected > LARGEST:
        raise ValueError(f"{path} declares {' x '.join(map(str, shape))} bytes, and at most {LARGEST:,} are read")
    content = np.empty(expected, np.uint8)  # memory is taken as it is filled
    filled = 0
    while filled < expected and (piece := source.read(min(CHUNK, expected - filled))):
        content[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    if filled < expected:
        raise ValueError(f"{path} is cut off: {filled:,} bytes, expected {expected:,}")
    if source.read(1):
        raise ValueError(f"{path} goes on after the {expected:,} bytes that it declares")
    return content.reshape(shape)
