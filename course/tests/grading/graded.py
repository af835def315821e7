"""Everything graded once, two at a time, and the table that shows it.

python course/tests/grading/graded.py      (from the repository's root; some minutes)
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from diffeo_course.grading import Report, grade
from diffeo_course.grading.analysis import grade_analysis
from diffeo_course.grading.code import program
from diffeo_course.grading.weights import fingerprint
from diffeo_course.handin.reading import read
from diffeo_course.sandbox.limits import Limits
from grading.false_claims import FALSE
from grading.hostile_code import HOSTILE
from grading.wrong_claims import CLAIMS, ID, SMALL, Claim, HandIn, trained
from grading.wrong_code import CASES, Case

SHORT = Limits(call=2, load=2, memory=1 << 30)  # for what loops or takes everything


@dataclass(frozen=True)
class Given:
    """What a submission was given."""

    points: float
    reasons: Mapping[str, tuple[str, ...]]

    def is_as_expected(self, points: float, reasons: Mapping[str, str]) -> bool:
        """The points, the lines that lose some, and the message on each."""
        same = set(self.reasons) == set(reasons) and all(reasons[key] in self.reasons[key] for key in reasons)
        return self.points == points and same


def code_alone(case: Case, limits: Limits) -> Report:
    """Grade a program as a student hands it in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{ID}{case.suffix}"
        path.write_bytes(case.code.encode() if case.content is None else case.content)
        return grade(read(path), "en", limits=limits)


@cache
def honest() -> HandIn:
    """The worked solution, trained for a moment."""
    return trained(SMALL)


def analysis(claim: Claim) -> Given:
    """Grade the analysis of a hand-in."""
    with tempfile.TemporaryDirectory() as folder:
        submission = read(claim.change(honest()).packed(Path(folder) / f"{ID}.zip"))
        others = {fingerprint(submission.weights): "20230001"} if claim.copied and submission.weights else {}
        lines, _ = grade_analysis(
            submission, program(submission.code), "en", others=others, limits=Limits(call=4), key="a key of the tests"
        )
    return Given(sum(line.points or 0 for line in lines), {x.key: x.reasons for x in lines if x.points != x.possible})


def _of_case(case: Case) -> Given:
    report = code_alone(case, SHORT if case in HOSTILE else Limits())
    return Given(report.total, {line.key: line.reasons for line in report.lines if line.points != line.possible})


def given_to(case: Case | Claim) -> Given:
    """What one submission is given."""
    return analysis(case) if isinstance(case, Claim) else _of_case(case)


@cache
def everything() -> dict[str, Given]:
    """What each submission was given, by name."""
    honest()
    cases = [*CASES, *HOSTILE]
    with ThreadPoolExecutor(2) as pool:  # each of them waits for a process
        codes, claims = pool.map(_of_case, cases), pool.map(analysis, [*CLAIMS, *FALSE])
        found = dict(zip([case.name for case in cases], codes, strict=True))
        return found | dict(zip([claim.name for claim in (*CLAIMS, *FALSE)], claims, strict=True))


def table(cases: Sequence[Case | Claim], possible: int) -> str:
    """Expected beside given, as Markdown."""
    rows = [
        f"| submission | expected of {possible} | given | messages | as expected |",
        "| --- | ---: | ---: | --- | --- |",
    ]
    for case in cases:
        given = everything()[case.name]
        messages = ", ".join(dict.fromkeys(key for each in given.reasons.values() for key in each)) or "none"
        fits = "yes" if given.is_as_expected(case.points, case.reasons) else "**no**"
        rows.append(f"| {case.name} | {case.points:g} | {given.points:g} | {messages} | {fits} |")
    return "\n".join(rows)


if __name__ == "__main__":
    every = [*CASES, *HOSTILE, *CLAIMS, *FALSE]
    fitting = sum(everything()[case.name].is_as_expected(case.points, case.reasons) for case in every)
    sys.stdout.write(
        f"{table([*CASES, *HOSTILE], 50)}\n\n{table([*CLAIMS, *FALSE], 30)}\n\n{fitting} of {len(every)} as expected.\n"
    )
