"""Small stand-ins for what a kit is made of: the wheels, and MNIST as its files lie on a machine."""

import zipfile
from pathlib import Path

import numpy as np
import torch

from diffeo_course.kit_data import idx


def handmade_wheels(folder: Path, version: str = "0.1.0") -> list[Path]:
    """What is enough to be taken for the wheels of diffeo and diffeo-course."""
    paths = []
    for name in ("diffeo", "diffeo_course"):
        paths.append(folder / f"{name}-{version}-py3-none-any.whl")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            archive.writestr(f"{name}/__init__.py", "")
    return paths


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
