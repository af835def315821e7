"""Which layers hold a submission on this machine: a process tries them, and tells."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .confine import LAYERS, Confinement, confine
from .reading import rules
from .syscalls import filter_program

INSTEAD = "network"  # asked for only where there is no filter


def in_force(layers: tuple[str, ...] = LAYERS) -> dict[str, int]:
    """The layers that a process could put on itself; of Landlock the version."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Confinement(1 << 30, rules((), (folder,)), filter_program().hex(), layers)
        here = [sys.executable, "-c", "from diffeo_course.sandbox.layers import tell; tell()", folder]
        told = subprocess.run(here, input=wanted.to_json(), capture_output=True, text=True, check=False)
    try:
        return {str(name): int(value) for name, value in json.loads(told.stdout).items()}
    except ValueError:  # it could not even start: then no submission does
        return {}


def missing(held: dict[str, int]) -> list[str]:
    """The layers that hold elsewhere, but not here."""
    return [name for name in LAYERS if name not in held and name != INSTEAD]


def tell() -> None:
    """In the process that tries."""
    folder = Path(sys.argv[1])
    sys.stdout.write(json.dumps(confine(folder, folder, Confinement.from_json(sys.stdin.read()))))
