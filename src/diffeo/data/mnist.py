"""MNIST and Fashion-MNIST from their IDX files: the user's, the system's, the cache's, or downloaded."""

import gzip
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diffeo.data.dataset import Dataset, Part, listed, without
from diffeo.data.download import folder_of, whole

if TYPE_CHECKING:
    from torch import Tensor

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
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
    x, labels, test_x, test_labels = (read_idx(whole(name, file)) for part in FILES.values() for file in part)
    for images, classes, part in ((x, labels, "train"), (test_x, test_labels, "test")):
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

    Raises:
        ValueError: if it is no such file, or is cut off.
    """
    import torch

    raw = path.read_bytes()
    try:
        content = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX file of unsigned bytes")
    dims = content[3]
    if len(content) < 4 + 4 * dims:
        raise ValueError(f"{path} is cut off")
    shape = struct.unpack(f">{dims}I", content[4 : 4 + 4 * dims])
    body = np.frombuffer(content, np.uint8, offset=4 + 4 * dims)
    if body.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{path} is cut off: {body.size:,} bytes, expected {np.prod(shape, dtype=np.int64):,}")
    return torch.from_numpy(body.reshape(shape).copy())
