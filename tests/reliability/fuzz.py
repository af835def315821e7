"""Damaged and hostile input for every reader, each in a process of its own with limits, and how it ended.

    python tests/reliability/fuzz.py --inputs 3000 [--reader NAME ..] [--seed N] [--workers 2] [--write]
    python tests/reliability/fuzz.py --reader NAME --number N --keep FOLDER    makes one input again, and keeps it

Inputs made to measure come first, and have names; then those that are drawn, which have numbers. Exit status 1 if
any ended otherwise than read or in a clear error.
"""

import argparse
import contextlib
import gc
import importlib
import json
import os
import selectors
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reliability import measured, page, seeds
from reliability.forked import CLEAR, COLUMNS, READ, Given, Outcome, attempt
from reliability.readers import Reader, readers

GOOD = (READ, CLEAR)
LIGHT = ["torch", "diffeo.cli.app", "diffeo.data", "diffeo.saving.io", "diffeo.bijections", "diffeo.flows",
"diffeo.models.cards", "pyarrow.csv",
         "pyarrow.parquet", "pyarrow.ipc", "scipy.io", "safetensors.torch", "yaml", "PIL.Image", "rich.markdown",
         "zipfile",
         "diffeo.data.tables.csv_text"]  # fmt: skip
HEAVY = ["diffeo.runs.train", "diffeo.runs.watch", "diffeo.runs.html_report", "diffeo.runs.curve", "matplotlib.pyplot",
"sklearn.ensemble",
         "sklearn.linear_model", "matplotlib.backends.backend_agg"]  # fmt: skip


def plan(chosen: dict[str, Reader], inputs: int) -> list[tuple[str, str]]:
    """Readers and inputs: all that are made to measure, and of the others each reader's share, one at least."""
    weight = sum(reader.share for reader in chosen.values())
    made = {name: [case for case in measured.CASES if case.reader == name] for name in chosen}
    left = max(0, inputs - sum(map(len, made.values())))
    found = []
    for name, reader in sorted(chosen.items(), key=lambda item: item[1].heavy):
        found += [(name, case.name) for case in made[name]]
        found += [(name, str(number)) for number in range(max(1, round(left * reader.share / weight)))]
    return found


def prepare(reader: Reader, name: str, number: str, seed: int, place: Path, good: Path) -> Given:
    """The input that has this name or number."""
    place.mkdir(parents=True)
    if number.isdigit():
        return reader.draw(Random(f"{seed}/{name}/{number}"), place, good)
    return next(case for case in measured.CASES if (case.reader, case.name) == (name, number)).make(place, good)


def tried(
    inputs: list[tuple[str, str]], seed: int, work: Path, good: Path, keep: Path | None
) -> Iterator[tuple[str, str, Outcome]]:
    """How each ended. The heavy readers, which come last, have their imports made when they come."""
    known, loaded = readers(), False
    _load(LIGHT)
    for name, number in inputs:
        reader = known[name]
        if reader.heavy and not loaded:
            _load(HEAVY)
            loaded = True
        place = (keep or work) / f"{name}-{number}"
        yield name, number, attempt(lambda: prepare(reader, name, number, seed, place, good))  # noqa: B023
        if keep is None:
            shutil.rmtree(place, ignore_errors=True)


def _load(modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    import torch

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # a fork copies no page for the sake of its collector


def shared(
    inputs: list[tuple[str, str]], arguments: argparse.Namespace, work: Path, good: Path
) -> Iterator[tuple[str, str, Outcome]]:
    """The same, by several processes, which have every n-th each."""
    waiting = selectors.DefaultSelector()
    children = []
    for worker in range(arguments.workers):
        here, there = os.pipe()
        child = os.fork()
        if not child:
            os.close(here)
            try:
                with os.fdopen(there, "w", encoding="utf-8") as pipe:
                    for name, number, outcome in tried(
                        inputs[worker :: arguments.workers], arguments.seed, work, good, arguments.keep
                    ):
                        print(json.dumps([name, number, asdict(outcome)]), file=pipe, flush=True)
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        os.close(there)
        waiting.register(os.fdopen(here, encoding="utf-8"), selectors.EVENT_READ)
        children.append(child)
    while waiting.get_map():
        for key, _ in waiting.select():
            line = key.fileobj.readline()  # type: ignore[union-attr]
            if not line:
                waiting.unregister(key.fileobj)
                continue
            name, number, outcome = json.loads(line)
            yield name, number, Outcome(**outcome)
    if any(os.waitpid(child, 0)[1] for child in children):
        raise RuntimeError("a worker of the harness failed; see above")


def made_seeds(folder: Path) -> None:
    """The seeds, made in a process that ends, since what makes them starts threads."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            log = os.open(folder.parent / "seeds.log", os.O_WRONLY | os.O_CREAT, 0o644)
            for stream in (1, 2):
                os.dup2(log, stream)
            try:
                import torch

                torch.set_num_threads(1)
                seeds.make(folder)
                os._exit(0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
        os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(f"seeds could not be made: {(folder.parent / 'seeds.log').read_text(encoding='utf-8')}")


def table(counts: dict[str, Counter[str]]) -> str:
    """As Markdown, with the sum."""
    known = readers()
    lines = [f"| reader | inputs | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * (1 + len(COLUMNS))}"]
    total: Counter[str] = Counter()
    for name, reader in known.items():
        if name in counts:
            lines.append(_row(reader.title, counts[name]))
            total += counts[name]
    return "\n".join([*lines, _row("**sum**", total)])


def _row(title: str, found: Counter[str]) -> str:
    return f"| {title} | {sum(found.values()):,} | {' | '.join(f'{found[column]:,}' for column in COLUMNS)} |"


def main() -> int:
    """Try them all."""
    known = readers()
    parser = argparse.ArgumentParser(description="Damaged and hostile input for every reader.")
    parser.add_argument("--inputs", type=int, default=3000)
    parser.add_argument("--reader", nargs="+", choices=known, default=list(known), help="only these")
    parser.add_argument("--number", nargs="+", help="only these inputs, by number or name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    parser.add_argument("--keep", type=Path, help="keep the inputs in this folder")
    parser.add_argument("--failures", type=Path, help="write what failed to this file, a JSON object a line")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.pop("DIFFEO_TRACEBACK", None)
    chosen = {name: known[name] for name in known if name in arguments.reader}
    inputs = plan(chosen, arguments.inputs)
    if arguments.number:
        inputs = [(name, number) for name in chosen for number in arguments.number]
    started = time.monotonic()
    counts: dict[str, Counter[str]] = {}
    bad = []
    with tempfile.TemporaryDirectory(prefix="diffeo-fuzz-") as folder:
        work, good = Path(folder), Path(folder) / "good"
        good.mkdir()
        made_seeds(good)
        for name, number, outcome in shared(inputs, arguments, work, good):
            counts.setdefault(name, Counter())[outcome.column] += 1
            if outcome.column not in GOOD:
                bad.append({"reader": name, "number": number, **asdict(outcome)})
                print(
                    f"{name} {number}: {outcome.column}: {outcome.text}  [{outcome.error} {outcome.where}]", flush=True
                )
            elif arguments.number:
                print(f"{name} {number}: {outcome.column}: {outcome.text}  [{outcome.where}]", flush=True)
    done = table(counts)
    print(f"{done}\n{len(inputs):,} inputs in {time.monotonic() - started:.0f} s, seed {arguments.seed}")
    if arguments.failures:
        arguments.failures.write_text("".join(json.dumps(one) + "\n" for one in bad), encoding="utf-8")
    if arguments.write:
        page.put(
            "fuzz",
            f"{done}\n\n{len(inputs):,} inputs, seed {arguments.seed}; {len(bad):,} ended otherwise than they should.",
        )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
