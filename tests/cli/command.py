"""Running diffeo as a user does: in processes of its own."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]

ONE_AFTER_THE_OTHER = """
import contextlib, io, json, sys, traceback
from diffeo.cli import main
{before}
for arguments in json.loads(sys.argv[1]):
    out, errors, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main(arguments)
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc()
    print(json.dumps([status, out.getvalue(), errors.getvalue()]))
"""

# Stands in for a training: prints what it is told to do.
TOLD = """
import dataclasses, diffeo.data, diffeo.runs.train as runs
def told(flow, data, folder, *, say, progress, **options):
    settings = runs.settings(flow, data, {name: value for name, value in options.items() if name != "seed"})
    return {"flow": flow._options, "data": data.name, "folder": str(folder), **options, **settings}
runs.train_run = told
"""


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    status: int
    out: str
    errors: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.errors
        return json.loads(self.out)


NOBODY = "http://127.0.0.1:9"  # no port that anything listens at


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DIFFEO_DATA", "NO_COLOR", "FORCE_COLOR")}
    offline = {"DIFFEO_CACHE": str(Path(tempfile.gettempdir()) / "diffeo-nothing-here"), "DIFFEO_MIRROR": NOBODY}
    return {**kept, **offline, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONUTF8": "1", **more}


def diffeo(*arguments: object, cwd: Path, status: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
    """One command in one process; `more` are variables of its environment."""
    done = subprocess.run(
        [*DIFFEO, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment(**more),
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def together(*commands: tuple[object, ...], cwd: Path, before: str = "", **more: str) -> list[Done]:
    """Several commands in one process, since each start costs two seconds; `before` is Python run first."""
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER.format(before=before),
         json.dumps([list(map(str, command)) for command in commands])],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment(**more), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = [Done(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(found) == len(commands)
    for command, one in zip(commands, found, strict=True):
        assert "Traceback" not in one.errors, (command, one.errors)
    return found
