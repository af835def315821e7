"""Warnings that point at the user's line."""

import sys
import warnings

PASSED_OVER = ("diffeo", "torch", "contextlib")  # ours, torch's decorators and calls of modules, context managers


def warn(message: str) -> None:
    """Warn from the line outside of diffeo that led here, so that it is shown once for each such line.

    Where there is none, as from the command line, it is from the outermost line.

    Example:
        >>> with warnings.catch_warnings(record=True) as shown:
        ...     warnings.simplefilter("always")
        ...     warn("there is a hole in the third row")
        >>> [str(one.message) for one in shown]
        ['there is a hole in the third row']
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_globals.get("__name__", "").partition(".")[0] in PASSED_OVER and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
