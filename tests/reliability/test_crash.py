"""What `make crash` would see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from compared import best, compared
from crash import as_table
from killing import Operations

pytestmark = pytest.mark.whole

# How checkpoints were written once: what was just loaded is removed, and then put back.
PLANTED = """
import shutil, sys, tempfile
from pathlib import Path
import suffering
from diffeo.training import checkpoint

def write(made, folder):
    if any(folder.glob("step-*")):
        made_anew = sorted(folder.glob("step-*"))[-1]
        shutil.copytree(made_anew, folder / "anew")
        shutil.rmtree(made_anew)
        (folder / "anew").rename(made_anew)
    return real(made, folder)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        world = Path(place)
        suffering.toy(world)
        suffering.prepare(world)
        suffering.undisturbed(world)
        suffering.go_on, suffering.compared = (lambda *given, **more: ""), (lambda *runs: ("exact", ""))
        real, checkpoint.write = checkpoint.write, write
        for number in range(1, 60):
            (world / "case").mkdir()
            verdict, said = suffering.suffer(world, world / "case", suffering.Case("planted", "one", kill=number))
            shutil.rmtree(world / "case")
            if verdict == "lost":
                print(said)
                break
"""


def test_a_checkpoint_that_is_removed_before_it_is_put_back_is_seen_as_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLANTED],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stood, and is gone" in done.stdout


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "steps.csv").write_text("step,loss\n0,1.25\n")
        (tmp_path / name / "summary.json").write_text(json.dumps({"best": 1.5, "seconds": len(name)}))
    return tmp_path / "one", tmp_path / "other"


def test_runs_that_differ_in_their_times_only_are_the_same(runs: tuple[Path, Path]) -> None:
    assert compared(*runs) == ("exact", "")


@pytest.mark.parametrize(
    ("name", "content"),
    [("steps.csv", "step,loss\n0,1.26\n"), ("summary.json", '{"best": 1.6, "seconds": 3}'), (".unfinished-1", "")],
)
def test_another_digit_or_a_file_left_behind_is_seen(runs: tuple[Path, Path], name: str, content: str) -> None:
    (runs[0] / name).write_text(content)
    verdict, said = compared(*runs)
    assert verdict == "other digits"
    assert name in said


def test_every_operation_on_a_file_of_the_folder_is_counted_and_no_other(tmp_path: Path, monkeypatch) -> None:
    seen: list[str] = []
    (tmp_path / "run").mkdir()
    with monkeypatch.context() as patch:
        Operations(tmp_path / "run", lambda number, kind: seen.append(kind)).install(patch.setattr)
        (tmp_path / "elsewhere").write_text("x")
        (tmp_path / "run" / "a").mkdir()
        with (tmp_path / "run" / "a" / "b").open("w") as file:
            file.write("content")
        os.replace(tmp_path / "run" / "a" / "b", tmp_path / "run" / "c")
        (tmp_path / "run" / "c").unlink()
        (tmp_path / "run" / "a").rmdir()
    assert seen == ["mkdir", "open", "write", "half a write", "replace", "unlink", "rmdir"]


def test_a_damaged_checkpoint_does_not_stand(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints" / "step-000000003").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "step-000000003" / "state.json").write_text("{}")
    assert best(tmp_path) == -1


def test_the_table_has_a_line_for_every_row_and_their_sum() -> None:
    from collections import Counter

    lines = as_table({"a": Counter(exact=2), "b": Counter(exact=1, lost=1)}).splitlines()
    assert lines[2:] == [
        "| a | 2 | 2 | 0 | 0 | 0 | 0 |",
        "| b | 2 | 1 | 0 | 0 | 1 | 0 |",
        "| **all** | 4 | 3 | 0 | 0 | 1 | 0 |",
    ]
