"""Which part of a data set an image belongs to, and which class: by its pixels, its name and its folders."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diffeo.data.typed_names import composed
from diffeo.system.letters import readable

if TYPE_CHECKING:
    from torch import Tensor

PARTS = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
         "test": "test"}  # fmt: skip


def split_folders(files: Sequence[str]) -> dict[str, str]:
    """Top folders that are parts: train and another one, and nothing beside them."""
    tops = {file.split("/")[0] for file in files if "/" in file}
    found = {top: PARTS[top.lower()] for top in tops if top.lower() in PARTS}
    alone = len(found) == len(tops) and all("/" in file for file in files)
    return found if alone and "train" in found.values() and len(set(found.values())) > 1 else {}


def content_hash(pixels: NDArray[np.uint8]) -> bytes:
    """A hash of an image's shape and pixels; a grey image in colours has that of the grey one."""
    grey = pixels[:1] if (pixels == pixels[:1]).all() else pixels  # (1 or channels, H, W)
    return hashlib.sha256(f"{grey.shape}".encode() + np.ascontiguousarray(grey).tobytes()).digest()


def part_of(file: str, decides: bytes, split: dict[str, str]) -> str:
    """The part of an image: its top folder's, or by a hash of what decides. One without a folder is cut off train."""
    share = int.from_bytes(hashlib.sha256(decides).digest()[:8], "big") / 2**64
    part = split.get(file.split("/")[0], "train")
    if part == "train" and share >= 0.9 and "test" not in split.values():
        return "test"
    if part == "train" and 0.8 <= share < 0.9 and "validation" not in split.values():
        return "validation"
    return part


def copies(contents: Sequence[bytes], parts: Sequence[str]) -> list[str]:
    """How many images equal another one, and how many of a part equal one of train, or of validation."""
    equal = len(contents) - len(set(contents))
    if not equal:
        return []
    seen: set[bytes] = set()
    across = []
    for part in ("train", "validation", "test"):
        own = [content for content, other in zip(contents, parts, strict=True) if other == part]
        again = sum(content in seen for content in own)
        across += [f"{again:,} of {len(own):,} {part} images equal one of an earlier part"] * bool(again)
        seen.update(own)
    return [f"{equal:,} of {len(contents):,} images equal another: {', '.join(across) or 'they are in the same part'}"]


def classes(files: Sequence[str], split: dict[str, str]) -> "tuple[Tensor | None, tuple[str, ...] | None]":
    """The first folder of every file, below those of the parts; nothing if a file lies in none, or all in one."""
    folders = class_folders(files, split)
    names = sorted(set(folders) - {""})
    if len(names) < 2 or "" in folders:
        return None, None
    import torch

    return torch.tensor([names.index(folder) for folder in folders]), tuple(names)


def class_folders(files: Sequence[str], split: dict[str, str]) -> list[str]:
    """The first folder that each file lies in, below those of the parts; an empty name if in none."""
    below = [composed(readable(file)).split("/")[1 if split else 0 : -1] for file in files]
    return [folders[0] if folders else "" for folders in below]
