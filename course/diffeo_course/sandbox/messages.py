"""What passes between the two processes: calls go in and answers come out, as safetensors and JSON, never pickled."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from .calling import MOST_NUMBERS, Answer
from .network import Network
from .untrusted import LARGEST_HEADER, described, one_line, parsed, read_plain

CALLS, SOURCE, LOADED, READY = "calls.safetensors", "source.txt", "loaded.json", "ready"
CONFINEMENT = "confinement.json"
WORK = "work"  # where the program is, and may do as it likes
GRADIENT = "gradient"  # a question about a function; all others are about the model
FAULTS = ("", "missing", "raised", "width", "input", "exit", "memory", "returned")  # those that are found inside
LARGEST_ANSWER = 8 * MOST_NUMBERS + LARGEST_HEADER  # bytes
LARGEST_ERRORS, MOST_ERRORS = 1 << 20, 1000


class Forged(Exception):
    """What lies where an answer should be is none: the program wrote it."""


@dataclass(frozen=True)
class Call:
    """One call: of a function of the program, or one of the questions of :mod:`diffeo_course.sandbox.model`."""

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

    listed = json.loads(described(data)["__metadata__"]["calls"])
    return [Call(each["function"], value(each["arguments"]), each["question"]) for each in listed]


def write_answer(folder: Path, number: int, answer: Answer) -> None:
    """Write an answer where the other process looks for it; it is there whole or not at all."""
    said = asdict(answer) | {"values": len(answer.values)}
    tensors = {str(index): value for index, value in enumerate(answer.values)}
    _put(folder / f"{number}.answer", save(tensors | {"_": _nothing()}, {"answer": json.dumps(said)}))


def write_errors(folder: Path, errors: list[tuple[int, str]]) -> None:
    """Write that the program is loaded, and what failed in it."""
    _put(folder / LOADED, json.dumps(errors[:MOST_ERRORS]).encode())


def _put(path: Path, content: bytes) -> None:
    path.with_suffix(".part").write_bytes(content)
    os.replace(path.with_suffix(".part"), path)


def read_errors(folder: Path) -> list[tuple[int, str]] | None:
    """What failed in loading; None as long as it is being loaded.

    Raises:
        Forged: if what is there is none of ours.
    """
    if not os.path.lexists(folder / LOADED):
        return None
    try:
        said = parsed(read_plain(folder / LOADED, LARGEST_ERRORS))
        if not isinstance(said, list) or len(said) > MOST_ERRORS:
            raise TypeError("not a list of ours")
        return [(_line(line), one_line(error)) for line, error in said]
    except Exception as error:  # whatever a program may have put there
        raise Forged(type(error).__name__) from error


def read_answer(folder: Path, number: int, room: int = LARGEST_ANSWER) -> Answer | None:
    """An answer, or None if it is not there. One of more than `room` bytes counts as nothing that can be returned.

    Raises:
        Forged: if what is there is none of ours.
    """
    path = folder / f"{number}.answer"
    try:
        size = os.lstat(path).st_size
    except OSError:
        return None
    if room < size <= LARGEST_ANSWER:
        return Answer(fault="returned", detail=f"{size >> 20} MB")
    try:
        data = read_plain(path, LARGEST_ANSWER)
        said = parsed(described(data)["__metadata__"]["answer"])
        tensors = load(data)
        values = [tensors[str(index)] for index in range(len(tensors) - 1)]
        kinds = [one_line(kind, 100) for kind in said["kinds"]]
        if not len(kinds) == len(values) == said["values"] or said["fault"] not in FAULTS:
            raise ValueError("not an answer of ours")
        texts = {"fault": str(said["fault"]), "detail": one_line(said["detail"])}
        return Answer(values, kinds, said["changed"] is True, **texts, line=_line(said["line"]))
    except Exception as error:  # whatever a program may have put there
        raise Forged(type(error).__name__) from error


def _line(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < 10_000_000:
        raise TypeError("not the number of a line")
    return int(number)


def _nothing() -> Tensor:
    import torch

    return torch.zeros(0)
