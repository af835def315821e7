"""Weights as such: whose they are, and whether anything was learned."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from diffeo.course.handin.reading import digest
from diffeo.course.sandbox.calling import Answer
from diffeo.course.sandbox.untrusted import LARGEST_HEADER, described

LARGEST = 64 << 20  # bytes


def fingerprint(path: Path) -> str:
    """The same for files that hold the same numbers, whatever their names, order and metadata.

    Raises nothing: what is no safetensors file has the fingerprint of its bytes.
    """
    tensors = _read(path)
    if tensors is None:
        return digest(path)
    floating = [tensor for tensor in tensors.values() if tensor.is_floating_point() and tensor.numel() > 1]
    each = sorted(hashlib.sha256(tensor.float().numpy().tobytes()).hexdigest() for tensor in floating)
    return hashlib.sha256("".join(each).encode()).hexdigest()


def readable(path: Path) -> bool:
    """Whether it is a safetensors file."""
    return _read(path) is not None


def same_as_new(path: Path, state: Answer) -> bool:
    """Whether they are those of a new model: nothing in them differs but what is set by a batch of data.

    Args:
        path: the weights.
        state: the parameters of a new model, their names as `kinds`.
    """
    tensors = _read(path)
    if tensors is None:
        return False
    new = dict(zip(state.kinds, state.values, strict=True))
    matrices = [name for name, value in new.items() if value.is_floating_point() and value.ndim > 1]
    shared = [name for name in matrices if name in tensors and tensors[name].shape == new[name].shape]
    still = [name for name in shared if torch.equal(tensors[name].to(new[name].dtype), new[name])]
    zeros = [name for name in shared if not bool(new[name].any())]  # a last layer that starts at zero
    return bool(shared) and (len(still) == len(shared) or (bool(zeros) and all(name in still for name in zeros)))


def _read(path: Path) -> dict[str, Tensor] | None:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > LARGEST:
                return None
            described(file.read(8 + LARGEST_HEADER))
        found: dict[str, Tensor] = load_file(path)
    except Exception:  # the file is the student's
        return None
    return found
