"""The kit's data: scikit-learn's digits, and a part of MNIST where that is on this machine; each with its licence."""

import gzip
import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from diffeo.system.writing import write_atomically
from diffeo_course.messages import say

if TYPE_CHECKING:
    from torch import Tensor

PARTS = ("train", "validation", "test")
MNIST = "mnist-subset"
TRAIN, TEST = 5000, 1000  # images of MNIST


def write_data(folder: Path, language: str) -> None:
    """Write ``digits.npz``, ``mnist-subset`` if MNIST is on this machine (nothing is downloaded), and the licences."""
    folder.mkdir(parents=True)
    write_atomically(folder / "digits.npz", digits())
    mnist = _write_mnist(folder / MNIST)
    texts = [say("kit-digits-licence", language)]
    if mnist:
        texts.append(say("kit-mnist-licence", language, folder=MNIST, train=f"{TRAIN:,}", test=f"{TEST:,}"))
    write_atomically(folder / "LICENCES.md", ("\n".join(texts)).encode())


def digits() -> bytes:
    """All 1,797 images as an npz: ``images`` (N, 8, 8) of integers 0 to 16, ``labels``, and each one's ``part``."""
    import numpy as np

    from diffeo.data import load

    data = load("digits")
    parts = [getattr(data, name) for name in PARTS]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        images=np.concatenate([part.x.numpy()[:, 0] for part in parts]),
        labels=np.concatenate([part.labels.numpy() for part in parts]).astype(np.uint8),
        part=np.repeat(PARTS, [len(part.x) for part in parts]),
    )
    return buffer.getvalue()


def _write_mnist(folder: Path) -> bool:
    from diffeo.data import file_of, folder_of, read_idx

    if folder_of("mnist") is None:
        return False
    folder.mkdir()
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        for file in (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"):
            packed = gzip.compress(idx(read_idx(file_of("mnist", file))[:count]), mtime=0)
            write_atomically(folder / f"{file}.gz", packed)
    return True


def idx(values: "Tensor") -> bytes:
    """Bytes as an IDX file, which is how MNIST comes: so the reference code reads the part as it reads the whole.

    Example:
        >>> idx(torch.tensor([7, 9], dtype=torch.uint8)).hex(" ")
        '00 00 08 01 00 00 00 02 07 09'
    """
    head = bytes([0, 0, 8, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
    return head + values.numpy().tobytes()
