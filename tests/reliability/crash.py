"""Kill a small training, and its resume, at every operation on a file and at random moments; resume, and compare.

Run by ``make crash``. All trainings are forked from one process that has imported what they need. Pictures are not
drawn: the numbers that they show are written in their place. Ends with 1 if anything is not exact.
"""

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from page import put
from suffering import STATES, Case, case_suffered, prepare, toy, undisturbed

SIGNALS = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGINT": (signal.SIGINT,),
    "SIGINT twice within 0.05 s": (signal.SIGINT, signal.SIGINT),
}
COLUMNS = ("exact", "other digits", "dead end", "lost", "without a way on")


def main() -> int:
    """Everything that was asked for; gives the exit status."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--every", type=int, default=1, help="kill at every so many operations only")
    asked.add_argument("--random", type=int, default=25, help="random moments for each signal")
    asked.add_argument("--rows", default="", help="only rows of the table that hold this text")
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    asked.add_argument("--table", type=Path, help="write the table into a file")
    options = asked.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="diffeo-crash-") as place:
        world = Path(place)
        toy(world)
        prepare(world)
        seconds, counts = undisturbed(world)
        cases = [case for case in all_cases(seconds, counts, options.every, options.random) if options.rows in case.row]
        print(f"{len(cases):,} cases; one training takes {seconds:.1f} s, and {counts} operations", file=sys.stderr)
        found: dict[str, Counter[str]] = {case.row: Counter() for case in cases}
        with multiprocessing.get_context("fork").Pool(options.workers) as pool:
            ended = pool.imap_unordered(case_suffered, [(world, case) for case in cases])
            for number, (case, verdict, said) in enumerate(ended, 1):
                found[case.row][verdict] += 1
                if number % 50 == 0:
                    print(f"{number:,} cases, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
                if verdict != "exact":
                    print(f"{verdict}: {case}\n    " + said.replace("\n", "\n    "), flush=True)
    table = as_table(found)
    print(table)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    if options.table:
        options.table.write_text(table + "\n", encoding="utf-8")
    if options.write:
        put("crash", table)
    return int(any(counter[column] for counter in found.values() for column in COLUMNS[1:]))


def all_cases(seconds: float, counts: dict[str, int], every: int, several: int) -> Iterator[Case]:
    """What goes wrong, row by row."""
    draw = random.Random(1)
    for kind, numbers in SIGNALS.items():
        for _ in range(several):
            yield Case(f"{kind}, random", signals=numbers, after=draw.uniform(0, seconds))
    rows = {"of a training": ""} | {f"of a resume, {name}": state for name, state in STATES.items()}
    for name, state in rows.items():
        for number in range(1 + draw.randrange(every), counts[state] + 1, every):
            yield Case(f"SIGKILL at every operation on a file {name}", state, kill=number)
    for row, lasting in (("for a moment", 6.0), ("until there is room again", float("inf"))):
        for state in ("", "two"):
            for number in range(1 + draw.randrange(4 * every), counts[state] + 1, 4 * every):
                yield Case(f"disk full {row}", state, full=(number, lasting))
    for file in ("state.json", "tensors.safetensors"):
        for how in ("removed", "emptied", "cut", *(f"flipped {i}" for i in range(4))):
            yield Case("newest checkpoint damaged", "two", damage=f"{file} {how}")


def as_table(found: dict[str, Counter[str]]) -> str:
    """The counts, in Markdown."""
    lines = [f"| how | moments | {' | '.join(COLUMNS)} |", "| --- | ---: |" + " ---: |" * len(COLUMNS)]
    total = sum(found.values(), Counter[str]())
    for row, counter in [*found.items(), ("**all**", total)]:
        lines.append(f"| {row} | {counter.total()} | {' | '.join(str(counter[column]) for column in COLUMNS)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
