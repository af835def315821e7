"""Fill the guides' tables from what was measured.

python course/tools/time_labs.py lab          writes course/measured/times-lab.json
python course/tools/stopwatch.py KIT          writes course/measured/stopwatch.json
python course/measured/measure.py NAME writes course/measured/NAME-mnist.json: plan, listing, paper, glow
python course/tools/guide.py                  puts all of it into course/ko/guide.md and course/en/guide.md
"""

import json
import math
import re
from pathlib import Path
from typing import Any

from diffeo.system.writing import write_atomically
from diffeo_course.messages import LANGUAGES, say
from diffeo_course.notebooks import notebook, source

COURSE = Path(__file__).parents[1]
REFERENCE = ("plan", "listing", "paper", "glow")


def main() -> None:
    """Fill both guides with whatever was measured."""
    for language in LANGUAGES:
        path = COURSE / language / "guide.md"
        text = path.read_text(encoding="utf-8")
        text = put(text, "times", lab_table(measured("times-lab"), language))
        text = put(text, "stopwatch", stopwatch_table(measured("stopwatch"), language))
        text = put(text, "reference", reference_table([measured(f"{name}-mnist") for name in REFERENCE], language))
        write_atomically(path, text.encode())


def measured(name: str) -> dict[str, Any]:
    """What a run wrote down."""
    found: dict[str, Any] = json.loads((COURSE / "measured" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def put(text: str, name: str, table: str) -> str:
    """A page with a table after its mark ``<!-- NAME -->``, in place of the one that was there."""
    mark = f"<!-- {name} -->"
    before, after = text.split(mark)
    rest = re.sub(r"\A.*?(?=\n#|\Z)", "", after, count=1, flags=re.DOTALL)
    return f"{before}{mark}\n\n{table}\n{rest}"


def lab_table(measured: dict[str, Any], language: str) -> str:
    """Seconds of every section of the lab, and the memory it takes, in both settings."""
    settings = list(measured["seconds"])
    rows = [list(measured["seconds"][setting].values()) for setting in settings]
    lines = [
        f"`{measured['command']}` ({measured['machine']})",
        "",
        row(say("guide-section", language), *(say(f"guide-{setting}", language) for setting in settings)),
        row(*["---"] * (1 + len(settings))),
    ]
    lines += [
        row(name, *(f"{x:.0f}" for x in seconds)) for name, *seconds in zip(headings(language), *rows, strict=True)
    ]
    lines.append(row(say("guide-sum", language), *(f"{sum(each):.0f}" for each in rows)))
    memory = (f"{measured['peak_gib'][setting]:.1f} GiB" for setting in settings)
    return "\n".join([*lines, row(say("guide-memory", language), *memory)])


def stopwatch_table(measured: dict[str, Any], language: str) -> str:
    """Seconds of every step from an empty folder to a finished lab."""
    lines = [
        f"`{measured['command']}` ({measured['machine']})",
        "",
        row(say("guide-step", language), say("guide-seconds", language)),
        row("---", "---"),
    ]
    lines += [row(f"`{step}`", f"{seconds:.0f}") for step, seconds in measured["seconds"]]
    lab = zip(headings(language), measured["lab"], strict=True)
    return "\n".join(lines + [row(f"— {heading}", f"{seconds:.0f}") for heading, (_, seconds) in lab])


def headings(language: str) -> list[str]:
    """The sections of the lab."""
    cells = json.loads(notebook(source("lab"), language, "solution"))["cells"]  # type: ignore[arg-type]
    first = ["".join(cell["source"]).split("\n")[0] for cell in cells if cell["cell_type"] == "markdown"]
    return [line[3:].strip() for line in first if line.startswith("## ")]


def reference_table(runs: list[dict[str, Any]], language: str) -> str:
    """Test bits/dim and time of the plan's listing and of the reference code, at the lecture's settings."""
    first = runs[0]
    lines = [
        say("guide-reference", language, values=first["values"], machine=first["machine"]),
        "",
        row(*(say(f"guide-{name}", language) for name in ("model", "bits", "seconds", "parameters", "command"))),
        row(*["---"] * 5),
        row(say("guide-uniform", language), f"{first['uniform']:.0f}", "", "", ""),
        row(say("guide-histogram", language), f"{first['histogram']:.2f}", "", "", ""),
    ]
    for name, run in zip(REFERENCE, runs, strict=True):
        digits = max(0, 1 - math.floor(math.log10(run["standard_error"])))  # two of the error's
        bits = f"{run['bits_per_dim']:,.{digits}f} ± {run['standard_error']:,.{digits}f}"
        cells = (bits, f"{run['seconds']:,.0f}", f"{run['parameters']:,}", f"`{run['command']}`")
        lines.append(row(say(f"guide-{name}", language), *cells))
    return "\n".join(lines)


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
