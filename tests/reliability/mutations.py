"""Changes of bytes, of text and of JSON, each drawn by a seeded generator."""

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

NUMBERS = (
    "1e999", "-1e999", "NaN", "Infinity", "-1", "0", "-0", "1", "2.5", "1e-320", "1000000000", "9" * 19, "9" * 400,
    str(2**31), str(2**32), str(2**63), str(2**64), str(2**200), str(-(2**31) - 1), "1_000", "0x10", "1e5", "00", "1.",
    "１２", "1,5", "1.234.567", "null", "true",
)  # fmt: skip
TEXTS = (
    "", " ", "\0", "\n", "\r", "\t", "\x85", "\u2028", "\u2029", "\ufeff", "\u202e", "é", "한글", "\U0001f600",
    '"', "'", "''",
    "\\", "/", "../..", "%s", "{}", "$x$", "<b>", "-", "--", "#", "&a", "*a", "!!python/object:os.system", "nan",
    "None",
    "x" * 300, "x" * 20_000, "[" * 400, "{" * 400, "(" * 400, ",", ";" * 50, "a,b", "=1+1", "1970-01-01", "12:00",
    "CON",
)  # fmt: skip
RAW = (
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\x00",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xf4\x90\x80\x80",
    b"\x1a",
)
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949", "latin-1")
TOKEN = re.compile(r'-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[^"\\\n]|\\.)*"|[^\W\d]\w*|\n|[^\w\s]')
SIZES = (1, 2, 4, 8)


def changed(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after one to four changes of its bytes."""
    content = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content = rng.choice(BYTES)(rng, content, rng.choice(seeds))
    return content


def changed_text(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds after changes of its words, numbers and lines; sometimes of its bytes."""
    content = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 3))):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            break
        content = rng.choice(WORDS)(rng, text, rng.choice(seeds).decode("utf-8", "replace")).encode(
            "utf-8", "surrogatepass"
        )
    kind = rng.random()
    if kind < 0.15:
        return changed(rng, [content, *seeds])
    if kind < 0.25:
        return _recoded(rng, content)
    if kind < 0.35:
        at = rng.randrange(len(content) + 1)
        return content[:at] + rng.choice(RAW) + content[at:]
    return content


def changed_json(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with other values, keys or structure; sometimes changed as text."""
    if rng.random() < 0.3:
        return changed_text(rng, seeds)
    tree = json.loads(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = _branch(rng, tree)
    return as_json(tree)


def as_json(tree: Any) -> bytes:
    """JSON in which a text ``@..@`` stands for what no JSON value is written as."""
    text = json.dumps(tree, ensure_ascii=False)
    text = re.sub(r'"@(deep)?([^"@]*)@"', lambda found: _raw(found[1], found[2]), text)
    return text.encode("utf-8", "surrogatepass")


def _raw(deep: str | None, text: str) -> str:
    return "[" * int(text) + "]" * int(text) if deep else text


# bytes


def _flip(rng: Random, content: bytes, _: bytes) -> bytes:
    found = bytearray(content or b"\0")
    for _time in range(rng.choice((1, 1, 2, 8, 32))):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def _cut(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return rng.choice(
        (content[:at], content[:at], content[at:], content[: at & 15], content[: len(content) - (at & 15)])
    )


def _insert(rng: Random, content: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.randbytes(rng.choice((1, 2, 4, 100, 5000))) + content[at:]


def _remove(rng: Random, content: bytes, _: bytes) -> bytes:
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 2, 4, 16, 200))
    return content[:at] + content[at + size :]


def _repeat(rng: Random, content: bytes, _: bytes) -> bytes:
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 8, 100))
    return content[:at] + content[at : at + size] * rng.choice((1, 2, 50, 2000)) + content[at:]


def _blank(rng: Random, content: bytes, _: bytes) -> bytes:
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 4, 16, 500))
    piece = content[at : at + size]
    return content[:at] + rng.choice((b"\0", b"\xff")) * len(piece) + content[at + size :]


def _whole_number(rng: Random, content: bytes, _: bytes) -> bytes:
    size = rng.choice(SIZES)
    near = rng.choice((0, min(64, len(content)), len(content)))  # headers matter most
    at = rng.randrange((near or len(content)) + 1)
    at -= at % rng.choice((1, size))
    top = 1 << 8 * size
    value = rng.choice((0, 1, top - 1, top // 2, top // 2 - 1, top // 4, rng.randrange(top)))
    return content[:at] + value.to_bytes(size, rng.choice(("little", "big"))) + content[at + size :]


def _splice(rng: Random, content: bytes, other: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]


def _swap(rng: Random, content: bytes, _: bytes) -> bytes:
    a, b = sorted(rng.randrange(len(content) + 1) for _time in range(2))
    size = rng.choice((1, 4, 32))
    first, second = content[a : a + size], content[b : b + size]
    return content[:a] + second + content[a + size : b] + first + content[b + size :] if a + size <= b else content


BYTES: tuple[Callable[[Random, bytes, bytes], bytes], ...] = (
    _flip, _flip, _cut, _insert, _remove, _repeat, _blank, _whole_number, _whole_number, _whole_number, _splice, _swap,
)  # fmt: skip


# text


def _token(rng: Random, text: str, other: str) -> str:
    """A word or number in place of another."""
    found = list(TOKEN.finditer(text))
    if not found:
        return text + rng.choice(NUMBERS)
    chosen = rng.choice(found)
    words = [match[0] for match in TOKEN.finditer(other)] or [""]
    new = rng.choice((rng.choice(NUMBERS), rng.choice(TEXTS), rng.choice(words), "", chosen[0] * rng.choice((2, 300))))
    return text[: chosen.start()] + new + text[chosen.end() :]


def _number(rng: Random, text: str, _: str) -> str:
    found = [match for match in TOKEN.finditer(text) if match[0][-1].isdigit()]
    if not found:
        return text
    chosen = rng.choice(found)
    return text[: chosen.start()] + rng.choice(NUMBERS) + text[chosen.end() :]


def _everywhere(rng: Random, text: str, _: str) -> str:
    """A sign changed at every place."""
    found = TOKEN.findall(text) or [","]
    return text.replace(rng.choice(found), rng.choice((*TEXTS[:30], rng.choice(found))))


def _lines(rng: Random, text: str, other: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = rng.randrange(len(lines))
    kind = rng.randrange(8)
    if kind == 0:
        del lines[at : at + rng.choice((1, 1, 5, 1000))]
    elif kind == 1:
        lines.insert(at, lines[at] * rng.choice((1, 2, 500)))
    elif kind == 2:
        rng.shuffle(lines)
    elif kind == 3:
        lines[at] = rng.choice(other.splitlines(keepends=True) or [""])
    elif kind == 4:
        lines = lines[: rng.choice((1, 2, 3))]
    elif kind == 5:
        lines[at] = lines[at].rstrip("\n")
    elif kind == 6:
        lines.insert(at, rng.choice(TEXTS) + "\n")
    else:
        return rng.choice(("\r\n", "\r", "\u2028", "\x0b", "\n\n")).join(text.splitlines())
    return "".join(lines)


def _put(rng: Random, text: str, _: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(TEXTS) + text[at:]


def _end(rng: Random, text: str, _: str) -> str:
    return text[: rng.randrange(len(text) + 1)]


WORDS: tuple[Callable[[Random, str, str], str], ...] = (
    _token,
    _token,
    _number,
    _number,
    _everywhere,
    _lines,
    _lines,
    _put,
    _end,
)


def _recoded(rng: Random, content: bytes) -> bytes:
    found = content.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")
    return found[: len(found) - rng.choice((0, 0, 1, 2, 3))]


# JSON


def _value(rng: Random) -> Any:
    return rng.choice(
        (
            f"@{rng.choice(NUMBERS[:-7])}@", f"@{rng.choice(NUMBERS[:16])}@", rng.choice(TEXTS), None, True, False,
            [], {},
            [0] * rng.choice((1, 5, 20_000)), {"class": "Flow", "options": {}}, {"": {}}, [[1, 2], [3]], "x", 2.5, -1,
            f"@deep{rng.choice((50, 400, 100_000))}@", rng.choice((10**5, 10**8, 10**9, 2**40)),
        )
    )  # fmt: skip


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [tree]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


def _branch(rng: Random, tree: Any) -> Any:
    places = _places(tree)
    if not places or rng.random() < 0.03:
        return _value(rng)
    holder, key = rng.choice(places)
    kind = rng.randrange(10)
    if kind < 4:
        holder[key] = _value(rng)
    elif kind == 4:
        del holder[key]
    elif kind == 5 and isinstance(holder, dict):
        holder[rng.choice((f"{key}s", key.upper(), "", "class", "options", "x" * 1000, "\u2028"))] = holder.pop(key)
    elif kind == 6 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 3, 3000))
    elif kind == 7:
        holder[key] = [holder[key]] * rng.choice((1, 2))
    elif kind == 8:
        other, where = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[where])) if where in other or isinstance(other, list) else 0
    elif isinstance(holder[key], str):
        holder[key] = rng.choice((holder[key] + "x", holder[key] * 2, holder[key][:-1], rng.choice(TEXTS)))
    else:
        holder[key] = {"0": holder[key]}
    return tree
