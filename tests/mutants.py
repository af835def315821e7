"""Known faults, planted one at a time in a copy of the source: each must make a named test fail.

    python tests/mutants.py [--table FILE] [NAME ..]

First the tests must pass on an unchanged copy. Then every fault is planted by replacing a piece of text, which
must occur exactly once, and the tests that should see it are run. Exit status 1 if a fault survives, or could
not be planted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent


def copied(folder: Path) -> Path:
    """The source and its tests, to be changed."""
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def run(folder: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    """Run tests on the copy."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def try_mutant(mutant: Mutant) -> tuple[Mutant, str]:
    """Plant one fault and say what became of it: caught, survived, or why it is neither."""
    with tempfile.TemporaryDirectory() as place:
        folder = copied(Path(place))
        path = folder / "src" / "diffeo" / mutant.file
        text = path.read_text(encoding="utf-8")
        found = text.count(mutant.old)
        if found != 1:
            return mutant, f"not planted: its text occurs {found} times in {mutant.file}"
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        done = run(folder, [mutant.test])
    outcome = {0: "survived", 1: "caught"}.get(done.returncode)
    return mutant, outcome or f"pytest ended with {done.returncode}: {done.stdout.strip()[-300:]}"


def table(results: list[tuple[Mutant, str]]) -> str:
    """As Markdown."""
    lines = ["| fault | file | test | |", "| --- | --- | --- | --- |"]
    for mutant, outcome in results:
        test = mutant.test.rpartition("::")[2].removeprefix("test_")
        lines.append(f"| {mutant.fault} | `{mutant.file}` | `{test}` | {outcome} |")
    caught = sum(outcome == "caught" for _, outcome in results)
    return "\n".join([*lines, "", f"{caught} of {len(results)} caught.", ""])


def main() -> int:
    """Try all faults, or those whose description contains one of the words given."""
    parser = argparse.ArgumentParser(description="Plant known faults and see whether the tests catch them.")
    parser.add_argument("words", nargs="*", help="only faults whose description contains one of these")
    parser.add_argument("--table", type=Path, help="write the table of faults and tests to this file")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    words = arguments.words
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.fault for word in words)]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        clean = run(copied(Path(place)), sorted({mutant.test for mutant in chosen}))
    if clean.returncode:
        print(f"the tests do not pass on unchanged source:\n{(clean.stdout + clean.stderr)[-3000:]}")
        return 1
    results = []
    with ThreadPoolExecutor(arguments.workers) as pool:
        for mutant, outcome in pool.map(try_mutant, chosen):
            print(f"{outcome:10}{mutant.fault}", flush=True)
            results.append((mutant, outcome))
    if arguments.table is not None:
        arguments.table.write_text(table(results), encoding="utf-8")
    caught = sum(outcome == "caught" for _, outcome in results)
    print(f"{caught} of {len(results)} caught in {time.perf_counter() - started:.0f} s")
    return 0 if results and caught == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
