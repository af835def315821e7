"""What a grading found: lines of the rubric with points and a message, shown in several forms."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.messages import say

PARTS = ("code", "analysis", "writeup")


@dataclass(frozen=True)
class Line:
    """A line of the rubric, scored.

    Args:
        key: of the rubric's line.
        points: None where a person scores it.
        possible: points at most.
        message: what is right or wrong, in the report's language.
        reasons: keys of the messages that it was put together from, for tables and tests.
    """

    key: str
    points: float | None
    possible: float
    message: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A graded submission.

    Args:
        language: "ko" or "en".
        lines: one for each line of the rubric, in its order.
        id: the student's number.
        name: the student's name.
        notes: what was odd about the submission as a whole, in the report's language.
    """

    language: str
    lines: list[Line]
    id: str = ""
    name: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> float:
        """The points given automatically."""
        return round(sum(line.points for line in self.lines if line.points is not None), 2)

    @property
    def possible(self) -> float:
        """The points that can be given automatically."""
        return sum(line.possible for line in self.lines if line.points is not None)

    @property
    def by_hand(self) -> float:
        """The points that a person gives."""
        return sum(line.possible for line in self.lines if line.points is None)

    @cached_property
    def _parts(self) -> dict[str, list[Line]]:
        part = {line.key: line.part for line in RUBRIC}
        return {name: lines for name in PARTS if (lines := [line for line in self.lines if part[line.key] == name])}

    def title(self, line: Line) -> str:
        """What a line is about."""
        return say(f"rubric-{line.key}", self.language)

    def summary(self) -> str:
        """The total in one sentence."""
        values = {"total": f"{self.total:g}", "possible": f"{self.possible:g}", "by_hand": f"{self.by_hand:g}"}
        return say("grading-total" if self.by_hand else "grading-total-automatic", self.language, **values)

    def to_text(self) -> str:
        """For the terminal."""
        parts = [self.heading(), *self.notes]
        for name, lines in self._parts.items():
            parts.append(f"\n{self.part_title(name)}")
            for line in lines:
                parts.append(f"  {self.score(line):>7}  {self.title(line)}")
                parts += [f"           {text}" for text in line.message.splitlines()]
        return "\n".join([*parts, "", self.summary()]) + "\n"

    def to_markdown(self) -> str:
        """A page of Markdown."""
        parts = [f"# {self.heading()}", "", self.summary()]
        parts += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        columns = [say(f"grading-column-{column}", self.language) for column in ("line", "points", "message")]
        for name, lines in self._parts.items():
            parts += ["", f"## {self.part_title(name)}", "", f"| {' | '.join(columns)} |", "| --- | ---: | --- |"]
            for line in lines:
                message = line.message.replace("|", "\\|").replace("\n", "<br>")
                parts.append(f"| {self.title(line)} | {self.score(line)} | {message} |")
        return "\n".join(parts) + "\n"

    def to_html(self) -> str:
        """A page that needs nothing beside it."""
        from jinja2 import Environment, PackageLoader

        template = Environment(loader=PackageLoader("diffeo_course.grading", "."), autoescape=True)
        page: str = template.get_template("report.html.j2").render(report=self, parts=self._parts, say=say)
        return page

    def to_results(self) -> dict[str, Any]:
        """The shape that Gradescope's autograder expects of ``results.json``.

        Lines that a person scores are not among its tests: Gradescope has its own place for them.
        """
        tests = [
            {
                "name": self.title(line),
                "number": line.key,
                "score": line.points,
                "max_score": line.possible,
                "output": line.message,
                "output_format": "text",
                "status": "passed" if line.points == line.possible else "failed",
                "visibility": "visible",
            }
            for line in self.lines
            if line.points is not None
        ]
        output = "\n".join([self.heading(), *self.notes, self.summary()])
        return {"score": self.total, "output": output, "output_format": "text", "tests": tests}

    def heading(self) -> str:
        """The page's title, with whose it is."""
        who = " ".join(each for each in (self.id, self.name) if each)
        title = say("grading-title", self.language)
        return f"{title}: {who}" if who else title

    def part_title(self, name: str) -> str:
        """The title of a part, with its points."""
        lines = self._parts[name]
        possible = sum(line.possible for line in lines)
        title = say(f"grading-part-{name}", self.language)
        if any(line.points is None for line in lines):
            return f"{title} (/ {possible:g})"
        return f"{title} ({sum(line.points or 0 for line in lines):g} / {possible:g})"

    def score(self, line: Line) -> str:
        """Points of a line as shown; a dash where a person gives them."""
        given = "—" if line.points is None else f"{line.points:g}"
        return f"{given} / {line.possible:g}"
