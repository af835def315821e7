"""Follow a lecturer's kit from nothing, as its setup.md says for Linux, and time every step.

    diffeo course init flows --lang ko --instructor
    python course/tools/stopwatch.py flows
    python course/tools/stopwatch.py flows --torch "pip install torch==2.13.0"   without PyTorch's own index

The five lines are taken out of the kit's setup.md; then the lab with solutions is run in its fast setting, and its
sections are timed as well. What the kit is not, such as this checkout, is out of reach. Prints each step, and writes
course/measured/stopwatch.json.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from diffeo.system.writing import write_atomically
from diffeo_course.notebooks import sections

MEASURED = Path(__file__).parents[1] / "measured"
LAB = "DIFFEO_LAB_FAST=1 jupyter execute --output=done instructor/notebooks/lab-solution.ipynb"
DONE = "instructor/notebooks/done.ipynb"


def main() -> int:
    """Time all steps; exit status 1 with the output of the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", type=Path)
    parser.add_argument("--torch", help="in place of the line that installs it")
    chosen = parser.parse_args()
    page = (chosen.kit / "setup.md").read_text(encoding="utf-8")
    lines = next(
        block.splitlines() for block in re.findall(r"```bash\n(.*?)\n```", page, re.DOTALL) if "source" in block
    )
    steps = [chosen.torch if chosen.torch and "install torch" in line else line for line in lines] + [LAB]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "바탕 화면" / "10주차 과제"
        shutil.copytree(chosen.kit, folder)
        seconds = follow(steps, folder)
        if len(seconds) < len(steps):
            return 1
        cells = nbformat.read(folder / DONE, as_version=4).cells  # type: ignore[no-untyped-call]
        lab = [(section.heading, round(section.seconds, 1)) for section in sections(cells)]
    for heading, taken in lab:
        print(f"{taken:7.1f} s      {heading}")
    instead = f' --torch "{chosen.torch}"' if chosen.torch else ""
    record = {
        "command": f"python course/tools/stopwatch.py {chosen.kit.name}{instead}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "seconds": list(zip(steps, seconds, strict=True)),
        "lab": lab,
    }
    write_atomically(MEASURED / "stopwatch.json", (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode())
    return 0


def follow(steps: list[str], folder: Path) -> list[float]:
    """Run each step in a shell that remembers the environment, as a terminal does; the seconds of those that worked."""
    seconds: list[float] = []
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "DIFFEO"))
    }
    for number, step in enumerate(steps):
        before = "\n".join(line for line in steps[:number] if line.startswith("source "))
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-ec", f"{before}\n{step}"], cwd=folder, env=clean, capture_output=True, text=True, check=False
        )
        taken = time.monotonic() - began
        print(f"{taken:7.1f} s  {step}", flush=True)
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n", file=sys.stderr)
            break
        seconds.append(round(taken, 1))
    return seconds


if __name__ == "__main__":
    sys.exit(main())
