"""The harness sees every kind of bad end, and makes an input again from its number."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from reliability import fuzz, measured
from reliability.forked import BARE, CLEAR, COLUMNS, CRASH, DEPTHS, HANG, LARGE, PROGRAM, READ
from reliability.readers import readers

pytestmark = pytest.mark.whole

ENDS = Path(__file__).with_name("ends.py")


@pytest.fixture(scope="module")
def ends() -> dict[str, list[str]]:
    """How the harness sees stand-ins for readers, in a process that has no threads."""
    done = subprocess.run([sys.executable, ENDS], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("reader", "column"),
    [
        ("reads", READ), ("refuses", CLEAR), ("refuses_in_a_command", CLEAR), ("names_no_file", DEPTHS),
        ("raises_from_a_library", DEPTHS),
        ("raises_what_no_command_catches", BARE), ("prints_a_traceback", BARE), ("computes", HANG), ("waits", HANG),
        ("takes", LARGE),
        ("takes_and_gives_back", LARGE), ("dies", CRASH), ("leaves", CRASH), ("starts", PROGRAM),
        ("starts_and_hides_it", PROGRAM),
    ],
)  # fmt: skip
def test_it_sees_how_a_reader_ended(ends: dict[str, list[str]], reader: str, column: str) -> None:
    assert ends[reader][0] == column


@pytest.mark.parametrize("reader", ["raises_from_a_library", "computes", "takes", "dies", "starts"])
def test_it_says_in_which_function(ends: dict[str, list[str]], reader: str) -> None:
    assert ends[reader][1]


def test_every_column_has_a_stand_in(ends: dict[str, list[str]]) -> None:
    assert {column for column, _ in ends.values()} == set(COLUMNS)


def drawn(seed: int, place: Path, good: Path) -> list[bytes]:
    """Forty inputs of CSV."""
    for number in range(40):
        fuzz.prepare(readers()["csv"], "csv", str(number), seed, place / str(number), good)
    return [path.read_bytes() for path in sorted(place.rglob("t.*"))]


def test_an_input_is_made_again_from_its_number(tmp_path: Path) -> None:
    (tmp_path / "good" / "csv").mkdir(parents=True)
    lines = [f"{i},{i / 7:.3f}\n" for i in range(30)]
    (tmp_path / "good" / "csv" / "plain").write_text("".join(["a,b\n", *lines]), encoding="utf-8")
    once, again, other = (drawn(seed, tmp_path / str(n), tmp_path / "good") for n, seed in enumerate((0, 0, 1)))
    assert once == again
    assert sum(a == b for a, b in zip(once, other, strict=True)) < 10
    assert len(set(once)) > 30


def test_every_reader_has_its_share_and_what_was_made_to_measure_comes_first() -> None:
    known = readers()
    inputs = fuzz.plan(known, 3000)
    assert set(known) >= {case.reader for case in measured.CASES}
    assert abs(len(inputs) - 3000) < len(known)
    for name in known:
        own = [number for reader, number in inputs if reader == name]
        made = [case.name for case in measured.CASES if case.reader == name]
        assert own[: len(made)] == made
        assert own[len(made) :] == [str(number) for number in range(len(own) - len(made))]
        assert len(own) > len(made)


def test_the_table_has_a_row_for_every_reader_and_their_sum() -> None:
    counts = {"csv": Counter({READ: 2, CLEAR: 1000}), "png": Counter({READ: 1, HANG: 1})}
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in fuzz.table(counts).splitlines()]
    assert rows[0] == ["reader", "inputs", *COLUMNS]
    assert rows[2][:4] == ["CSV, packed too", "1,002", "2", "1,000"]
    assert rows[-1][:4] == ["**sum**", "1,004", "3", "1,000"]
    assert rows[-1][2 + COLUMNS.index(HANG)] == "1"
