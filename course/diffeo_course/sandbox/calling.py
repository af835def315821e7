"""Calling what a student wrote, whatever it is: the result as tensors, or what went wrong as data."""

import copy
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from .network import WrongWidth

PROGRAM = "<submission>"  # the file name in tracebacks
MOST_NUMBERS = 1 << 24  # in one answer
MOST_VALUES = 1000
TYPES = {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
TYPES |= {torch.float16, torch.bfloat16, torch.float32, torch.float64}
METHODS = ("forward", "inverse", "initialize")
INVERSES = {"unsqueeze": "squeeze_inverse"}


@dataclass
class Answer:
    """What a call came to.

    Args:
        values: what was returned, as tensors on the CPU.
        kinds: the type of each before it became a tensor: "Tensor", "ndarray", "float" ...
        changed: the call changed a tensor that it was given.
        fault: "" if it returned; else "missing", "raised", "width", "input", "exit", "memory", "returned", and of the
            process "slow", "died", "crowd", "disk", "load", "forged" or "whole".
        detail: the error in its own words.
        line: of the program, where the error was raised; 0 if that is not known.
    """

    values: list[Tensor] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    changed: bool = False
    fault: str = ""
    detail: str = ""
    line: int = 0


class Missing(LookupError):
    """The program has nothing of that name."""


def find(namespace: Mapping[str, Any], name: str) -> Callable[..., Any]:
    """A function, a module or a class's method by the name that the assignment gives it.

    ``squeeze``, ``Squeeze`` and ``SQUEEZE`` are one name; ``actnorm_forward`` may be ``ActNorm().forward``, and
    ``unsqueeze`` may be ``Squeeze().inverse``.

    Raises:
        Missing: if there is none.
    """
    found = namespace.get(name, _alike(namespace, name))
    if found is None and name.rpartition("_")[2] in METHODS:
        stem, _, method = name.rpartition("_")
        owner = namespace.get(stem, _alike(namespace, stem))
        found = getattr(owner() if isinstance(owner, type) else owner, method, None)
    if isinstance(found, type) and _called_itself(found):
        found = found()
    if found is None and name in INVERSES:
        return find(namespace, INVERSES[name])
    if not callable(found):
        raise Missing(name)
    return found  # type: ignore[no-any-return]


def _called_itself(kind: type) -> bool:
    """Whether what is called is an object of the class, and not the class."""
    return issubclass(kind, nn.Module) or any("__call__" in vars(each) for each in kind.__mro__)


def _alike(namespace: Mapping[str, Any], name: str) -> Any:
    plain = _plain(name)
    return next((value for key, value in namespace.items() if _plain(key) == plain), None)


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Answer:
    """Call it with copies of the arguments; no exception comes out of here."""
    given = copy.deepcopy(arguments)
    try:
        returned = function(*given)
        values, kinds = tensors(returned)
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the program's
        return failed(error)
    pairs = zip(arguments, given, strict=True)
    changed = any(isinstance(a, Tensor) and not torch.equal(a, b) for a, b in pairs)
    return Answer(values, kinds, changed)


class NotReturned(TypeError):
    """What was returned is not numbers."""


def tensors(returned: Any) -> tuple[list[Tensor], list[str]]:
    """What a function returned as a list of tensors, with the type that each had.

    Raises:
        NotReturned: if something in it is not numbers.
    """
    if isinstance(returned, Iterator):
        returned = list(returned)
    several = isinstance(returned, (tuple, list)) and not all(isinstance(each, (int, float)) for each in returned)
    items = list(returned) if several else [returned]
    if len(items) > MOST_VALUES:
        raise NotReturned(f"{type(returned).__name__} of {len(items):,}")
    values = [_tensor(item) for item in items]
    if sum(value.numel() for value in values) > MOST_NUMBERS:
        raise NotReturned(f"{sum(value.numel() for value in values):,} numbers")
    return values, [type(item).__name__[:100] for item in items]


def _tensor(item: Any) -> Tensor:
    if item is None:  # its kind says so
        return torch.zeros(0)
    if isinstance(item, Tensor):
        found = item.detach().cpu()
    else:
        try:
            found = torch.as_tensor(item)
        except (TypeError, ValueError, RuntimeError) as error:
            raise NotReturned(f"{type(item).__name__}") from error
    if found.numel() > MOST_NUMBERS:
        raise NotReturned(f"tensor {tuple(found.shape)}")
    if found.is_sparse or found.is_quantized or found.dtype not in TYPES:
        raise NotReturned(f"tensor {found.dtype} {found.layout}")
    return found.contiguous().clone()


def failed(error: BaseException) -> Answer:
    """An exception as an answer."""
    detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Answer(fault=_fault(error), detail=" ".join(detail.split())[:300], line=program_line(error))


def _fault(error: BaseException) -> str:
    if isinstance(error, WrongWidth):
        return "width"
    if isinstance(error, NotReturned):
        return "returned"
    if isinstance(error, Missing):
        return "missing"
    if isinstance(error, EOFError):
        return "input"
    if isinstance(error, (SystemExit, KeyboardInterrupt)):
        return "exit"
    no_memory = re.search("allocate memory|not enough memory|out of memory", str(error), re.IGNORECASE)
    return "memory" if isinstance(error, MemoryError) or no_memory else "raised"


def program_line(error: BaseException) -> int:
    """The line of the student's program that an error came from; 0 if there is none."""
    if isinstance(error, SyntaxError) and error.filename == PROGRAM:
        return error.lineno or 0
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == PROGRAM), 0)
