"""What came of an inbox: a score and a row for each student, and what else is to be looked at."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diffeo_course.inbox.hand_ins import HandIn
from diffeo_course.inbox.similarity import Pair


@dataclass(frozen=True)
class Score:
    """What the checker found, as it is stored.

    Args:
        lines: key, points (None: scored by hand), possible points and message of each line of the rubric.
        total: the points given automatically.
        markdown: the report.
        failed: why there is none; "" if there is one.
    """

    lines: list[dict[str, Any]] = field(default_factory=list)
    total: float = 0.0
    markdown: str = ""
    failed: str = ""


@dataclass(frozen=True)
class Row:
    """A student's line in the table."""

    hand_in: HandIn
    score: Score
    feedback: str
    note: str = ""

    @property
    def who(self) -> str:
        """Number and name, or where it is if neither is known."""
        submission = self.hand_in.submission
        return " ".join(each for each in (submission.id, submission.name) if each) or self.hand_in.piece.where

    @property
    def found(self) -> str:
        """Who it is, and where it is."""
        where = self.hand_in.piece.where
        return self.who if self.who == where else f"{self.who} ({where})"


@dataclass(frozen=True)
class Graded:
    """A graded inbox.

    Args:
        rows: one for each student, those without a number last.
        alike: pairs of students whose code is worth a look; the worked solution, which is public, is one of them.
        absent: number and name of those on the roster who handed nothing in.
        unread: files that belong to no hand-in.
        out: the folder with the results.
        wrote: the files written.
    """

    rows: list[Row]
    alike: list[Pair]
    absent: list[tuple[str, str]]
    unread: list[str]
    out: Path
    wrote: list[Path] = field(default_factory=list)
