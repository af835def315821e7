"""The 50 points for code: every function of the assignment is called on drawn inputs and judged."""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from diffeo_course.grading.drawing import Draw
from diffeo_course.grading.judging import Cases, Finding, Verdict, judge
from diffeo_course.grading.report import Line
from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.grading.tasks import TASKS, Task
from diffeo_course.handin.source import definitions
from diffeo_course.messages import say
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import GRADIENT, Call
from diffeo_course.sandbox.process import Outcome, run
from diffeo_course.sandbox.untrusted import one_line

LINES = [line for line in RUBRIC if line.part == "code"]
STEP = 4  # points are rounded to quarters


def program(code: str) -> str:
    """The definitions of a program, lambdas and modules assigned to a name that is asked for among them.

    Raises:
        SyntaxError: if it is not Python.
    """
    stems = {name.rpartition("_")[0] for name in TASKS if name.endswith(("_forward", "_inverse"))}
    asked = {_plain(name) for name in (*TASKS, *stems, "RealNVP")}
    tree = ast.parse(code)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _plain(node.id) in asked}
    # what is asked for counts as used, so that its assignment stays
    uses = f"\n\ndef _asked_for():\n    return [{', '.join(sorted(names))}]\n"
    return definitions(code + uses)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def draw(task: Task, *, seed: int) -> list[tuple[Any, ...]]:
    """The inputs of a function's cases."""
    return task.cases(torch.Generator().manual_seed(seed))


def grade_code(source: str, language: str, *, limits: Limits, key: str) -> tuple[list[Line], Outcome]:
    """Lines of the rubric for the functions of a program's definitions, called with what is drawn by the key."""
    seed = Draw(key, source).seed("cases")
    cases = {name: draw(task, seed=seed) for name, task in TASKS.items()}
    calls = [Call(name, case) for name, each in cases.items() for case in each]
    trained = [name for name, task in TASKS.items() if task.trains]
    calls += [Call(name, cases[name][0], GRADIENT) for name in trained]
    outcome = run(source, calls, limits=limits)
    values = len(calls) - len(trained)
    answers = _by_function(calls[:values], outcome.answers[:values])
    gradients = dict(zip(trained, outcome.answers[values:], strict=True))
    verdicts = [
        verdict
        for name, task in TASKS.items()
        for verdict in _judged(task, cases[name], answers[name], gradients.get(name))
    ]
    return [_line(key.key, key.possible, verdicts, language) for key in LINES], outcome


def _judged(task: Task, cases: Cases, answers: Sequence[Answer], gradient: Answer | None) -> list[Verdict]:
    try:
        return judge(task, cases, answers, gradient)
    except Exception as error:  # what nobody thought of is for a person to look at
        values = {"why": f"{type(error).__name__}: {one_line(error)}"}
        return [Verdict(output, (Finding("grade-unjudged", values, 0.0),)) for output in task.outputs]


def nothing(key: str, language: str, **values: object) -> list[Line]:
    """All lines of code with no points, for one reason."""
    return [Line(line.key, 0.0, line.possible, say(key, language, **values), (key,)) for line in LINES]


def _by_function(calls: Sequence[Call], answers: Sequence[Answer]) -> Mapping[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for call, answer in zip(calls, answers, strict=True):
        found.setdefault(call.function, []).append(answer)
    return found


def _line(key: str, possible: int, every: Sequence[Verdict], language: str) -> Line:
    verdicts = [verdict for verdict in every if verdict.output.line == key]
    share = sum(verdict.share for verdict in verdicts) / len(verdicts)
    reasons = tuple(dict.fromkeys(finding.key for verdict in verdicts for finding in verdict.findings))
    message = "\n".join(said(verdicts, language)) or say("grade-right", language)
    return Line(key, round(possible * share * STEP) / STEP, possible, message, reasons)


def said(verdicts: Sequence[Verdict], language: str) -> list[str]:
    """What is to be said of some outputs, each sentence once."""
    texts = [say(finding.key, language, **finding.values) for verdict in verdicts for finding in verdict.findings]
    return list(dict.fromkeys(texts))
