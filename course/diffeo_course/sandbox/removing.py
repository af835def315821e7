"""Removing a folder that a program had for itself, whatever it made in it."""

import contextlib
import os
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder and all in it; what the system refuses to remove stays, and nothing is raised.

    Folders are moved up into this one before they are emptied: thousands inside one another would be too deep for
    ``shutil.rmtree``, and their paths too long for the system.
    """
    number = 0
    todo = [folder]
    while todo:
        here = todo.pop()
        with contextlib.suppress(OSError):
            os.chmod(here, 0o700)
            with os.scandir(here) as entries:
                found = list(entries)
            for entry in found:
                with contextlib.suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)  # a folder that may not be written in cannot be moved
                    number += 1
                    moved = folder / f".removed-{number}"
                    os.rename(entry.path, moved)
                    todo.append(moved)
            if here != folder:
                os.rmdir(here)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
