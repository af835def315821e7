"""Names that a person types: a name that is not there gets the nearest one that is."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FOREIGN = re.compile(r"[\udc80-\udcff][\udc80-\udcffA-Za-z]*")  # bytes that are no UTF-8, and what such a pair ends in


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


def readable(text: str) -> str:
    r"""A name whose bytes are no UTF-8 (Python has surrogates for them) in letters, as the system meant that wrote it.

    It is for eyes and for files of text; :func:`existing` finds the file by it.

    Example:
        >>> readable(b"\xb8\xc5\xc3\xe2.csv".decode("utf-8", "surrogateescape")), readable("매출.csv")
        ('매출.csv', '매출.csv')
    """
    return FOREIGN.sub(_guessed, text)


def _guessed(found: re.Match[str]) -> str:
    content = found[0].encode("utf-8", "surrogateescape")
    for encoding in ("cp949", "cp1252"):  # Korean Windows, then Western
        try:
            guess = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if guess.isprintable():
            return guess
    return found[0].encode("ascii", "backslashreplace").decode()


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
    """
    wanted = Path(path).expanduser()
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
            raise FileNotFoundError(readable(f"{path} does not exist{lost}.{near}"))
        found /= same[0]
    return found


def _plain(name: str) -> str:
    return composed(readable(name))
