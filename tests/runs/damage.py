"""Ways to damage a file, and a record in it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[bytes], bytes | None]  # None: the file is removed


def _digit(content: bytes) -> bytes:
    """A letter in place of a digit, in the middle."""
    places = [found.start() for found in re.finditer(rb"(?<=\d)\d(?=\d)", content)]
    at = places[len(places) // 2] if places else len(content) // 2
    return content[:at] + b"O" + content[at + 1 :]


def _middle(content: bytes) -> bytes:
    at = content.find(b"\n", len(content) // 3) + 1
    return content[:at] + content[content.find(b"\n", 2 * len(content) // 3) + 1 :]


def _inserted(more: bytes) -> Damage:
    def insert(content: bytes) -> bytes:
        at = content.find(b"\n", len(content) // 2) + 1
        return content[:at] + more + content[at:]

    return insert


WAYS: dict[str, Damage] = {
    "removed": lambda content: None,
    "emptied": lambda content: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "a bit flipped": lambda content: (
        content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 0x40]) + content[len(content) // 2 + 1 :]
    ),
    "a digit a letter": _digit,
    "lines gone": _middle,
    "without its beginning": lambda content: content[content.find(b"\n") + 1 :],
    "a line of nonsense": _inserted(b"nonsense\n"),
    "no UTF-8": _inserted(b'"\xff\xfe\x80\n'),
    "zeros": lambda content: bytes(len(content)),
    "another type": lambda content: b"[1, 2, 3]\n",
    "a number": lambda content: b"5\n",
    "nested": lambda content: b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n",
    "a long line": lambda content: content + b"7" * (3 << 20) + b"\n",
    "twice": lambda content: content + content,
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "lines of Windows": lambda content: content.replace(b"\n", b"\r\n"),
}

VALUES = {
    "text": "0.5x", "null": None, "a list": [1], "an object": {"x": 1}, "true": True, "huge": 10**300,
    "a fraction": 0.5, "negative": -1,
}  # fmt: skip


def keys(record: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of a JSON document."""
    found = [path] if path else []
    if isinstance(record, dict):
        found += [place for key, value in record.items() for place in keys(value, (*path, key))]
    elif isinstance(record, list):
        found += [place for i, value in enumerate(record[:1]) for place in keys(value, (*path, i))]
    return found


def exchanged(record: object, path: tuple[str | int, ...], value: object) -> object:
    """A copy of a document with another value at a place."""
    copy = json.loads(json.dumps(record))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return copy


def damage(path: Path, way: str) -> None:
    """Damage a file."""
    content = WAYS[way](path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
