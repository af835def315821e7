"""A small training in a process of its own, forked, to which something happens; and what a user does then."""

import contextlib
import hashlib
import io
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compared import best, compared, damage
from killing import Before, Operations, full_at, kill_at

SMALL = ["--epochs", "3", "--batch-size", "64", "--model.couplings", "2", "--model.width", "8", "--threads", "1"]
OFTEN = ["--checkpoint-every", "0.000001", "--quiet"]
TRAIN = ["train", "realnvp", "table:toy.csv", "--out", "run", *SMALL, *OFTEN]
RESUME = ["train", "--resume", "run", "--quiet"]
STATES = {"two good checkpoints": "two", "the newest of two damaged": "damaged", "one checkpoint": "one"}
PATIENCE = 120.0  # seconds for one training; it takes one


@dataclass(frozen=True)
class Case:
    """One thing that goes wrong: in which row of the table, in which state of the folder, and what."""

    row: str
    state: str = ""
    kill: int = 0
    full: tuple[int, float] = (0, 0.0)
    signals: tuple[int, ...] = ()
    after: float = 0.0
    damage: str = ""


def prepare(world: Path) -> None:
    """Import what trainings need, by one of them, and let figures be written as the numbers that they show."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import matplotlib.figure
    import torch

    torch.set_num_threads(1)
    matplotlib.figure.Figure.savefig = _numbers  # type: ignore[method-assign]
    (world / "warm").mkdir()
    here = os.getcwd()
    os.chdir(world / "warm")
    try:
        os.symlink(world / "toy.csv", "toy.csv")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
            status = _main(TRAIN)  # so that all is imported
    finally:
        os.chdir(here)
    _must((status, errors.getvalue()))


def _numbers(figure: Any, file: Any, **options: Any) -> None:
    shown = [
        array.tobytes()
        for axes in figure.axes
        for array in (
            *(line.get_xydata() for line in axes.lines),
            *(points.get_offsets() for points in axes.collections),
            *(image.get_array() for image in axes.images),
        )
    ]
    text = f'<svg width="1">{hashlib.sha256(b"".join(shown)).hexdigest()}</svg>'
    file.write(text if options.get("format") == "svg" else 50 * text.encode())


def toy(world: Path) -> None:
    """A table of two columns."""
    draw = random.Random(0)
    rows = [(x := draw.gauss(0, 1), x * x + draw.gauss(0, 0.3)) for _ in range(360)]
    (world / "toy.csv").write_text("a,b\n" + "".join(f"{a:.5f},{b:.5f}\n" for a, b in rows), encoding="utf-8")


def undisturbed(world: Path) -> tuple[float, dict[str, int]]:
    """Train once, and resume once from each state: seconds, and operations by state."""
    (world / "whole").mkdir()
    counts = {"": 0}
    began = time.monotonic()
    _must(run(world, world / "whole", TRAIN, count=counts, state=""))
    seconds = time.monotonic() - began
    stop = counts[""] // 2  # then look for the next moment with two checkpoints
    for number in itertools.count(stop):
        shutil.rmtree(world / "two", ignore_errors=True)
        (world / "two").mkdir()
        run(world, world / "two", TRAIN, kill_at(number))
        if len(list((world / "two" / "run" / "checkpoints").glob("step-*"))) == 2:
            break
    for state in ("damaged", "one"):
        shutil.copytree(world / "two", world / state)
    older = min((world / "two" / "run" / "checkpoints").glob("step-*"))
    shutil.rmtree(world / "one" / "run" / "checkpoints" / older.name)
    damage(world / "damaged", "tensors.safetensors cut")
    for state in STATES.values():
        shutil.copytree(world / state, world / "trial")
        _must(run(world, world / "trial", RESUME, count=counts, state=state))
        verdict, said = compared(world / "trial" / "run", world / "whole" / "run")
        if verdict != "exact":
            raise AssertionError(f"resumed from {state}: {said}")
        shutil.rmtree(world / "trial")
    return seconds, counts


def _must(ended: tuple[int, str]) -> None:
    if ended[0]:
        raise AssertionError(f"without any disturbance it ended with {ended[0]}: {ended[1]}")


def case_suffered(given: tuple[Path, Case]) -> tuple[Case, str, str]:
    world, case = given
    place = Path(tempfile.mkdtemp(dir=world, prefix="case-"))
    try:
        return case, *suffer(world, place, case)
    except Exception:
        return case, "dead end", traceback.format_exc()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def suffer(world: Path, place: Path, case: Case) -> tuple[str, str]:
    """Let it happen, go on as a user would, and compare: a column of the table, and what was said."""
    if case.state:
        shutil.copytree(world / case.state, place, dirs_exist_ok=True)
    if case.damage:
        damage(place, case.damage)
    before = kill_at(case.kill) if case.kill else full_at(*case.full)
    mark = place / "mark"
    mark.unlink(missing_ok=True)
    stood = best(place)
    status, said = (
        (0, "")
        if case.damage
        else run(world, place, RESUME if case.state else TRAIN, before, signals=case.signals, after=case.after)
    )
    stood = max(stood, int(mark.read_text() or -1) if mark.exists() else -1)
    if "Traceback" in said:
        return "without a way on", said
    if case.full[0] and status not in (0, 1):
        return "without a way on", said
    if case.full[0] and status == 1 and not ("o space left" in said and "run" in said and "Make room, then" in said):
        return "without a way on", said
    told = "diffeo train --resume run" in said or "again" in said or not (place / "run").exists()
    if status in (130, 143) and not told:
        return "without a way on", said
    finished = (place / "run" / "report.html").is_file() and (place / "run" / "summary.json").is_file()
    if not finished and best(place) < stood:
        return "lost", f"the checkpoint of step {stood} stood, and is gone\n{said}"
    trouble = go_on(world, place, again=case.kill % 2 == 1)
    if trouble:
        return "dead end", f"{said}\n{trouble}"
    return compared(place / "run", world / "whole" / "run")


def go_on(world: Path, place: Path, *, again: bool) -> str:
    """What a user does: resume, or where nothing was begun the same command again. Gives what stood in the way."""
    folder = place / "run"
    begun = any((folder / "checkpoints").glob("step-*")) or (folder / "summary.json").exists()
    same = not (folder / "run.json").is_file() or (again and not begun)
    status, said = run(world, place, TRAIN if same else RESUME)
    return "" if status == 0 or (status == 1 and "is complete" in said) else said or f"it ended with {status}"


def run(
    world: Path, place: Path, arguments: list[str], before: Before | None = None, *, signals: tuple[int, ...] = (),
    after: float = 0.0, count: dict[str, int] | None = None, state: str = "",
) -> tuple[int, str]:  # fmt: skip
    """One command in a process of its own: its exit status, and what it said."""
    said, counted = place / "said", place / "counted"
    said.write_bytes(b"")
    process = os.fork()
    if not process:
        _command(world, place, arguments, before or (lambda number, kind: None), counted if count is not None else None)
    began = time.monotonic()
    if signals:
        time.sleep(after)
        for i, number in enumerate(signals):
            time.sleep(0.03 * (i > 0))
            os.kill(process, number)  # it is not reaped yet
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - began > PATIENCE:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.005)
    if count is not None:
        count[state] = int(counted.read_text())
        counted.unlink()
    return os.waitstatus_to_exitcode(status), said.read_text(encoding="utf-8", errors="replace")


def _command(world: Path, place: Path, arguments: list[str], before: Before, counted: Path | None) -> None:
    """The forked process: never returns."""
    status = 1
    try:
        os.chdir(place)
        if not Path("toy.csv").exists():
            os.symlink(world / "toy.csv", "toy.csv")
        handle = os.open("said", os.O_WRONLY | os.O_APPEND)
        for standard in (1, 2):
            os.dup2(handle, standard)
        mark = os.open("mark", os.O_RDWR | os.O_CREAT)

        def marked(name: str) -> None:
            if name.startswith("step-"):
                os.pwrite(mark, name.split("-")[1].encode(), 0)

        sys.argv = ["diffeo", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        operations = Operations(place / "run", before, marked)
        operations.install()
        status = _main(arguments)
        if counted is not None:
            counted.write_text(str(operations.number))
    finally:
        os._exit(status)


def _main(arguments: list[str]) -> int:
    from diffeo.cli import main as diffeo

    try:
        diffeo(arguments)
        return 0
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 99
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
