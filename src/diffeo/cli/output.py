"""What commands print, wherever it goes: a terminal of any alphabet, a pipe, a script."""

import io
import json
import sys
from typing import Any


def plain_letters() -> bool:
    """Whether stdout cannot carry every letter, so that text for machines must be written in ASCII."""
    return not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=plain_letters(), allow_nan=False))


def accept_any_letter() -> None:
    """Let a letter that the terminal does not have become ``?`` in what people read, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
