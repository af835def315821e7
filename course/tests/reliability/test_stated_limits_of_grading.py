"""The limits of grading that docs/reliability.md states are those of the code."""

import pytest

from diffeo_course.handin import archive, reading, source
from diffeo_course.sandbox.calling import MOST_NUMBERS
from diffeo_course.sandbox.kernel import LARGEST_FILE, OPEN_FILES
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.process import ANSWERS
from reliability.page import not_stated

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
LIMITS = Limits()
STATED = {
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
}  # fmt: skip


@pytest.mark.parametrize("row", STATED)
def test_a_stated_limit_is_the_one_that_holds(row: str) -> None:
    assert not_stated(row, STATED[row]) == []
