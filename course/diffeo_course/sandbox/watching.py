"""What a program's processes take, as seen from outside."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

MANY = 10_000  # entries of a folder that are looked at: so many are too much already


def memory(family: Sequence[psutil.Process]) -> int:
    """Bytes that processes hold: in their tables, and in files without a name (memory files among them)."""
    return sum(_resident(each) + _nameless(each) for each in family)


def threads(family: Sequence[psutil.Process]) -> int:
    """How many threads processes have."""
    return sum(_threads(each) for each in family)


def written(family: Sequence[psutil.Process], folder: Path) -> int:
    """Bytes that processes have written in all, however hidden the files; where nobody counts that, what is there.

    Where the system does not count, a folder of more than so many files counts as full.
    """
    counted = [_wrote(each) for each in family]
    if sys.platform == "darwin" or not counted or None in counted:
        return _stored(folder)
    return sum(each or 0 for each in counted)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _nameless(process: psutil.Process) -> int:
    """Bytes in open files that no folder has: in no process's tables, and gone only when they are closed."""
    if sys.platform != "linux":
        return 0
    place = f"/proc/{process.pid}/fd"
    found = {}
    try:
        for name in os.listdir(place):
            file = os.stat(f"{place}/{name}")
            if stat.S_ISREG(file.st_mode) and file.st_nlink == 0:
                found[file.st_dev, file.st_ino] = 512 * file.st_blocks
    except OSError:  # it is ending
        return 0
    return sum(found.values())


def _threads(process: psutil.Process) -> int:
    try:
        return int(process.num_threads())
    except psutil.Error:
        return 0


def _wrote(process: psutil.Process) -> int | None:
    try:
        counters = process.io_counters()
    except (psutil.Error, AttributeError):
        return None
    return int(getattr(counters, "write_chars", counters.write_bytes))


def _stored(folder: Path) -> int:
    found, entries, todo = 0, 0, [str(folder)]
    while todo:
        try:
            with os.scandir(todo.pop()) as listed:
                for entry in listed:
                    entries += 1
                    if entries > MANY:
                        return 1 << 62
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        found += 512 * getattr(entry.stat(follow_symlinks=False), "st_blocks", 0)
        except OSError:  # removed meanwhile
            continue
    return found
