"""How long the labs take, section by section: what the guide's table of times is made of.

    python course/tools/time_labs.py lab                 the lab hour, with solutions, both settings
    python course/tools/time_labs.py lab --setting fast  one of them
    python course/tools/time_labs.py home_glow

Prints a table, and writes it to course/measured/times-LAB.json. Only code counts: reading and writing come on top.
Memory is that of the kernel and the training beside it together, looked at five times a second.
"""

import argparse
import json
import os
import platform
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import torch

from diffeo.system.writing import write_atomically
from diffeo_course.notebooks import LABS, build, run

MEASURED = Path(__file__).parents[1] / "measured"


def main() -> None:
    """Time one lab."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", choices=LABS)
    parser.add_argument("--setting", choices=("fast", "full"), action="append", help="both if not given")
    options = parser.parse_args()
    times, memory = {}, {}
    for setting in options.setting or ("fast", "full"):
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), "ko", version="solution")
            with Peak(folder) as peak:
                sections = run(Path(folder) / f"{options.lab}-solution.ipynb", fast=setting == "fast")
        times[setting] = {section.heading: round(section.seconds, 1) for section in sections}
        for heading, seconds in times[setting].items():
            print(f"{setting}  {seconds:7.1f} s  {heading}")
        memory[setting] = round(peak.bytes / 2**30, 2)
        print(f"{setting}  {sum(times[setting].values()):7.1f} s  {memory[setting]} GiB")
    path = MEASURED / f"times-{options.lab}.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    record = {
        "command": f"python course/tools/time_labs.py {options.lab}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}, "
        f"threads: {min(2, torch.get_num_threads())}",
        "seconds": {**known.get("seconds", {}), **times},
        "peak_gib": {**known.get("peak_gib", {}), **memory},
    }
    write_atomically(path, (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode())
    print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


class Peak:
    """The most memory that the processes working in a folder have held at a time, in bytes.

    The training is no child of the kernel: it outlives it.
    """

    def __init__(self, folder: str) -> None:
        self.folder, self.bytes = Path(folder).resolve(), 0
        self._done, self._looking = threading.Event(), threading.Thread(target=self._look)

    def __enter__(self) -> "Peak":
        self._looking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._looking.join()

    def _look(self) -> None:
        while not self._done.wait(0.2):
            held = 0
            for process in psutil.process_iter():
                with suppress(psutil.Error, OSError):
                    if Path(process.cwd()).is_relative_to(self.folder):
                        held += process.memory_info().rss
            self.bytes = max(self.bytes, held)


if __name__ == "__main__":
    main()
