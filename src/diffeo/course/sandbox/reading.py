"""Where a submission may read: Python and what is installed, but neither diffeo nor what others handed in."""

import os
import sys
from collections.abc import Iterator, Mapping

Rules = Mapping[str, bool]  # real paths, and whether what is in them may be read: the deepest one counts


def rules(closed: tuple[str, ...], opened: tuple[str, ...]) -> dict[str, bool]:
    """All may be read but what is in `closed`, and of that what Python itself needs, or is in `opened`.

    Args:
        closed: folders that nothing in them is read from, whatever else holds.
        opened: folders that the program may read all the same.
    """
    import tempfile
    from pathlib import Path

    root = os.path.realpath(os.sep)
    private = {os.path.realpath(place) for place in (Path.home(), Path.cwd(), tempfile.gettempdir())}
    python = {os.path.realpath(place) for place in (*sys.path, sys.prefix, sys.base_prefix) if place}
    found = {root: True} | dict.fromkeys(private - {root}, False) | dict.fromkeys(python, True)
    found |= {os.path.realpath(place): False for place in closed}
    return found | {os.path.realpath(place): True for place in opened}


def may_read(path: str, rules: Rules) -> bool:
    """Whether a file may be read.

    Example:
        >>> may_read("/a/b/c", {"/a": True, "/a/b": False}), may_read("/a/x", {"/a": True, "/a/b": False})
        (False, True)
    """
    here = path
    while here not in rules:
        above = here.rpartition(os.sep)[0] or os.sep
        if above == here or len(above) >= len(here):
            return True  # another drive of Windows
        here = above
    return rules[here]


def readable(place: str, rules: Rules, allowed: bool = True) -> Iterator[str]:
    """The largest folders and files that may be read all through; links are left out: what they point to is there."""
    allowed = rules.get(place, allowed)
    start = place.rstrip(os.sep) + os.sep
    if not any(other.startswith(start) for other in rules if other != place):
        if allowed:
            yield place
        return
    try:
        entries = [entry.path for entry in os.scandir(place) if not entry.is_symlink()]
    except OSError:
        return
    for entry in entries:
        yield from readable(entry, rules, allowed)
