"""Names that a person types: a name that is not there gets the nearest one that is."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from diffeo.system.letters import readable
from diffeo.system.regular import reason

LONGEST = 300  # letters of a path that an error shows
ADVICE = re.compile(r"\s(?:Use|Leave)\b[^\n]*--[^\n]*\Z|; [^;)\n]*--[^;)\n]*")


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """A sentence to append to an error, with its space; nothing if no name is close.

    Korean is compared by the parts of its syllables: one wrong letter is one wrong letter there, too.

    Example:
        >>> nearest("moon", ["moons", "digits"]), nearest("날자", ["날짜"])
        (' Did you mean moons?', ' Did you mean 날짜?')
    """
    names = {unicodedata.normalize("NFD", name): name for name in known}
    apart = unicodedata.normalize("NFD", word)
    close = difflib.get_close_matches(apart, names, n=1, cutoff=cutoff)
    close = close or [name for name in names if name.startswith(apart)]
    return f" Did you mean {names[close[0]]}?" if close else ""


def composed(text: str) -> str:
    """Letters in one form: macOS writes a Korean syllable as its parts (NFD), keyboards as one letter (NFC)."""
    return unicodedata.normalize("NFC", text)


def check_options(source: str, given: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """The options that were given, without those that are None.

    Raises:
        ValueError: if a source does not take one of them.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    names = list(known)
    for name in chosen:
        if name not in names:
            there = f"There are: {', '.join(names)}" if names else "It takes none"
            raise ValueError(f"{source} takes no option {name!r}.{nearest(name, names)} {there}")
    return chosen


def existing(path: str) -> Path:
    """The file or folder that a person means, whichever form its letters have on the disk.

    Raises:
        FileNotFoundError: if there is none; it says up to where there is one, and what is near.
        OSError: if the system does not let one look for it: a name that is too long, a folder that is closed.
    """
    try:
        return _existing(path)
    except OSError as error:
        if error.errno is None:  # said already
            raise
        raise type(error)(f"{_shown(path)} cannot be looked for: {reason(error)}") from error


def _existing(path: str) -> Path:
    try:
        wanted = Path(path).expanduser()
    except RuntimeError as error:  # ~nobody
        raise FileNotFoundError(f"{_shown(path)} does not exist: {error}") from error
    if not path or wanted.exists():
        return wanted
    found = Path(wanted.anchor) if wanted.is_absolute() else Path()
    for name in wanted.parts[1 if wanted.is_absolute() else 0 :]:
        if (found / name).exists():
            found /= name
            continue
        here = sorted(entry.name for entry in found.iterdir()) if found.is_dir() else []
        same = [entry for entry in here if _plain(entry) == _plain(name)]
        if not same:
            lost = "" if found / name == wanted else f": there is no {name!r} in {found}"
            near = nearest(_plain(name), map(_plain, here), cutoff=0.8)
            raise FileNotFoundError(f"{_shown(path)} does not exist{_shown(lost)}.{near}")
        found /= same[0]
    return found


def _shown(path: str) -> str:
    """A path in letters that can be printed, and not more of them than are read."""
    text = readable(path)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}..{text[-LONGEST // 2 :]}"


def _plain(name: str) -> str:
    return composed(readable(name))


def without_advice(message: str) -> str:
    r"""An error's or a note's text without the options that it proposes, for where none can be given.

    Example:
        >>> without_advice("a.csv: 1 of 2 columns need a decision:\n  id: counts the rows\nUse --drop id")
        'a.csv: 1 of 2 columns need a decision:\n  id: counts the rows'
        >>> without_advice("moons has rows of shape (2,). Leave --condition out")
        'moons has rows of shape (2,).'
        >>> without_advice("no header: the first line is like the others; --header takes it as names; it has x0")
        'no header: the first line is like the others; it has x0'
    """
    return ADVICE.sub("", message)
