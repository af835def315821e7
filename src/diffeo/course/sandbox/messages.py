"""What passes between the two processes: calls go in and answers come out, as safetensors and JSON, never pickled."""

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from .calling import Answer
from .network import Network

CALLS, SOURCE, LOADED, READY = "calls.safetensors", "source.txt", "loaded.json", "ready"
CONFINEMENT = "confinement.json"
WORK = "work"  # where the program is, and may do as it likes
GRADIENT = "gradient"  # a question about a function; all others are about the model
LARGEST_ANSWER = 256 << 20
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends


@dataclass(frozen=True)
class Call:
    """One call: of a function of the program, or one of the questions of :mod:`diffeo.course.sandbox.model`."""

    function: str
    arguments: tuple[Any, ...]
    question: str = ""


def pack_calls(calls: list[Call]) -> bytes:
    """Calls as bytes."""
    tensors: dict[str, Tensor] = {}

    def packed(value: Any) -> Any:
        if isinstance(value, Tensor):
            tensors[name := f"t{len(tensors)}"] = value.contiguous().clone()  # safetensors refuses shared memory
            return {"tensor": name}
        if isinstance(value, Network):
            return {"network": [packed(value.inner), packed(value.outer)]}
        if isinstance(value, (list, tuple)):
            return {"list": [packed(each) for each in value]}
        return {"plain": value}

    listed = [
        {"function": call.function, "question": call.question, "arguments": packed(call.arguments)} for call in calls
    ]
    return save(tensors | {"_": _nothing()}, {"calls": json.dumps(listed)})


def unpack_calls(data: bytes) -> list[Call]:
    """The calls again."""
    tensors = load(data)

    def value(packed: dict[str, Any]) -> Any:
        ((kind, content),) = packed.items()
        if kind == "tensor":
            return tensors[content]
        if kind == "network":
            return Network(*(value(each) for each in content))
        return tuple(value(each) for each in content) if kind == "list" else content

    listed = json.loads(_metadata(data)["calls"])
    return [Call(each["function"], value(each["arguments"]), each["question"]) for each in listed]


def write_answer(folder: Path, number: int, answer: Answer) -> None:
    """Write an answer where the other process looks for it; it is there whole or not at all."""
    said = asdict(answer) | {"values": len(answer.values)}
    tensors = {str(index): value for index, value in enumerate(answer.values)}
    path = folder / f"{number}.answer"
    path.with_suffix(".part").write_bytes(save(tensors | {"_": _nothing()}, {"answer": json.dumps(said)}))
    os.replace(path.with_suffix(".part"), path)


def read_answer(folder: Path, number: int) -> Answer | None:
    """An answer, or None if it is not there. What is there but no answer counts as a process that broke."""
    path = folder / f"{number}.answer"
    if not path.exists():
        return None
    try:
        data = read_plain(path)
        tensors, said = load(data), json.loads(_metadata(data)["answer"])
        values = [tensors[str(index)] for index in range(int(said.pop("values")))]
        kinds = [str(kind) for kind in said["kinds"]]
        if len(kinds) != len(values) or any(value.is_complex() for value in values):
            raise ValueError("not an answer of ours")
        texts = {"fault": str(said["fault"]), "detail": str(said["detail"])[:300]}
        return Answer(values, kinds, bool(said["changed"]), **texts, line=int(said["line"]))
    except Exception as error:  # whatever a program may have put there
        return Answer(fault="died", detail=type(error).__name__)


def read_plain(path: Path) -> bytes:
    """A file that the program may have had its hands on: a pipe in its place would be waited for without end.

    Raises:
        ValueError: if it is anything but a file of a sensible size.
    """
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | _BINARY)
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_ANSWER:
            raise ValueError("not a file of ours")
        return file.read()


def _metadata(data: bytes) -> dict[str, str]:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    metadata: dict[str, str] = header["__metadata__"]
    return metadata


def _nothing() -> Tensor:
    import torch

    return torch.zeros(0)
