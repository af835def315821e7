"""Saving and loading without pickle: options as JSON, tensors as safetensors."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diffeo import models
from diffeo.saving import tensors
from diffeo.saving.configuration import Json, config
from diffeo.saving.seal import check_seal, sealed
from diffeo.saving.skeleton import FORMAT, let_go, skeleton, structure, tied
from diffeo.system.documents import json_object, read_json
from diffeo.system.writing import write_atomically

CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
LARGEST_CONFIG = 4 << 20  # bytes of config.json: what is large belongs into a buffer, not into an option


def describe(item: nn.Module) -> dict[str, Json]:
    """What ``config.json`` will hold of a model, once it is certain that the model can be built from it again.

    Raises:
        TypeError: if the model cannot be described by its options (see :func:`register`).
        ValueError: if it is not what its options say: it was changed, or two of its parts share parameters.
    """
    import diffeo

    described: dict[str, Json] = {
        "format": FORMAT,
        **config(item),
        "versions": {"diffeo": diffeo.__version__, "torch": torch.__version__},
    }
    state = item.state_dict()
    try:
        json_object(_text(described), "its description", largest=LARGEST_CONFIG)
        built = skeleton(described, state)
    except ValueError as error:
        raise ValueError(f"{type(item).__name__} cannot be saved, since it could not be opened: {error}") from error
    _same_tensors(built, state, "cannot be saved: its options do not describe it")
    if tied(built) != tied(item):
        raise ValueError(
            f"{type(item).__name__} cannot be saved: two of its parts share parameters. Build one for each place"
        )
    if structure(built) != structure(item):
        raise ValueError(f"{type(item).__name__} cannot be saved: it was changed after it was built. Build it anew")
    return described


def save(item: nn.Module, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write ``config.json`` and ``model.safetensors`` into `folder`, each whole or not at all.

    The tensors carry a checksum, in the metadata of their own file, which :func:`load` compares.

    Raises:
        TypeError, ValueError: if the model cannot be built from its options again (see :func:`describe`).
        FileExistsError: if a model lies there already and `overwrite` is not set.
    """
    folder = Path(folder)
    present = [name for name in (CONFIG_FILE, TENSORS_FILE) if (folder / name).exists()]
    if present and not overwrite:
        raise FileExistsError(
            f"{folder} already holds {' and '.join(present)}. Choose another folder, or pass overwrite=True."
        )
    described = describe(item)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in item.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / TENSORS_FILE, sealed(tensors))
    write_atomically(folder / CONFIG_FILE, _text(described).encode())
    return folder


def load(where: str | os.PathLike[str], *, device: torch.device | str | None = None) -> Any:
    """Open a saved model: the one that was saved, to the last bit, in evaluation mode.

    Args:
        where: a folder; or the name of a model that ships (``diffeo models`` lists them), if there is no such folder;
            or ``hf://USER/NAME``, a repository of the Hugging Face hub.
        device: where the model is wanted.

    Raises:
        FileNotFoundError: if there is no such model, or the folder holds none.
        ValueError: if the files do not fit together: an unknown class, option or key, a missing or
            extra tensor, a wrong shape; or if the tensors are not those that were saved, by their checksum.
    """
    folder = models.find(where)
    for name in (CONFIG_FILE, TENSORS_FILE):
        if not (folder / name).is_file():
            hides = f". It hides the model that ships as {where}" if os.fspath(where) in models.names() else ""
            raise FileNotFoundError(f"{folder} holds no saved model: {name} is missing{hides}")
    described = read_json(folder / CONFIG_FILE, largest=LARGEST_CONFIG)
    outline = tensors.outline(folder / TENSORS_FILE)
    try:
        item = skeleton(described, outline.tensors)
        added = _earlier_tensors(item, outline.tensors)
        _same_tensors(item, outline.tensors | added, f"does not fit {folder / TENSORS_FILE}")
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE}: {error}") from error
    check_seal(folder / TENSORS_FILE)
    shared = tied(item)
    let_go(item)
    item.load_state_dict(tensors.read(folder / TENSORS_FILE, outline) | added, strict=True, assign=True)
    for first, *others in shared:
        for other in others:
            owner, _, leaf = other.rpartition(".")
            setattr(item.get_submodule(owner), leaf, item.get_parameter(first))
    return item.to(device).eval() if device is not None else item.eval()


def _text(described: dict[str, Json]) -> str:
    return json.dumps(described, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _earlier_tensors(item: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What parts are set to that files of before they were there hold nothing of: their `earlier_tensors`."""
    floating = next((tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()), torch.float32)
    added: dict[str, Tensor] = {}
    for place, part in item.named_modules():
        state = {f"{place}.{name}".lstrip("."): value for name, value in getattr(part, "earlier_tensors", {}).items()}
        if not state.keys() & tensors.keys():  # else the file is of later, or damaged
            for name, value in state.items():
                dtype = torch.bool if isinstance(value, bool) else floating
                added[name] = torch.full(item.state_dict()[name].shape, value, dtype=dtype)
    return added


def _same_tensors(item: nn.Module, tensors: dict[str, Tensor], problem: str) -> None:
    wanted = item.state_dict()
    faults = [f"missing {name}" for name in wanted if name not in tensors]
    faults += [f"extra {name}" for name in tensors if name not in wanted]
    faults += [
        f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    floating = {str(tensor.dtype) for tensor in tensors.values() if tensor.is_floating_point()}
    if len(floating) > 1 or floating & {"torch.float16", "torch.bfloat16"}:
        faults.append(f"tensors are {' and '.join(sorted(floating))}, not all float32 or all float64")
    faults += [
        f"{name} is {tensors[name].dtype}, not {wanted[name].dtype}"
        for name in wanted
        if name in tensors
        and (tensors[name].is_floating_point(), wanted[name].is_floating_point()) != (True, True)
        and tensors[name].dtype != wanted[name].dtype
    ]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ValueError(f"{type(item).__name__} {problem}: {'; '.join(faults[:5])}{more}")
