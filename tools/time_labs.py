"""How long the labs take, section by section: what the guide's table of times is made of.

    python tools/time_labs.py lab                 the lab hour, with solutions, both settings
    python tools/time_labs.py lab --setting fast  one of them
    python tools/time_labs.py home_glow

Prints a table, and writes it to course/measured/times-LAB.json. Only code counts: reading and writing come on top.
"""

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

import torch

from diffeo.course.notebooks import LABS, build, run
from diffeo.io import write_atomically

MEASURED = Path(__file__).parents[1] / "course" / "measured"


def main() -> None:
    """Time one lab."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", choices=LABS)
    parser.add_argument("--setting", choices=("fast", "full"), action="append", help="both if not given")
    options = parser.parse_args()
    times = {}
    for setting in options.setting or ("fast", "full"):
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), "ko", version="solution")
            sections = run(Path(folder) / f"{options.lab}-solution.ipynb", fast=setting == "fast")
        times[setting] = {section.heading: round(section.seconds, 1) for section in sections}
        for heading, seconds in times[setting].items():
            print(f"{setting}  {seconds:7.1f} s  {heading}")
        print(f"{setting}  {sum(times[setting].values()):7.1f} s")
    path = MEASURED / f"times-{options.lab}.json"
    known = json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.exists() else {}
    record = {
        "command": f"python tools/time_labs.py {options.lab}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}, "
        f"threads: {min(2, torch.get_num_threads())}",
        "seconds": {**known, **times},
    }
    write_atomically(path, (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode())
    print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
