"""The list of those who should hand in: a CSV file with number and name."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

from diffeo_course.handin.reading import Submission, student_id, student_name
from diffeo_course.handin.source import decoded

ID_COLUMNS = ("id", "student id", "student_id", "number", "학번")
NAME_COLUMNS = ("name", "이름", "성명")


@dataclass(frozen=True)
class Roster:
    """Students by number; empty where no list was given."""

    names: dict[str, str] = field(default_factory=dict)

    def without(self, present: set[str]) -> list[tuple[str, str]]:
        """Number and name of those who are not among `present`."""
        return [(number, name) for number, name in self.names.items() if number not in present]

    def note(self, submission: Submission, language: str) -> str:
        """What is odd about a submission beside this list; "" if nothing is."""
        from diffeo_course.messages import say

        if not self.names:
            return ""
        if submission.id in self.names:
            same = not submission.name or submission.name == self.names[submission.id]
            return "" if same else say("handin-roster-other-name", language, name=self.names[submission.id])
        like = [number for number, name in self.names.items() if name == submission.name]
        if like:
            return say("handin-roster-by-name", language, ids=", ".join(like))
        return say("handin-roster-unknown", language)


def read_roster(path: Path) -> Roster:
    """Read a list as Excel or a school's system saves it: commas, semicolons or tabs; UTF-8 or cp949.

    Raises:
        FileNotFoundError: if it is not there.
        ValueError: if it has no columns id and name, or one number twice.
    """
    try:
        text = decoded(path.read_bytes())
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        rows = list(csv.reader(text.splitlines(), delimiter=separator))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read: {error}. Save it as CSV (UTF-8)") from error
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    places = [next((head.index(name) for name in names if name in head), None) for names in (ID_COLUMNS, NAME_COLUMNS)]
    id_place, name_place = places
    if id_place is None or name_place is None:
        raise ValueError(f"{path}: expected a first line like 'id,name' or '학번,이름', got {first.strip()!r}")
    found: dict[str, str] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = [row[place] if place < len(row) else "" for place in (id_place, name_place)]
        student = student_id(cells[0])
        if not student:
            raise ValueError(f"{path}, line {number}: expected a student id such as 20231234, got {cells[0]!r}")
        if student in found:
            raise ValueError(f"{path}, line {number}: the id {student} is there twice. Remove one of the lines.")
        found[student] = student_name(cells[1])
    return Roster(found)
