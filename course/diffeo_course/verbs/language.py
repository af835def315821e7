"""The language that commands speak: ``--lang``, or what the locale says."""

import locale
import os
import re
from typing import Annotated

from cyclopts import Parameter

from diffeo_course.messages import Language

MaybeLanguage = Annotated[Language | None, Parameter(show_default=False)]

KNOWN: dict[str, Language] = {"ko": "ko", "kor": "ko", "korean": "ko", "en": "en", "eng": "en", "english": "en"}


def spoken(given: Language | None) -> Language:
    """The language given, or that of the locale: Korean where it says so, otherwise English.

    The variables are read as gettext reads them: the first of LC_ALL, LC_MESSAGES and LANG that is set is the locale;
    LANGUAGE comes before it, unless the locale is C. Where none is set, as on Windows, the system is asked.

    Example:
        >>> spoken("ko")
        'ko'
    """
    if given is not None:
        return given
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), None)
    if named in ("C", "POSIX"):
        return "en"
    wished = [*os.environ.get("LANGUAGE", "").split(":"), _of_the_system() if named is None else named]
    return next((KNOWN[word] for word in map(_word, wished) if word in KNOWN), "en")


def _word(name: str) -> str:
    """``ko`` of ``ko_KR.UTF-8``, ``korean`` of Windows's ``Korean_Korea.949``."""
    return re.split(r"[^a-z]", name.strip().lower(), maxsplit=1)[0]


def _of_the_system() -> str:
    try:
        return locale.getlocale()[0] or ""
    except ValueError:  # a name that Python does not know
        return ""
