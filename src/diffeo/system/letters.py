"""Names whose bytes are no UTF-8, as a zip of another system leaves them, in letters."""

import re

WORD = re.compile(r"[^\x00-@\[-`{-\x7f]*[\udc80-\udcff][^\x00-@\[-`{-\x7f]*")  # around bytes that are no UTF-8
BYTES = re.compile(r"[\udc80-\udcff]+")


def readable(text: str) -> str:
    r"""A name whose bytes are no UTF-8 (Python has surrogates for them) in letters, as the system meant that wrote it.

    It is for eyes and for files of text; :func:`existing` finds the file by it.

    Example:
        >>> readable(b"\xb8\xc5\xc3\xe2.csv".decode("utf-8", "surrogateescape")), readable("매출.csv")
        ('매출.csv', '매출.csv')
    """
    return WORD.sub(lambda found: _guessed(found[0], "cp949") or BYTES.sub(_western, found[0]), text)


def _western(found: re.Match[str]) -> str:
    return _guessed(found[0], "cp1252") or found[0].encode("ascii", "backslashreplace").decode()


def _guessed(text: str, encoding: str) -> str | None:
    try:
        guess = text.encode("utf-8", "surrogateescape").decode(encoding)
    except UnicodeError:
        return None
    return guess if guess.isprintable() else None
