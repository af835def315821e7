"""A function that the assignment asks for, as data: what it is given, what is right, which mistakes are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

Function = Callable[..., tuple[Tensor, ...]]


@dataclass(frozen=True)
class Output:
    """One of the things that a function returns.

    Args:
        name: in the assignment.
        line: the key of the rubric's line that it counts for.
        shape: in words, such as ``"(B,)"``.
        loose: shapes that differ by axes of length one are as good: a mask may be ``(1, 1, H, W)``.
    """

    name: str
    line: str
    shape: str
    loose: bool = False


@dataclass(frozen=True)
class Mistake:
    """A known mistake: what it would return, and what part of the points is left.

    Args:
        key: the message ``mistake-KEY`` says what was done and what to do.
        function: the wrong implementation; what it is wrong in is found by comparing.
        share: of the points, for the output that it explains.
    """

    key: str
    function: Function
    share: float = 0.0


@dataclass(frozen=True)
class Task:
    """A function of the assignment.

    Args:
        function: its name.
        signature: as the assignment states it.
        outputs: what it returns, in order. What it returns beyond these is ignored.
        cases: draws the arguments of each call.
        right: the right implementation.
        mistakes: known ones, the likeliest first.
        tolerance: absolute and relative.
        keeps_dtype: floating-point results have the dtype of the input.
        trains: gradients have to pass through it.
        explain: a mistake whose numbers cannot be foretold, from the cases and what was returned: its key, or "".
    """

    function: str
    signature: str
    outputs: tuple[Output, ...]
    cases: Callable[[Generator], list[tuple[Any, ...]]]
    right: Function
    mistakes: tuple[Mistake, ...] = ()
    tolerance: float = 1e-4
    keeps_dtype: bool = True
    trains: bool = False
    explain: Callable[[Sequence[tuple[Any, ...]], Sequence[Tensor]], str] | None = None
