"""A training beside a notebook: a process of its own, which goes on when the notebook's kernel is restarted."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

# Two processes, and the first ends at once: a kernel that is stopped ends its children (on Windows by walking from
# parent to child), and this one then has no parent in the kernel.
LAUNCH = """
import subprocess, sys
options = {"creationflags": 0x00000200 | 0x08000000} if sys.platform == "win32" else {"start_new_session": True}
with open(sys.argv[1], "wb") as log:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], *sys.argv[3:]],
                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
"""
TRAIN = """
import runpy, sys
from diffeo_course.background import _keep_status
_keep_status(lambda: runpy.run_module("diffeo", run_name="__main__"), sys.argv[1], sys.argv[2:])
"""


@dataclass(frozen=True)
class Training:
    """A training that was started beside this process, now or before.

    Attributes:
        folder: its run folder.
    """

    folder: Path

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder.parent / f"{self.folder.name}.log"

    @property
    def status(self) -> int | None:
        """None while it runs; 0 when it has ended well."""
        try:
            return int(self._status.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None

    @property
    def _status(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.status"

    def wait(self, seconds: float) -> bool:
        """Wait for its end, so long at most: whether it has ended."""
        until = time.monotonic() + seconds
        while self.status is None and time.monotonic() < until:
            time.sleep(0.2)
        return self.status is not None


def start(arguments: Sequence[str], folder: Path, *, threads: int = 2) -> Training:
    """Train beside this process: ``diffeo train ARGUMENTS --out FOLDER``. Where it was started before, it goes on.

    Args:
        arguments: of ``diffeo train``, without ``--out``.
        folder: the run folder. What is printed goes into ``FOLDER.log`` beside it.
        threads: how many the training computes with, where ``OMP_NUM_THREADS`` does not say.

    Raises:
        OSError: if the folder cannot be written in.
    """
    training = Training(folder.resolve())
    if training.log.exists():
        return training
    training.folder.parent.mkdir(parents=True, exist_ok=True)
    training._status.unlink(missing_ok=True)  # of a training before, whose folder and log were removed
    command = ["train", *arguments, "--out", str(training.folder)]
    subprocess.run(
        [sys.executable, "-c", LAUNCH, str(training.log), TRAIN, str(training._status), *command],
        env={"OMP_NUM_THREADS": str(threads), **os.environ, "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    return training


def length(*, fast: bool) -> list[str]:
    """How long a lab trains, as options of ``diffeo train``: as the recipe says, or for four minutes at most.

    The environment variable ``DIFFEO_LAB_EPOCHS`` sets a number of epochs instead, for tests.

    Example:
        >>> length(fast=True)
        ['--time-budget', '4m']
    """
    epochs = os.environ.get("DIFFEO_LAB_EPOCHS")
    if epochs is not None:
        return ["--epochs", epochs]
    return ["--time-budget", "4m"] if fast else []


def _keep_status(main: Callable[[], object], status: str, command: list[str]) -> None:
    """Run a command of diffeo, and leave its exit status in a file."""
    from diffeo.system.writing import write_atomically

    sys.argv = ["diffeo", *command]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        raise
    finally:
        write_atomically(Path(status), str(code).encode())
