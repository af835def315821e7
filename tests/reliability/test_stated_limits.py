"""The limits that docs/reliability.md states are those of the code."""

import pytest

from diffeo import building, documents, tensors
from diffeo import io as saving
from diffeo.cli import recipe
from diffeo.course.handin import archive, reading, source
from diffeo.course.sandbox.calling import MOST_NUMBERS
from diffeo.course.sandbox.kernel import LARGEST_FILE, OPEN_FILES
from diffeo.course.sandbox.limits import Limits
from diffeo.course.sandbox.process import ANSWERS
from diffeo.data import download, image_refusals, mnist, pillow, transfer
from diffeo.data.tables import numpy_files
from diffeo.data.tables import reading as tables
from diffeo.editing import pictures
from diffeo.models import hub
from diffeo.runs import curve, record_files
from diffeo.training import losses
from reliability.page import PAGE

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
LIMITS = Limits()
STATED = {
    "an image of a folder": [
        f"{pillow.MOST_PIXELS // 10**6} million pixels",
        f"a file of {pillow.MOST_PIXELS * pillow.MOST_BYTES // 10**9} GB",
        f"{pillow.MOST_PIXELS // image_refusals.MEMORY // 10**6} million pixels for each GB",
    ],
    "all images of a folder": [f"{image_refusals.MEMORY} GB"],
    "a picture to edit": [f"{pictures.MOST_PIXELS // 10**6} million pixels"],
    "an IDX file": [f"{mnist.LARGEST // GB} GB unpacked, {mnist.DIMENSIONS} dimensions"],
    "a download": [
        f"own size and {transfer.SLACK // KB} kB", f"{download.TIMEOUT:g} seconds of silence",
        f"{download.AT_LEAST:g} seconds and {10**6 // download.SLOWEST} for each MB", f"{transfer.REDIRECTS} redirects",
    ],
    "a graded program's memory": [f"{LIMITS.memory // GB} GB"],
    "what it writes in all": [f"{LIMITS.disk // MB} MB; {LARGEST_FILE // MB} MB a file"],
    "its threads, processes, open files": [f"{LIMITS.threads}; {LIMITS.processes}, none", f"; {OPEN_FILES} |"],
    "a hand-in's program": [
        f"{source.LARGEST // KB} KB, {source.MOST_BRACES:,} braces, {source.MOST_MARKS} accents",
    ],
    "a hand-in's weights": [
        f"{reading.LARGEST_WEIGHTS // MB} MB; {archive.LARGEST // MB} MB, {archive.MOST:,} entries; "
        f"{reading.LARGEST_CLAIMS // MB} MB; {reading.MOST_RECORDS:,} lines",
    ],
    "what a graded program returns": [f"{MOST_NUMBERS // MB} million numbers in a call, {ANSWERS // MB} MB in all"],
    "a table, unpacked": [f"{tables.SMALL // 10**6} MB, or {tables.TIMES} times its file"],
    "POWER": [f"{tables.SMALL // 10**6} MB, or {tables.TIMES} times its file"],
    "header of an array": [f"{numpy_files.LONGEST:,} bytes, brackets {numpy_files.DEEPEST} deep"],
    "`config.json` of a model": [
        f"{saving.LARGEST_CONFIG // MB} MiB", f"{documents.DEEPEST} deep", f"{documents.LONGEST_NUMBER} digits",
    ],
    "other JSON": [f"{documents.LARGEST_JSON // MB} MiB"],
    "tensors of a file": [f"{tensors.LARGEST_HEADER // MB} MiB, {tensors.MOST_TENSORS:,} tensors"],
    "what constructors make": [
        f"{building.FREE / 1e6:.1f} million numbers ({4 * building.FREE / 1e6:.0f} MB",
        f"{building.FREE_TENSORS:,} tensors",
        {10**6: "a million calls"}[building.STEPS], f"{building.STEPS_A_TENSOR:,} more for each tensor",
    ],
    "a recipe or file of options": [f"{recipe.LARGEST // KB} KiB, blocks {recipe.DEEPEST} deep"],
    "a recipe's curve": [f"{curve.LARGEST_CURVE // MB} MiB"],
    "a model of the hub": [f"{hub.LARGEST['config.json'] // MB} MiB", f"{hub.LARGEST['model.safetensors'] // GB} GiB"],
    "`run.json`, `summary.json`": [f"{record_files.LARGEST // MB} MiB"],
    "a line of `metrics.jsonl`": [f"{record_files.LONGEST_LINE // MB} MiB"],
    "a line of `steps.csv`": [f"{losses.LONGEST} letters"],
    "steps in `steps.csv`": [f"{losses.MOST:,}"],
}  # fmt: skip


@pytest.mark.parametrize("row", STATED)
def test_a_stated_limit_is_the_one_that_holds(row: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Limits\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith(f"| {row}")]
    assert len(lines) == 1
    assert [text for text in STATED[row] if text not in lines[0]] == []
