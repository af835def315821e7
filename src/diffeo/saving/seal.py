"""A checksum inside a file of tensors: whoever opens it knows whether these are the numbers that were saved.

It stands in the file's own metadata, so that one file vouches for itself, whatever lies beside it. A file without one,
as other programs and earlier versions write it, is taken as it is.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

SEAL = "sha256"  # of the names, types, shapes and numbers, in the metadata
CHUNK = 1 << 20  # bytes


def sealed(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a file of tensors that carries its checksum.

    Example:
        >>> import torch
        >>> from safetensors.torch import load
        >>> load(sealed({"x": torch.ones(2)}))
        {'x': tensor([1., 1.])}
    """
    from safetensors.torch import save

    content = save(dict(tensors))
    start = 8 + int.from_bytes(content[:8], "little")
    found = _begun(content[8:start])
    found.update(memoryview(content)[start:])
    del content
    return save(dict(tensors), metadata={SEAL: found.hexdigest()})


def check_seal(path: Path) -> None:
    """Compare a file of tensors with the checksum that it carries, if it does.

    Args:
        path: the file, whose header is sound (:func:`diffeo.saving.tensors.outline`).

    Raises:
        ValueError: naming the file, if they differ, with a way to get the model back.
    """
    with path.open("rb") as file:
        header = file.read(int.from_bytes(file.read(8), "little"))
        said = json.loads(header).get("__metadata__", {}).get(SEAL)
        if said is None:
            return  # of another program, or an earlier version
        found = _begun(header)
        while chunk := file.read(CHUNK):
            found.update(chunk)
    if found.hexdigest() != said:
        raise ValueError(
            f"{path} is damaged: its numbers are not those that were saved (they have another checksum). "
            f"{_way_back(path.parent)}"
        )


def _begun(header: bytes) -> "hashlib._Hash":
    """The checksum so far: of what the header says of the tensors."""
    described = {name: said for name, said in json.loads(header).items() if name != "__metadata__"}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode())


def _way_back(folder: Path) -> str:
    from diffeo.models.places import SHIPPED
    from diffeo.system.proposals import path_word

    if folder.parent == SHIPPED:
        return "It ships with diffeo: install that again, with pip install --force-reinstall --no-deps diffeo"
    if any((folder / "checkpoints").glob("step-*")):
        return f"The run has checkpoints, from which it is written again by: diffeo train --resume {path_word(folder)}"
    return (
        "Put back a copy of it; a run without checkpoints is trained again by the command in its run.json. If it was "
        "changed on purpose, save the model with diffeo's own save, which writes the checksum anew"
    )
