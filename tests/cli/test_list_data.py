"""``diffeo data``, run as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]


def diffeo(*arguments: str, place: Path) -> str:
    environment = {**os.environ, "DIFFEO_CACHE": str(place / "cache"), "DIFFEO_DATA": str(place), "COLUMNS": "100",
                   "XDG_DATA_DIRS": str(place), "OMP_NUM_THREADS": "1"}  # fmt: skip
    done = subprocess.run(
        [*DIFFEO, *arguments], capture_output=True, text=True, env=environment, cwd=place, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_data_lists_what_there_is_and_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    shown = {line.split()[0]: line for line in diffeo("data", place=tmp_path).splitlines() if line.strip()}
    assert "1,797 of 1x8x8" in shown["digits"]
    assert "embedded" in shown["digits"]
    assert "found" in shown["mnist"]
    assert "no, 31 MB to get" in shown["fashion-mnist"]
    assert "MIT" in shown["fashion-mnist"]
    assert {"power", "moons", "folder:PATH", "table:PATH"} <= set(shown)


def test_data_prints_json_for_scripts(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    listed = {entry["name"]: entry for entry in json.loads(diffeo("data", "--json", place=tmp_path))}
    assert listed["mnist"]["state"] == "found"
    assert listed["mnist"]["path"] == str(tmp_path / "mnist")
    assert listed["digits"]["rows"] == {"train": 1257, "validation": 180, "test": 360}
    assert listed["fashion-mnist"]["state"] == "download"
    assert listed["fashion-mnist"]["download"] == "31 MB"
    assert listed["power"]["state"] == "absent"
