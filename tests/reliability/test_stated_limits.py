"""The limits that docs/reliability.md states are those of the code."""

import pytest

from diffeo.cli import recipe
from diffeo.data import download, image_refusals, mnist, pillow, transfer
from diffeo.data.tables import numpy_files
from diffeo.data.tables import reading as tables
from diffeo.editing import pictures
from diffeo.models import hub
from diffeo.runs import curve, record_files
from diffeo.saving import building, io, tensors
from diffeo.system import documents
from diffeo.training import losses
from reliability.page import not_stated

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
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
    "a table, unpacked": [f"{tables.SMALL // 10**6} MB, or {tables.TIMES} times its file"],
    "POWER": [f"{tables.SMALL // 10**6} MB, or {tables.TIMES} times its file"],
    "header of an array": [f"{numpy_files.LONGEST:,} bytes, brackets {numpy_files.DEEPEST} deep"],
    "`config.json` of a model": [
        f"{io.LARGEST_CONFIG // MB} MiB", f"{documents.DEEPEST} deep", f"{documents.LONGEST_NUMBER} digits",
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
    assert not_stated(row, STATED[row]) == []
