"""Fill the guides' tables of times from what was measured.

python tools/time_labs.py lab          writes course/measured/times-lab.json
python tools/stopwatch.py KIT          writes course/measured/stopwatch.json
python tools/guide.py                  puts both into course/ko/guide.md and course/en/guide.md
"""

import json
import re
from pathlib import Path
from typing import Any

from diffeo.course.messages import LANGUAGES, say
from diffeo.course.notebooks import notebook, source
from diffeo.io import write_atomically

COURSE = Path(__file__).parents[1] / "course"


def main() -> None:
    """Fill both guides with whatever was measured."""
    for language in LANGUAGES:
        path = COURSE / language / "guide.md"
        text = path.read_text(encoding="utf-8")
        for name, make in (("times", lab_table), ("stopwatch", stopwatch_table)):
            file = COURSE / "measured" / {"times": "times-lab.json", "stopwatch": "stopwatch.json"}[name]
            if file.is_file():
                text = put(text, name, make(json.loads(file.read_text(encoding="utf-8")), language))
        write_atomically(path, text.encode())


def put(text: str, name: str, table: str) -> str:
    """A page with a table after its mark ``<!-- NAME -->``, in place of the one that was there."""
    mark = f"<!-- {name} -->"
    before, after = text.split(mark)
    rest = re.sub(r"\A.*?(?=\n#|\Z)", "", after, count=1, flags=re.DOTALL)
    return f"{before}{mark}\n\n{table}\n{rest}"


def lab_table(measured: dict[str, Any], language: str) -> str:
    """Seconds of every section of the lab, in both settings."""
    cells = json.loads(notebook(source("lab"), language, "solution"))["cells"]  # type: ignore[arg-type]
    first = ["".join(cell["source"]).split("\n")[0] for cell in cells if cell["cell_type"] == "markdown"]
    headings = [line[3:].strip() for line in first if line.startswith("## ")]
    settings = list(measured["seconds"])
    rows = [list(measured["seconds"][setting].values()) for setting in settings]
    lines = [
        f"`{measured['command']}` ({measured['machine']})",
        "",
        row(say("guide-section", language), *(say(f"guide-{setting}", language) for setting in settings)),
        row(*["---"] * (1 + len(settings))),
    ]
    lines += [row(name, *(f"{x:.0f}" for x in seconds)) for name, *seconds in zip(headings, *rows, strict=True)]
    return "\n".join([*lines, row(say("guide-sum", language), *(f"{sum(each):.0f}" for each in rows))])


def stopwatch_table(measured: dict[str, Any], language: str) -> str:
    """Seconds of every step from an empty folder to a finished lab."""
    lines = [
        f"`{measured['command']}` ({measured['machine']})",
        "",
        row(say("guide-step", language), say("guide-seconds", language)),
        row("---", "---"),
    ]
    return "\n".join(lines + [row(f"`{step}`", f"{seconds:.0f}") for step, seconds in measured["seconds"]])


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
