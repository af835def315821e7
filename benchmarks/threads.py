"""How long sampling and training take by how threads are set, on an idle machine and on one that another program uses.

    python benchmarks/threads.py            # about ten minutes on two cores; nothing else should run
    python benchmarks/threads.py --rounds 1 --epochs 1   # a quick look

Four settings, in processes of their own, one after the other in every round:

* ``spinning``: torch's default number of threads, which spin while they wait, as torch has it where nothing is said
  (``OMP_NUM_THREADS`` and ``GOMP_SPINCOUNT`` say so);
* ``passive``: the same number, asleep while they wait (``OMP_NUM_THREADS`` and ``OMP_WAIT_POLICY=passive``);
* ``one``: ``OMP_NUM_THREADS=1``;
* ``auto``: nothing is said, and diffeo chooses.

Sampling: 64 digits from glow-mnist-classes, nine times after one, median and largest of all rounds, and processor time
of one. Training: Glow on the digits, wall and processor time of the process, start included, medians of the rounds.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

BUSY = "while True: pass"
SAMPLE = """
import json, time
import diffeo
flow, took = diffeo.load("glow-mnist-classes"), []
flow.sample(64, 7)
before = time.process_time()
for _ in range(9):
    began = time.perf_counter()
    flow.sample(64, 7)
    took.append(time.perf_counter() - began)
print(json.dumps([took, (time.process_time() - before) / 9]))
"""
DEFAULT = "the default number"
SETTINGS = {
    "spinning": {"OMP_NUM_THREADS": DEFAULT, "GOMP_SPINCOUNT": "300000"},  # libgomp's own count
    "passive": {"OMP_NUM_THREADS": DEFAULT, "OMP_WAIT_POLICY": "passive"},
    "one": {"OMP_NUM_THREADS": "1"},
    "auto": {},
}


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """Other programs use a core each."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(programs)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def run(code: str, *arguments: str, cores: int, name: str = "auto", cwd: str | None = None) -> str:
    """What a Python program prints, started with a setting."""
    unset = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    kept = {variable: value for variable, value in os.environ.items() if variable not in unset}
    said = {variable: value.replace(DEFAULT, str(cores)) for variable, value in SETTINGS[name].items()}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=kept | said, cwd=cwd, capture_output=True, text=True, check=True
    ).stdout


def training(name: str, epochs: int, cores: int) -> tuple[float, float, int]:
    """Wall and processor time of a training, and its number of threads."""
    command = ["train", "glow", "digits", "--epochs", str(epochs), "--out", "run", "--quiet", "--json"]
    with tempfile.TemporaryDirectory() as place:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        out = run("from diffeo.cli import main; main()", *command, cores=cores, name=name, cwd=place)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, processor, json.loads(out)["versions"]["threads"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    chosen = parser.parse_args()
    cores = int(run("import torch; print(torch.get_num_threads())", cores=0))
    print(f"{cores} threads by default, {chosen.rounds} rounds, {chosen.epochs} epochs\n")
    print("| machine | setting | sample 64: median, s | largest | processor | train: wall, s | processor | threads |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for machine, programs in (("idle", 0), ("busy", max(1, cores // 2))):
        drawn: dict[str, list[tuple[list[float], float]]] = {name: [] for name in SETTINGS}
        trained: dict[str, list[tuple[float, float, int]]] = {name: [] for name in SETTINGS}
        with busy(programs):
            for _ in range(chosen.rounds):
                for name in SETTINGS:
                    drawn[name].append(tuple(json.loads(run(SAMPLE, cores=cores, name=name))))
                for name in SETTINGS:
                    trained[name].append(training(name, chosen.epochs, cores))
        for name in SETTINGS:
            took = [second for some, _ in drawn[name] for second in some]
            walls, processors, numbers = zip(*trained[name], strict=True)
            print(
                f"| {machine} | {name} | {statistics.median(took):.3f} | {max(took):.3f} | "
                f"{statistics.median(processor for _, processor in drawn[name]):.3f} | "
                f"{statistics.median(walls):.1f} | {statistics.median(processors):.1f} | "
                f"{', '.join(map(str, sorted(set(numbers))))} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
