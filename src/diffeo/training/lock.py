"""One training a folder: a lock that the operating system lets go of when its process ends, however it ends."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from diffeo.system.documents import read_json
from diffeo.system.proposals import path_word
from diffeo.system.writing import sweep, write_atomically
from diffeo.training.options import CHECKPOINTS, FLIGHT, SAMPLES

LOCK, HOLDER = ".lock", ".lock.json"


class FolderInUse(RuntimeError):
    """Another training writes into the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Inside, no other process or thread is let into the folder; the thread itself may ask again.

    What a training that was killed left unfinished is removed on the way in, and on the way out.
    Of the processes that torchrun started the first holds it for all.

    Raises:
        FolderInUse: if it is taken; it names the process.
    """
    if int(os.environ.get("RANK", "0")):
        yield
        return
    lock = FileLock(folder.resolve() / LOCK, timeout=0, is_singleton=True)
    outermost = not lock.is_locked
    try:
        lock.acquire()
    except Timeout:
        name = path_word(folder)
        raise FolderInUse(
            f"{folder} is in use: {_holder(folder)} trains in it. Look at it with: diffeo watch {name}. "
            f"To go on from here instead, stop that process with Ctrl-C or SIGTERM, which saves, and then: "
            f"diffeo train --resume {name}"
        ) from None
    try:
        if outermost:
            _sweep(folder)
            described = {"process": os.getpid(), "machine": socket.gethostname()}
            write_atomically(folder / HOLDER, (json.dumps(described) + "\n").encode())
        yield
    finally:
        if outermost:
            _sweep(folder)
            for name in (HOLDER, LOCK):  # while it is held; where an open file cannot be removed it stays
                with suppress(OSError):
                    (folder / name).unlink()
        lock.release()


def _sweep(folder: Path) -> None:
    for place in (folder, folder / SAMPLES, folder / CHECKPOINTS, *(folder / FLIGHT).glob("step-*")):
        sweep(place)


def _holder(folder: Path) -> str:
    try:
        held = read_json(folder / HOLDER)
        return f"process {held['process']} on {held['machine']}"
    except (OSError, ValueError, KeyError):  # it is only about to write its name
        return "another process"
