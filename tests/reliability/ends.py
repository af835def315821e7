"""Stand-ins for readers, one for each way to end, tried by the harness; prints how it saw them as JSON."""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reliability.forked import Given, attempt

PATH = "t.csv"
MEGABYTE = 1 << 20


def reads() -> None:
    print("three rows")


def refuses() -> None:
    import diffeo.data

    diffeo.data.load("table:/nowhere/t.csv")


def names_no_file() -> None:
    import diffeo.data

    diffeo.data.load("moon")


def raises_from_a_library() -> None:
    json.loads("{")


def raises_what_no_command_catches() -> None:
    raise KeyError("loss")


def prints_a_traceback() -> None:
    print("Traceback (most recent call last):\n  File", file=sys.stderr)


def computes() -> None:
    while True:
        pass


def waits() -> None:
    time.sleep(600)


def takes() -> None:
    held = []
    while True:
        held.append(bytearray(b"x" * 8 * MEGABYTE))


def takes_and_gives_back() -> None:
    bytearray(b"x" * 200 * MEGABYTE)


def dies() -> None:
    ctypes.string_at(0)


def leaves() -> None:
    os._exit(0)


def starts() -> None:
    os.system("true")


def starts_and_hides_it() -> None:
    import subprocess

    try:
        subprocess.run(["true"], check=False)
    except OSError:
        return


STAND_INS: dict[str, Callable[[], Any] | tuple[str, ...]] = {
    one.__name__: one
    for one in (reads, refuses, names_no_file, raises_from_a_library, raises_what_no_command_catches,
    prints_a_traceback, computes,
                waits, takes, takes_and_gives_back, dies, leaves, starts, starts_and_hides_it)
}  # fmt: skip
STAND_INS["refuses_in_a_command"] = ("data", "--nothing")


def main() -> None:
    import diffeo.cli.app
    import diffeo.data.sources  # noqa: F401

    found = {}
    for name, take in STAND_INS.items():
        names = () if isinstance(take, tuple) else (PATH,)
        outcome = attempt(lambda: Given(take, names), seconds=0.5, memory=150 * MEGABYTE)  # noqa: B023
        found[name] = (outcome.column, outcome.where)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
