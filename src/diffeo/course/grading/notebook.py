"""The checker inside a notebook: the same verdicts, on a function that a cell has just defined."""

from collections.abc import Callable
from typing import Any


def check(key: str, function: Callable[..., Any], language: str = "ko") -> bool:
    """Check one function of the assignment, print the verdict, and say whether all of it is right.

    Args:
        key: the function's name in the assignment, such as ``"coupling_forward"``.
        function: what was written for it, a function or a module.
        language: "ko" or "en".

    Raises:
        ValueError: if the assignment has no function of that name.
    """
    raise NotImplementedError
