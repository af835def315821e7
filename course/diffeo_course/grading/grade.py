"""Grading one submission, line by line of the rubric."""

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from diffeo_course.grading.report import Line, Report
from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.untrusted import one_line

if TYPE_CHECKING:
    from diffeo_course.handin.reading import Submission

CODE_ALONE = (".py", ".ipynb")


def grade(
    submission: "Submission",
    language: str = "ko",
    *,
    others: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    key: str | None = None,
) -> Report:
    """Grade a submission; nothing that it does ends this call.

    A program or a notebook by itself is graded by its code alone: 50 points. Anything else by all of the rubric.

    Args:
        submission: as :func:`diffeo_course.handin.reading.read` returns it.
        language: "ko" or "en".
        others: of other submissions the fingerprints of their weights, each with a student's number.
        limits: of time and memory; those of the documentation, if not given.
        key: what inputs and images are drawn by; the same key gives the same ones. A secret one is drawn, and
            forgotten, if not given.
    """
    from diffeo_course.grading.analysis import grade_analysis
    from diffeo_course.grading.code import grade_code, nothing, program
    from diffeo_course.grading.drawing import new_key
    from diffeo_course.messages import say

    limits, key = limits or Limits(), key or new_key()
    limits = replace(limits, closed=(*limits.closed, str(submission.path.absolute().parent)))
    notes = [problem.text(language) for problem in submission.problems]
    source, outcomes = "", []
    lines = nothing("grade-no-code", language)
    try:
        if submission.code.strip():
            source = program(submission.code)
            if _imports_diffeo(source):
                notes.append(say("grade-imports", language, module="diffeo"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, detail = getattr(error, "lineno", None) or "?", getattr(error, "msg", None) or str(error)
        lines = nothing("grade-no-python", language, line=line, detail=detail)
    if source:
        lines, outcome = grade_code(source, language, limits=limits, key=key)
        outcomes.append(outcome)
        if all({"fault-load", "fault-died", "fault-forged"} & set(line.reasons) for line in lines):
            source = ""  # it does not come as far as its functions: no use in trying again
    if submission.path.suffix.lower() not in CODE_ALONE:
        analysis, more = grade_analysis(submission, source, language, others=others or {}, limits=limits, key=key)
        outcomes += [more] if more is not None else []
        lines = [*lines, *analysis, *_by_hand(language)]
        notes += _other_ablation(submission, language)
    changed = list(dict.fromkeys(name for outcome in outcomes for name in outcome.changed))
    if changed:
        notes.insert(0, say("checker-changed", language, files=", ".join(changed)))
        lines = [_cancelled(line, say("checker-changed-line", language)) for line in lines]
    for outcome in outcomes[:1]:
        lost = any(line.points != line.possible for line in lines)  # a module that nothing needed is no news
        errors = [each for each in outcome.errors if lost or not each[1].startswith("ModuleNotFoundError")]
        notes += [_not_loaded(line, error, language) for line, error in errors[:5]]
        if outcome.printed:
            notes.append(say("grade-printed", language, text=_first_line(outcome.printed)))
    return Report(language, lines, submission.id, submission.name, notes)


def _not_loaded(line: int, error: str, language: str) -> str:
    from diffeo_course.messages import say

    module = re.search(r"No module named '([\w.]+)'", error) or re.search("relative import", error)
    if module is None:
        return say("grade-load-error", language, line=line, detail=error)
    return say("grade-no-module", language, line=line, module=module[1] if module.re.groups else "from .")


def _imports_diffeo(source: str) -> bool:
    nodes = list(ast.walk(ast.parse(source)))
    names = [each.name for node in nodes if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] == "diffeo" for name in names)


def _other_ablation(submission: "Submission", language: str) -> list[str]:
    """For whoever scores the text: the second training left out something else than the id says."""
    from diffeo_course.handin.choice import ablation_of
    from diffeo_course.messages import say

    said = submission.claims.get("ablation")
    given = said.get("name") if isinstance(said, dict) else said
    if not submission.id or given is None or given == (expected := ablation_of(submission.id)):
        return []
    return [say("grade-ablation", language, given=one_line(given, 40), expected=expected)]


def _by_hand(language: str) -> list[Line]:
    from diffeo_course.messages import say

    text = say("grade-by-hand", language)
    return [Line(line.key, None, line.possible, text) for line in RUBRIC if line.part == "writeup"]


def _cancelled(line: Line, message: str) -> Line:
    return line if line.points is None else Line(line.key, 0.0, line.possible, message, ("checker-changed",))


def _first_line(text: str) -> str:
    line = one_line(text, 200)
    return line if len(line) <= 120 else f"{line[:120]} .."
