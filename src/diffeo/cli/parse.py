"""Numbers, times and lists of names, as people write them in options and config files."""

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter, Token

T = TypeVar("T")

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
LARGEST, SEEDS = 2**63 - 1, 2**32  # of whole numbers; how many seeds there are: every library takes these
NUMBER = r"\d+(?:\.\d+)?"
WRITTEN = re.compile(rf"(?:(?P<h>{NUMBER})h)?(?:(?P<m>{NUMBER})m)?(?:(?P<s>{NUMBER})s)?")


def seconds(text: str) -> float:
    """The seconds of ``90s``, ``10m``, ``1h30m``, or of a plain number.

    Raises:
        ValueError: if it is written in another way, or is no time at all.

    Example:
        >>> seconds("1h30m"), seconds("90s"), seconds("90")
        (5400.0, 90.0, 90.0)
    """
    word = text.strip().lower()
    if re.fullmatch(NUMBER, word):
        word += "s"
    found = WRITTEN.fullmatch(word)
    total = sum(UNITS[unit] * float(part) for unit, part in found.groupdict().items() if part) if found else 0.0
    if not total > 0:
        raise ValueError(f'expected a time such as 90s, 10m or 1h30m, got "{text}"')
    return total


def written(time: float) -> str:
    """A time as :func:`seconds` reads it.

    Example:
        >>> written(5400), written(90), written(0.5)
        ('1h30m', '1m30s', '0.5s')
    """
    hours, rest = divmod(time, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{value:.0f}{unit}" for value, unit in ((hours, "h"), (minutes, "m")) if value]
    return "".join([*parts, f"{left:.15g}s"] if left or not parts else parts)


def names(texts: Sequence[str]) -> list[str]:
    """Names that are separated by commas, or given one by one; in double quotes a comma is part of a name.

    Raises:
        ValueError: if a name is empty.

    Example:
        >>> names(['a, b', '"c, d"'])
        ['a', 'b', 'c, d']
    """
    found = [name.strip() for line in csv.reader(texts, skipinitialspace=True) for name in line]
    if not found or not all(found):
        raise ValueError("expected names of columns, separated by commas")
    return found


def _whole(kind: Any, tokens: Sequence[Token]) -> int:
    return _each(int, text_of(tokens), "a whole number")


def _seed(kind: Any, tokens: Sequence[Token]) -> int:
    number = _whole(kind, tokens)
    if not 0 <= number < SEEDS:
        raise ValueError(f"expected a whole number from 0 to {SEEDS - 1:,}, got {number}")
    return number


def _threads(kind: Any, tokens: Sequence[Token]) -> int:
    number = _whole(kind, tokens)
    if number < 1:
        raise ValueError(f"expected a number of threads from 1, got {number}")
    return number


def _number(kind: Any, tokens: Sequence[Token]) -> float:
    text = text_of(tokens)
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'expected a number, got "{text}"') from None


def _wholes(kind: Any, tokens: Sequence[Token]) -> list[int]:
    return [_each(int, word, "whole numbers such as 3 or 3,17") for word in _words(tokens)]


def _numbers(kind: Any, tokens: Sequence[Token]) -> list[float]:
    return [_each(float, word, "numbers such as 0.7 or 0,0.5,1") for word in _words(tokens)]


def _images(kind: Any, tokens: Sequence[Token]) -> list[int | str]:
    words = [word.strip() for word in next(csv.reader([",".join(token.value for token in tokens)])) or [""]]
    for word in words:
        if not re.fullmatch(r"[+-]?\d+", word) and not Path(word).suffix:
            raise ValueError(f'expected numbers of images such as 3,17, or files such as mine.png, got "{word}"')
    return [int(word) if re.fullmatch(r"[+-]?\d+", word) else word for word in words]


def _words(tokens: Sequence[Token]) -> list[str]:
    return [word.strip() for token in tokens for word in token.value.split(",")]


def _each(kind: Callable[[str], T], word: str, expected: str) -> T:
    try:
        found = kind(word)
    except ValueError:
        raise ValueError(f'expected {expected}, got "{word}"') from None
    if isinstance(found, int) and abs(found) > LARGEST:
        raise ValueError(f'expected {expected}, of less than 20 digits, got "{word}"')
    return found


def _time(kind: Any, tokens: Sequence[Token]) -> float:
    return seconds(text_of(tokens))


def _size(kind: Any, tokens: Sequence[Token]) -> str:
    from diffeo.data.tables.reading import in_bytes

    return str(in_bytes(text_of(tokens)))


def _switch(kind: Any, tokens: Sequence[Token]) -> bool:
    given = tokens[0].implicit_value  # of --name and --no-name
    if isinstance(given, bool):
        return given
    text = tokens[0].value.strip().lower()
    if text not in ("true", "false", "yes", "no"):
        raise ValueError(f'expected true or false, got "{text}"')
    return text in ("true", "yes")


def _names(kind: Any, tokens: Sequence[Token]) -> list[str]:
    return names([token.value for token in tokens])


def text_of(tokens: Sequence[Token]) -> str:
    """What was given for an option; "none" for null in a config file."""
    return "none" if tokens[0].implicit_value is None else tokens[0].value


def _or_none(convert: Callable[[Any, Sequence[Token]], T]) -> Callable[[Any, Sequence[Token]], T | None]:
    def converter(kind: Any, tokens: Sequence[Token]) -> T | None:
        return None if text_of(tokens).lower() in ("none", "null") else convert(kind, tokens)

    return converter


Whole = Annotated[int, Parameter(converter=_whole)]
MaybeWhole = Annotated[int | None, Parameter(converter=_or_none(_whole))]
Seed = Annotated[int, Parameter(converter=_seed)]
Threads = Annotated[int | None, Parameter(converter=_or_none(_threads))]
# separated by commas, or given one by one
MaybeWholes = Annotated[list[int] | None, Parameter(converter=_or_none(_wholes), negative="")]
Images = Annotated[list[int | str], Parameter(converter=_images, negative="")]  # numbers of rows, or files
MaybeImages = Annotated[list[int | str] | None, Parameter(converter=_or_none(_images), negative="")]
Number = Annotated[float, Parameter(converter=_number)]
MaybeNumber = Annotated[float | None, Parameter(converter=_or_none(_number))]
Numbers = Annotated[list[float], Parameter(converter=_numbers, negative="")]
MaybeNumbers = Annotated[
    list[float] | None, Parameter(converter=_or_none(_numbers), negative="", allow_leading_hyphen=True)
]
Time = Annotated[float, Parameter(converter=_time, show_default=written)]
MaybeTime = Annotated[float | None, Parameter(converter=_or_none(_time))]
MaybeText = Annotated[str | None, Parameter(converter=_or_none(lambda kind, tokens: text_of(tokens)))]
MaybeSize = Annotated[str | None, Parameter(converter=_or_none(_size))]  # in bytes
MaybeNames = Annotated[list[str] | None, Parameter(converter=_or_none(_names), negative="")]
MaybeSwitch = Annotated[bool | None, Parameter(converter=_or_none(_switch), show_default=False)]
Switch = Annotated[bool, Parameter(show_default=False)]  # can be switched off again, over a config file
Flag = Annotated[bool, Parameter(show_default=False, negative="")]
