"""JSON that others wrote: read with limits of size and depth, and refused in one sentence that names the file."""

import json
import math
import os
import re
from itertools import accumulate
from typing import Any

from diffeo.system.regular import NotRegular, open_regular

LARGEST_JSON = 8 << 20  # bytes; a value takes up to 25 times its letters in memory
DEEPEST = 300  # lists and objects in each other
LONGEST_NUMBER = 300  # digits: as a float it is finite

STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # or the rest, if it never ends: linear
BRACKET, STEP = re.compile(r"[\[\]{}]"), {"[": 1, "{": 1, "]": -1, "}": -1}
LONE_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # may be half of a letter, which no file or terminal takes


def read_json(path: str | os.PathLike[str], *, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """The JSON object that a file holds.

    Args:
        path: the file.
        largest: bytes that it may have.

    Raises:
        OSError: if it cannot be read.
        ValueError: naming the file, if it is too large, no regular file, no UTF-8, or :func:`json_object` refuses it.
    """
    return json_object(read_bytes(path, largest=largest), str(path), largest=largest)


def read_bytes(path: str | os.PathLike[str], *, largest: int) -> bytes:
    """A file's content, if it is a regular file of at most `largest` bytes.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no file, such as a named pipe, which might never end; or larger.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(largest + 1) if size <= largest else b""
    except NotRegular as error:
        raise ValueError(f"{path} is {error.strerror}. Give a file") from error
    size = max(size, len(content))
    if size > largest:
        raise ValueError(f"{path} has {size:,} bytes, and at most {largest:,} are read")
    return content


def json_object(text: bytes | str, where: str, *, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """The object that JSON of others describes: no key is there twice, every number is finite, and nothing is deep.

    Args:
        text: the JSON; bytes are UTF-8.
        where: what it is called in errors.
        largest: letters, or bytes, that it may have.

    Raises:
        ValueError: if it is something else, in one sentence that begins with `where`.

    Example:
        >>> json_object('{"rows": [1, 2]}', "rows.json")
        {'rows': [1, 2]}
        >>> json_object('{"rows": 1, "rows": 2}', "rows.json")
        Traceback (most recent call last):
        ValueError: rows.json is damaged: the key 'rows' is there twice
    """
    if len(text) > largest:
        raise ValueError(f"{where} has {len(text):,} bytes, and at most {largest:,} are read")
    try:
        found = _parsed(text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} is damaged: byte {error.start:,} is not UTF-8 text") from error
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        raise ValueError(
            f"{where} is damaged: not valid JSON: {what} in line {error.lineno}, column {error.colno}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where} is damaged: expected a JSON object, {{..}}, got {_kind(found)}")
    return found


def _parsed(text: str) -> Any:
    deepest = max(accumulate(map(STEP.__getitem__, BRACKET.findall(STRING.sub("", text)))), default=0)
    if deepest > DEEPEST:
        raise ValueError(f"lists and objects lie {deepest:,} deep in each other, and at most {DEEPEST} are read")
    found = json.loads(
        text, object_pairs_hook=_once, parse_constant=_refuse_constant, parse_int=_whole, parse_float=_finite
    )
    if LONE_HALF.search(text):
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"the escape \\u{ord(error.object[error.start]):04x} is half of a letter") from error
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {shortened(twice)!r} is there twice")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(digits):,} digits, and at most {LONGEST_NUMBER} are read")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {shortened(digits)} is too large")
    return number


def _kind(value: object) -> str:
    if isinstance(value, (bool, type(None))):
        return json.dumps(value)
    return "a list" if isinstance(value, list) else "a string" if isinstance(value, str) else "a number"


def shortened(text: str, most: int = 60) -> str:
    """A text of others, for an error in one line.

    Example:
        >>> shortened("a" * 1_000_000, most=5)
        'aaaaa.. (1,000,000 letters)'
    """
    return text if len(text) <= most else f"{text[:most]}.. ({len(text):,} letters)"
