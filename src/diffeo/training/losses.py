"""``steps.csv``, read: the lines that are whole, and how many are not."""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEADER = "step,loss,gradient_norm,lr"
NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?|-?inf|nan)"  # as repr writes it
LINE = re.compile(rf"(\d{{1,12}}),{NUMBER},{NUMBER},{NUMBER}")
LONGEST = 200  # letters of a line; four numbers take 80
MOST = 20_000_000  # steps that are read: a file of 1.5 GB


@dataclass(frozen=True)
class Losses:
    """What a file of losses holds.

    Attributes:
        lines: the whole lines, as they stand there, by growing steps.
        steps: their steps.
        wrong: the first place where one is not whole, or missing, in words; empty where there is none.
    """

    lines: list[str]
    steps: list[int]
    wrong: str = ""

    def column(self, name: str) -> list[float]:
        """One of the columns, a number for every step from 0; NaN for a step that is not there."""
        place = HEADER.split(",").index(name)
        found = [float("nan")] * (self.steps[-1] + 1 if self.steps else 0)
        for step, line in zip(self.steps, self.lines, strict=True):
            found[step] = float(line.split(",")[place])
        return found


def read_losses(path: Path, until: int | None = None) -> Losses:
    """The whole lines of a file; none where there is no such file.

    A line is whole if it holds its four numbers and follows, or is followed by, a line of the step next to it. A last
    line without its end is being written, and nothing is wrong with it.

    Args:
        path: the file.
        until: the first step that does not count.
    """
    rows: list[tuple[int, str]] = []
    wrong = ""
    try:
        for number, line in enumerate(_lines(path), 1):
            found = LINE.fullmatch(line)
            if found and int(found[1]) < MOST:
                rows.append((int(found[1]), line))
            elif number > 1 or line != HEADER:
                wrong = wrong or f"line {number:,} is {_shown(line)}"
    except (FileNotFoundError, NotADirectoryError):
        return Losses([], [])
    lines, steps, before = list[str](), list[int](), -1
    for i, (step, line) in enumerate(rows):
        beside = step == 0 or (i and rows[i - 1][0] == step - 1) or (i + 1 < len(rows) and rows[i + 1][0] == step + 1)
        if step > before and beside:
            if until is not None and step >= until:
                break
            if step > before + 1:
                wrong = wrong or f"before step {step:,} a line is missing"
            lines.append(line)
            steps.append(step)
            before = step
        else:
            wrong = wrong or f"step {step:,} is out of its order"
    return Losses(lines, steps, wrong)


def checksum(lines: Sequence[str], before: int = 0) -> int:
    """A running checksum of lines."""
    for line in lines:
        before = zlib.crc32(line.encode() + b"\n", before)
    return before


def _lines(path: Path) -> Iterator[str]:
    """Every ended line, without its end; of one that is too long its beginning."""
    with path.open("rb") as file:
        while line := file.readline(LONGEST):
            whole = line.endswith(b"\n")
            rest = line
            while not whole and rest:
                rest = file.readline(1 << 16)
                whole = rest.endswith(b"\n")
            if not whole:
                return
            yield line.decode("utf-8-sig", "replace").rstrip("\r\n") + (" .." if rest is not line else "")


def _shown(line: str) -> str:
    return f'"{line[:40]}{".." if len(line) > 40 else ""}"' if line.strip() else "empty"
