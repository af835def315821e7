"""Where a model lies: in a folder of the user's, among those that ship, or at the hub."""

import difflib
import os
from pathlib import Path

from diffeo.models import hub
from diffeo.system.documents import shortened
from diffeo.system.letters import readable

LONGEST = 200  # letters of a name that an error repeats
SHIPPED = Path(__file__).parent / "shipped"


def names() -> list[str]:
    """The models that ship.

    Example:
        >>> "realnvp-moons" in names()
        True
    """
    return sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())


def folder(name: str) -> Path:
    """The folder of a model that ships, whatever lies in the working directory.

    Raises:
        ValueError: if none of this name ships; it says which do.
    """
    if name not in names():
        raise ValueError(
            f"no model that ships is called {shortened(name)!r}.{_hint(name)} There are: {', '.join(names())}"
        )
    return SHIPPED / name


def find(where: str | os.PathLike[str]) -> Path:
    """The folder that holds a model, or a run.

    Args:
        where: a folder, which comes first if there is one; the name of a model that ships; or ``hf://USER/NAME``,
            a repository of the hub (``hf://USER/NAME@REVISION`` one of its revisions), which is downloaded once.

    Raises:
        FileNotFoundError: if there is nothing of the kind; it says which models ship.
    """
    text = os.fspath(where)
    if hub.is_address(text):
        return hub.download(text)
    if os.path.exists(text):  # False as well of a name that no system can hold
        return Path(text)
    if text in names():
        return SHIPPED / text
    if len(text) > LONGEST or not text.isprintable():
        shown = readable(shortened(text, most=LONGEST))
        raise FileNotFoundError(f"{shown!r} does not exist, and no model that ships is called so")
    raise FileNotFoundError(
        f"{text} does not exist, and no model that ships is called so.{_hint(text)} A run is made by: "
        f"diffeo train realnvp digits --out {text}. The models that ship are: {', '.join(names())}"
    )


def _hint(name: str) -> str:
    close = difflib.get_close_matches(name, names(), n=1)
    return f" Did you mean {close[0]}?" if close else ""
