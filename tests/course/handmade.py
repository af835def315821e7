"""Small stand-ins for what a kit is made of: a wheel, and MNIST as its files lie on a machine."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from diffeo.course.kit_data import idx


def handmade_wheel(folder: Path) -> Path:
    """What is enough to be taken for a wheel of diffeo."""
    path = folder / "diffeo-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("diffeo/__init__.py", "")
    return path


def small_mnist(folder: Path, train: int, test: int) -> dict[str, np.ndarray]:
    """Four files like MNIST's, with images of 2x2 random pixels; returns the images."""
    folder.mkdir(parents=True)
    made = {}
    for part, count in (("train", train), ("t10k", test)):
        images = torch.randint(0, 256, (count, 2, 2), dtype=torch.uint8)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(images[:, 0, 0] % 10))
        made[part] = images.numpy()
    return made
