"""Everything that the course's commands say, in Korean and English: one catalogue, a YAML file a part.

A file maps a key to ``{ko: .., en: ..}``. Both languages take the same ``{names}``; a Korean text puts no particle
directly after an inserted name, since its form would depend on the name.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# control characters but line ends and tabs, changes of direction, halves of letters
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All messages, by key.

    Raises:
        ValueError: if two files use one key.
    """
    import yaml

    found: dict[str, dict[str, str]] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        part = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        twice = sorted(set(part) & set(found))
        if twice:
            raise ValueError(f"{file.name}: {', '.join(twice)} are in another file of the catalogue too. Rename them.")
        found |= part
    return found


def say(key: str, language: str, **values: object) -> str:
    """A message, its names filled in; what would steer a terminal or an editor, or is no letter, is shown as such.

    Raises:
        KeyError: if the catalogue does not have it, in that language.

    Example:
        >>> say("language", "en")
        'English'
    """
    return UNPRINTABLE.sub("\ufffd", catalogue()[key][language].format(**values))
