"""What commands print, wherever it goes: a terminal of any alphabet, a pipe, a script."""

import codecs
import io
import json
import math
import re
import sys
from collections.abc import Callable
from typing import Any

from diffeo.system.letters import readable
from diffeo.system.regular import reason


def plain_letters() -> bool:
    """Whether stdout cannot carry every letter, so that text for machines must be written in ASCII."""
    return not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def as_json(value: Any, *, ascii_only: bool = False) -> str:
    """JSON for people and scripts; JSON has no NaN, so what is not finite becomes null."""
    return readable(json.dumps(_finite(value), indent=2, ensure_ascii=ascii_only, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(as_json(value, ascii_only=plain_letters()))


def accept_any_letter() -> None:
    """Let a letter that the terminal does not have become ``?`` in what people read, not an error.

    Names that are no UTF-8 are shown in letters.
    """
    codecs.register_error("diffeo.readable", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="diffeo.readable")


def _replaced(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return readable(error.object[error.start : error.end]).encode(error.encoding, "replace"), error.end


def each_warning_once() -> Callable[..., None]:
    """What :func:`warnings.showwarning` is to be: a line on stderr for every text, whoever warns and how often.

    The file and the line that warned are diffeo's own, or a library's, and say nothing to a person at a terminal.
    """
    said: set[str] = set()

    def show(message: Warning | str, *where: object, **more: object) -> None:
        text = re.sub(r"\(Triggered internally at [^)]*\)", "", " ".join(str(message).split())).strip()
        if text not in said:
            said.add(text)
            print(f"diffeo: warning: {text}", file=sys.stderr)

    return show


def counted(number: int, what: str) -> str:
    """A number of things, in words.

    Example:
        >>> counted(1, "row"), counted(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def in_words(error: OSError) -> str:
    """What the system refused, without its number.

    Example:
        >>> in_words(PermissionError(13, "Permission denied", "runs/x"))
        'runs/x: permission denied'
    """
    if error.strerror is None or error.filename is None:
        return str(error)
    return f"{error.filename}: {reason(error)}"
