"""Run the commands of the README, one after the other, as a newcomer does, and say how each ended.

    python tools/readme.py README.md README.ko.md

Every line of the ``sh`` blocks and every ``python`` block runs in a folder of its own for each page, in which stand-ins
for the reader's table and photographs lie. What would take long is shortened as :data:`SHORTER` says, and the line that
was run instead is printed. MNIST is found in $DIFFEO_DATA, or downloaded. Exit status 1 if a command failed.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = " --model.levels 2 --model.steps 1 --model.width 8"
MNIST = f"{SMALL} --batch-size 1000 --lr 4e-3"
SHORTER = {  # the beginning of a line: what it begins with instead, and what is added at its end
    "make ": (f"make -n -C {ROOT} ", ""),  # only whether there is such a target: an environment would be installed
    "pip install -e .": (f"{sys.executable} -c 'import diffeo'", ""),
    "diffeo train realnvp table:": (None, " --epochs 2 --model.couplings 2 --model.width 8"),
    "diffeo train glow folder:": (None, f" --epochs 1{SMALL}"),
    "diffeo train glow mnist --epochs 10": ("diffeo train glow mnist --epochs 1", MNIST),
    "diffeo train --resume runs/glow-mnist": (None, " 2>&1 | grep 'is complete'"),  # it was not stopped
    "diffeo evaluate runs/glow-mnist --samples 16": ("diffeo evaluate runs/glow-mnist --samples 2", ""),
}
BEFORE = {  # what a line needs that another page of the documents made
    "diffeo compare": "diffeo train realnvp mnist --epochs 1 --model.width 8 --model.blocks 1 --batch-size 1000",
}
IN_PYTHON = {"epochs=50": "epochs=2"}


def main() -> int:
    """Run the pages named; exit status 1 if a command failed."""
    failed = 0
    for page in sys.argv[1:] or ["README.md", "README.ko.md"]:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), page)
            for kind, code in commands((ROOT / page).read_text(encoding="utf-8")):
                for needed in (text for start, text in BEFORE.items() if code.startswith(start)):
                    failed += run(needed, Path(folder), f"(before) {needed}")
                text, shown = shortened(kind, code)
                failed += run(text, Path(folder), shown)
    print(f"{failed} failed" if failed else "all of it works")
    return int(failed > 0)


def commands(page: str) -> list[tuple[str, str]]:
    """The commands of a page without their comments: ``("sh", line)`` and ``("python", block)``."""
    found = []
    for kind, block in re.findall(r"^```(sh|python)\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        lines = [re.sub(r"\s+#.*", "", line) for line in block.splitlines() if line.strip()]
        found += [("python", block)] if kind == "python" else [("sh", line) for line in lines]
    return found


def shortened(kind: str, code: str) -> tuple[str, str]:
    """What is run in place of a command, as a line of the shell; and as it is shown."""
    if kind == "python":
        for long, short in IN_PYTHON.items():
            code = code.replace(long, short)
        return (
            f"{sys.executable} - <<'END'\n{code}END",
            f"python, {len(code.splitlines())} lines: {code.splitlines()[0]}",
        )
    for start, (begin, end) in SHORTER.items():
        if code.startswith(start):
            text = (code if begin is None else begin + code[len(start) :]) + end
            return text, code if text == code else f"{code}\n    shortened: {text}"
    return code, code


def run(text: str, folder: Path, shown: str) -> bool:
    """Run a line, print it with its exit status and its seconds; give whether it failed."""
    start = time.perf_counter()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["sh", "-c", text], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip
    print(f"[{done.returncode}] {time.perf_counter() - start:6.1f} s  {shown}", flush=True)
    if done.returncode:
        print("    " + "\n    ".join((done.stdout + done.stderr).splitlines()[-15:]))
    return done.returncode != 0


def prepare(folder: Path, page: str) -> None:
    """Stand-ins for the tables and photographs that a page speaks of, by the names that it gives them."""
    import numpy as np
    from PIL import Image

    text = (ROOT / page).read_text(encoding="utf-8")
    drawn = np.random.default_rng(0)
    key = "번호" if "--drop 번호" in text else "id"
    price = np.exp(drawn.normal(3, 0.5, 500))
    columns = {
        key: np.arange(500),
        "price": price,
        "area": drawn.normal(70, 10, 500) + price,
        "age": drawn.gamma(3, 4, 500),
    }
    rows = "\n".join(",".join(f"{value:g}" for value in row) for row in zip(*columns.values(), strict=True))
    for name in set(re.findall(r"table:(\S+\.csv)", text)):
        (folder / name).write_text(f"{','.join(columns)}\n{rows}\n", encoding="utf-8")
    for name in set(re.findall(r"folder:([\w가-힣]+)", text)) - {"PATH"}:
        (folder / name).mkdir()
        for number in range(60):
            pixels = drawn.integers(0, 256, (6, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).resize((48, 36)).save(folder / name / f"{number}.jpg")


if __name__ == "__main__":
    sys.exit(main())
