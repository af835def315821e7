"""The harness sees every kind of bad end, and makes an input again from its number."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reliability.forked import BARE, CLEAR, COLUMNS, CRASH, DEPTHS, HANG, LARGE, PROGRAM, READ

ENDS = Path(__file__).with_name("ends.py")
HARNESS = Path(__file__).with_name("fuzz.py")


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


def test_an_input_is_made_again_from_its_number(tmp_path: Path) -> None:
    made = []
    for folder in ("once", "again"):
        keep = tmp_path / folder
        command = [
            sys.executable,
            HARNESS,
            "--reader",
            "curve",
            "idx",
            "--number",
            "3",
            "--seed",
            "5",
            "--keep",
            keep,
            "--workers",
            "1",
        ]
        assert subprocess.run(command, capture_output=True, check=False, timeout=300).returncode in (0, 1)
        made.append(
            {
                path.relative_to(keep): path.read_bytes()
                for path in keep.rglob("*")
                if path.suffix == "" or path.name == "curve.csv"
            }
        )
    assert made[0] == made[1]
    assert len(made[0]) >= 2
