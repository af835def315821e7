"""Kill a training three times at random moments, resume it, and compare its losses with an undisturbed run's.

    python benchmarks/kill_and_resume.py runs/glow-mnist --until 3000

takes the command of the finished run, starts it anew in a folder of its own, kills it with SIGKILL at three
random steps before `until`, resumes it with ``diffeo train --resume``, stops it there, and compares ``steps.csv``
line by line.
"""

import argparse
import csv
import json
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]


def lines(run: Path) -> list[list[str]]:
    """The whole lines of a run's ``steps.csv``, without its head."""
    path = run / "steps.csv"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))[1:]


def main() -> int:
    """Kill, resume, compare; exit status 0 if every loss is the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("--until", type=int, default=1000, help="the step to stop and compare at")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    whole = lines(options.run)
    if len(whole) < options.until:
        parser.error(f"{options.run} has {len(whole)} steps, so --until must be at most that")
    words = shlex.split(json.loads((options.run / "run.json").read_text(encoding="utf-8"))["command"])[1:]
    if "--out" in words:
        del words[words.index("--out") : words.index("--out") + 2]
    folder = options.run.with_name(options.run.name + "-killed")
    moments = sorted(
        random.Random(options.seed).sample(range(options.until // 20, options.until * 9 // 10), options.kills)
    )
    process = subprocess.Popen([*DIFFEO, *words, "--quiet", "--out", str(folder)])
    for moment in [*moments, options.until]:
        while len(done := lines(folder)) < moment:
            if process.poll() is not None:
                print(f"the training ended by itself, with status {process.returncode}")
                return 1
            time.sleep(0.2)
        last = moment == options.until
        process.send_signal(signal.SIGTERM if last else signal.SIGKILL)
        process.wait()
        print(f"{'stopped' if last else 'killed'} with {len(done)} steps in steps.csv", flush=True)
        if not last:
            process = subprocess.Popen([*DIFFEO, "train", "--resume", str(folder), "--quiet"])
    again = lines(folder)
    differ = [a[0] for a, b in zip(whole, again, strict=False) if a != b]
    count = min(len(whole), len(again))
    print(f"{count:,} steps compared, every digit of loss, gradient norm and learning rate: {len(differ)} differ")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
