"""How long grading takes: one whole hand-in, and a class of them.

    python course/tools/time_grading.py                 forty hand-ins
    python course/tools/time_grading.py --students 10

The hand-ins are the worked solution with one training of it, under as many student numbers; so their weights are
alike, which costs points but no time. Prints seconds.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from diffeo_course.material import material

DIFFEO = [sys.executable, "-c", "from diffeo.cli import main; main()"]
FIRST = 20230000


def main() -> None:
    """Train once, make the hand-ins, grade one and all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=40)
    students = parser.parse_args().students
    with tempfile.TemporaryDirectory() as place:
        inbox = Path(place, "inbox")
        inbox.mkdir()
        trained = train(Path(place, "one"))
        hand_ins = [hand_in(trained, inbox, str(FIRST + number)) for number in range(students)]
        print(f"one hand-in: {seconds('grade', str(hand_ins[0])):.0f} s", flush=True)
        print(f"{students} hand-ins: {seconds('grade', str(inbox), '--folder'):.0f} s")


def train(folder: Path) -> Path:
    """What a student has after the assignment: solution, figures, weights, claims."""
    assignment = material() / "assignment"
    folder.mkdir()
    shutil.copy(assignment / "solution.py", folder / "submission.py")
    for file in ("run.py", "hand-in.json"):
        shutil.copy(assignment / file, folder)
    for file in ("report.md", "writeup.md"):
        shutil.copy(material() / "ko" / "assignment" / file, folder)
    subprocess.run([sys.executable, "run.py", "--id", str(FIRST), "--name", "A"], cwd=folder, check=True)
    return folder


def hand_in(trained: Path, inbox: Path, student: str) -> Path:
    """The same hand-in as a zip of another student's."""
    path = inbox / f"{student}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(trained.iterdir()):
            if file.name == "report.json":
                claims = json.loads(file.read_text(encoding="utf-8")) | {"id": student}
                archive.writestr(file.name, json.dumps(claims))
            elif file.name == "submission.py":
                code = file.read_text(encoding="utf-8")
                archive.writestr(file.name, code.replace('ID = ""', f'ID = "{student}"') + f"\n# {student}\n")
            elif file.is_file():
                archive.write(file, file.name)
    return path


def seconds(*arguments: str) -> float:
    """How long a command takes."""
    began = time.monotonic()
    done = subprocess.run([*DIFFEO, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
