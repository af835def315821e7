"""Limits that a process puts on itself before it runs a student's program, as far as its system has them.

Layers, each of which holds alone: the kernel's (resource limits; on Linux Landlock for files and a filter of calls, or
where that is missing a network of its own), Python's audit hook (all systems, with readable errors), and the parent,
which watches from outside.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from os.path import normcase, realpath
from pathlib import Path

from . import kernel
from .hook import watch
from .reading import readable

LAYERS = ("resources", "landlock", "filter", "network", "hook")


@dataclass(frozen=True)
class Confinement:
    """What holds for a process.

    Args:
        memory: bytes.
        reading: rules, as :func:`diffeo_course.sandbox.reading.rules` makes them.
        filter: of calls to the kernel, in hexadecimal digits; "" if there is none.
        layers: which are wanted.
    """

    memory: int
    reading: dict[str, bool]
    filter: str = ""
    layers: tuple[str, ...] = field(default=LAYERS)

    def to_json(self) -> str:
        """As text, for the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Confinement":
        """The same again."""
        return cls(**json.loads(text))


def confine(folder: Path, work: Path, wanted: Confinement) -> dict[str, int]:
    """Confine this process, for good: no other program, no network, so much memory, and few files.

    Args:
        folder: where new files may be written; nothing may be removed.
        work: in it, where the program may do as it likes.
        wanted: what else holds.

    Returns:
        The layers that are in force; of Landlock the version.
    """
    held: dict[str, int] = {}
    reading = dict(wanted.reading)
    if sys.platform == "linux":
        reading |= {f"/proc/{os.getpid()}/{name}": True for name in ("maps", "stat", "statm", "status")}
    if "resources" in wanted.layers:
        held["resources"] = kernel.limit_resources(wanted.memory)
    if sys.platform == "linux":
        kernel.no_new_privileges()
        filtered = bytes.fromhex(wanted.filter) if "filter" in wanted.layers else b""
        if "network" in wanted.layers and not filtered:
            held["network"] = kernel.leave_network()
        if {"landlock", "filter"} & set(wanted.layers):
            kernel.drop_capabilities()
        if "landlock" in wanted.layers:
            held["landlock"] = kernel.landlock(folder, readable(os.sep, reading))
        held["filter"] = kernel.install_filter(filtered)
    if "hook" in wanted.layers:
        watch(normcase(realpath(folder)), normcase(realpath(work)), reading)
        held["hook"] = True
    return {name: int(value) for name, value in held.items() if value}
