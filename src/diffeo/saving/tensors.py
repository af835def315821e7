"""Files of tensors (safetensors) that others wrote: their header first, within limits, and each tensor read once."""

import os
from typing import NamedTuple

import torch
from torch import Tensor

from diffeo.system.documents import json_object
from diffeo.system.regular import open_regular

LARGEST_HEADER = 4 << 20  # bytes
MOST_TENSORS = 20_000  # Glow with 6 levels of 32 steps has 2,300

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64", "BOOL": "bool",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8",
    "F8_E4M3": "float8_e4m3fn", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip


class Outline(NamedTuple):
    """What the header of a file says.

    Attributes:
        tensors: by name, on torch's meta device: shape and dtype, and no numbers.
        starts: where the numbers of each begin, in bytes from the beginning of the file.
        metadata: texts by name.
    """

    tensors: dict[str, Tensor]
    starts: dict[str, int]
    metadata: dict[str, str]


def outline(path: str | os.PathLike[str]) -> Outline:
    """Look at a file's header alone: what tensors it holds. It takes no longer for large tensors.

    Raises:
        OSError: if it cannot be read.
        ValueError: naming the file, if it is damaged, or holds more than the limits of this module.
    """
    from safetensors import SafetensorError, safe_open

    with open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
        if not 0 < length <= size - 8:
            raise ValueError(f"{path} is damaged: its header should have {length:,} bytes, and the file has {size:,}")
        if length > LARGEST_HEADER:
            raise ValueError(f"{path} has a header of {length:,} bytes, and at most {LARGEST_HEADER:,} are read")
        header = json_object(file.read(length), str(path))
    metadata = header.pop("__metadata__", {})
    if len(header) > MOST_TENSORS:
        raise ValueError(f"{path} holds {len(header):,} tensors, and at most {MOST_TENSORS:,} are read")
    try:
        with safe_open(path, framework="pt"):  # compares it with the file: no holes, nothing twice, nothing outside
            pass
        tensors, starts = {}, {}
        for name, said in header.items():
            dtype = getattr(torch, DTYPES[said["dtype"]])
            tensors[name] = torch.empty(said["shape"], dtype=dtype, device="meta")
            starts[name] = 8 + length + said["data_offsets"][0]
    except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return Outline(tensors, starts, metadata)


def read(path: str | os.PathLike[str], found: Outline) -> dict[str, Tensor]:
    """The tensors themselves, each in memory of its own, and no byte of them in memory twice.

    Where a tensor lies in the file decides nothing: torch aligns them, and on that the last bit of a sum may depend.

    Raises:
        OSError: if the file cannot be read.
        ValueError: naming the file, if it has become shorter since.
    """
    tensors = {}
    with open(path, "rb") as file:
        for name, like in found.tensors.items():
            tensor = torch.empty(like.shape, dtype=like.dtype)
            if tensor.numel():
                there = memoryview(tensor.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
                file.seek(found.starts[name])
                if file.readinto(there) != len(there):
                    raise ValueError(f"{path} is damaged: it ends inside {name}")
            tensors[name] = tensor
    return tensors
