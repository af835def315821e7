"""The 30 points for the analysis: what is claimed is computed again, with the weights in the student's own model."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffeo.course.grading import density, facts
from diffeo.course.grading.code import seed_of_program
from diffeo.course.grading.facts import Fact
from diffeo.course.grading.report import Line
from diffeo.course.grading.rubric import RUBRIC
from diffeo.course.messages import say
from diffeo.course.sandbox.calling import Answer
from diffeo.course.sandbox.limits import Limits
from diffeo.course.sandbox.messages import Call
from diffeo.course.sandbox.model import WEIGHTS
from diffeo.course.sandbox.process import Outcome, run
from diffeo.data import Dataset, load

if TYPE_CHECKING:
    from diffeo.course.handin.reading import Submission

LINES = [line for line in RUBRIC if line.part == "analysis"]
ROWS = 256
FINDERS: dict[str, Callable[["Evidence"], list[Fact]]] = {
    "model": facts.model,
    "claimed-bits": facts.claimed_bits,
    "density": facts.integrates,
    "curves": facts.curves,
    "own-weights": facts.own_weights,
}


@dataclass
class Evidence:
    """What a submission's model computed, beside what the submission says.

    Args:
        data: the data set of its claims; None if it is not on this machine.
        answers: by question.
        inputs: what the questions were about.
        points: inputs of the Jacobian's check.
        chosen: which of the test images they are.
    """

    submission: "Submission"
    data: Dataset | None
    others: Mapping[str, str]
    answers: dict[str, Answer] = field(default_factory=dict)
    inputs: dict[str, Tensor] = field(default_factory=dict)
    points: Tensor | None = None
    chosen: Tensor | None = None

    def bits(self, question: str) -> Tensor | None:
        """Bits per dimension of each row of an answer, or None where there is no such answer."""
        answer = self.answers.get(question)
        if answer is None or answer.fault or len(answer.values) < 2 or self.data is None:
            return None
        z, log_det = answer.values[0].double(), answer.values[1].double()
        rows = len(self.inputs[question])
        if log_det.ndim == 0:
            log_det = log_det.expand(rows)
        if z.ndim < 2 or not (len(z) == len(log_det) == rows) or not z.numel() or not log_det.numel():
            return None
        z = z.flatten(1)
        log_prob = log_det.reshape(len(z), -1)[:, 0] - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return math.log2(self.data.values or 1) - log_prob / (z.shape[1] * math.log(2))


def grade_analysis(
    submission: "Submission", source: str, language: str, *, others: Mapping[str, str], limits: Limits
) -> tuple[list[Line], Outcome | None]:
    """Lines of the rubric for the analysis; `source` is "" where the program cannot be run."""
    evidence = Evidence(submission, _data(submission), others)
    outcome = None
    if source:
        calls = _questions(evidence)
        files = {WEIGHTS: submission.weights} if submission.weights else {}
        outcome = run(source, calls, files=files, limits=limits)
        again = _jacobian(evidence, calls, source)
        if again:  # in a process of its own: which images it is about is not known before
            later = run(source, again, files=files, limits=limits)
            outcome.answers += later.answers
            outcome.changed += later.changed
            calls += again
        evidence.inputs = {call.function: call.arguments[0] for call in calls if call.arguments}
        evidence.answers = {call.function: answer for call, answer in zip(calls, outcome.answers, strict=True)}
    return [_line(line.key, line.possible, evidence, language) for line in LINES], outcome


def _data(submission: "Submission") -> Dataset | None:
    name = facts.data_of(submission)
    try:
        return load(name) if name else None
    except OSError:  # MNIST is not on this machine
        return None


def _questions(evidence: Evidence) -> list[Call]:
    """Each call's `function` is the name of its question here."""
    grids = density.grids()
    calls = [Call(f"plane-{name}", (grid,), "plane") for name, grid in grids.items()]
    calls.append(Call("chain", (grids["wide"], *density.networks()), "chain"))
    calls.append(Call("state", (), "state"))
    if evidence.submission.weights is None or evidence.data is None:
        return calls
    data = evidence.data
    for name, rows in (("test", ROWS), ("validation", ROWS), ("train", ROWS)):
        part = getattr(data, name).x
        noise = torch.rand(part.shape, generator=torch.Generator().manual_seed(0))
        calls.append(Call(name, (((part + noise) / (data.values or 1))[:rows],), "forward"))
    calls.append(Call("round-trip", (calls[-1].arguments[0][:32],), "round-trip"))
    return calls


def _jacobian(evidence: Evidence, calls: list[Call], source: str) -> list[Call]:
    """The Jacobian's question, about some of the very images whose likelihood was asked for."""
    asked = [call.arguments[0] for call in calls if call.function == "test"]
    if not asked:
        return []
    (y,) = asked
    levels = (evidence.data.values if evidence.data else None) or 1
    inside = ((y.flatten(1) * levels % 1 - 0.5).abs() < 0.499).all(1)  # a logit is steep at the ends of cells
    drawn = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed_of_program(source)))
    evidence.chosen = drawn[inside[drawn]][:3]
    evidence.points = y[evidence.chosen].double()
    return [Call("jacobian", (density.around(evidence.points),), "forward")]


def _line(key: str, possible: int, evidence: Evidence, language: str) -> Line:
    found = FINDERS[key](evidence)
    texts = [say(fact.key, language, **fact.values) for fact in found]
    reasons = tuple(fact.key for fact in found if fact.lost)
    if any(fact.lost is None for fact in found):
        return Line(key, None, possible, "\n".join(texts), tuple(fact.key for fact in found))
    lost = min(1.0, sum(fact.lost or 0.0 for fact in found))
    return Line(key, round(4 * possible * (1 - lost)) / 4, possible, "\n".join(texts), reasons)
