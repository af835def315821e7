"""Commands that errors and reports propose: written so that a shell, and then diffeo, takes them as they are meant."""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from os import PathLike, fspath
from typing import Any


def word(text: str) -> str:
    """`text` as one word for the shell.

    Example:
        >>> print(word("table:sales.csv"), word("my run"), word("=x"))
        table:sales.csv 'my run' '=x'
    """
    # zsh looks for a program called x where it reads =x
    if text.startswith("=") or not re.fullmatch(r"[\w@%+=:,./-][\w@%+=:,./#-]*", text):
        return "'" + text.replace("'", "'\"'\"'") + "'"
    return text


def path_word(path: str | PathLike[str]) -> str:
    """A file or folder as one word for the shell, which is no option either.

    Example:
        >>> print(path_word("runs/glow"), path_word("my run"), path_word("-x"))
        runs/glow 'my run' ./-x
    """
    text = fspath(path)
    return word(f"./{text}" if text.startswith("-") else text)


def quoted(*names: str) -> str:
    """Names of columns as one word for the shell, separated by commas.

    Example:
        >>> print(quoted("키", "weight (kg)"))
        '키,weight (kg)'
    """
    line = io.StringIO()
    csv.writer(line).writerow(names)
    text = line.getvalue().removesuffix("\r\n")
    if text.lower() in ("none", "null"):  # which stand for no names at all
        text = f'"{text}"'
    return word(text)


def option(name: str, value: str) -> str:
    """An option with its value, which is a word of the shell already; with an equals sign if it looks like an option.

    Example:
        >>> option("drop", "age"), option("drop", "-log10p")
        ('--drop age', '--drop=-log10p')
    """
    return f"--{name}={value}" if value.lstrip("'").startswith("-") else f"--{name} {value}"


def options_of(given: Mapping[str, Any]) -> str:
    """Options by their names: a text, names of columns, or whether it is on.

    Example:
        >>> print(options_of({"drop": ["id", "-x"], "missing": "drop", "header": False}))
        --drop id,-x --missing drop --no-header
    """
    return " ".join(_written(name.replace("_", "-"), value) for name, value in given.items())


def _written(name: str, value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return option(name, word(value) if isinstance(value, str) else quoted(*value))


def without_options(words: Sequence[str], names: Collection[str], flags: Collection[str] = ()) -> list[str]:
    """The words of a command without some of its options: those that take a value, and flags, which take none.

    Example:
        >>> without_options(["--drop", "id", "--seed", "1", "--no-header", "--missing=drop"],
        ...                 ["--drop", "--missing"], ["--no-header"])
        ['--seed', '1']
    """
    kept, follows = [], False
    for one in words:
        name, joined, _ = one.partition("=")
        name = name.replace("_", "-")
        if not follows and name not in names and name not in flags:
            kept.append(one)
        follows = name in names and not joined and not follows
    return kept
