"""The 30 points for the analysis: what is claimed is computed again, with the weights in the student's own model."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from diffeo.data import Dataset, load
from diffeo_course.grading import density, facts
from diffeo_course.grading.drawing import Draw
from diffeo_course.grading.facts import Fact
from diffeo_course.grading.probes import BACK, PARTS, CloseEvidence, Probes
from diffeo_course.grading.report import Line
from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.messages import say
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.messages import Call
from diffeo_course.sandbox.model import WEIGHTS
from diffeo_course.sandbox.process import Outcome, run

if TYPE_CHECKING:
    from diffeo_course.handin.reading import Submission

LINES = [line for line in RUBRIC if line.part == "analysis"]
ROWS = 256
EDGE = 1e-3  # noise keeps as far from the ends of a cell: a logit is steep there
FINDERS: dict[str, Callable[[CloseEvidence], list[Fact]]] = {
    "model": facts.model,
    "claimed-bits": facts.claimed_bits,
    "density": facts.integrates,
    "curves": facts.curves,
    "own-weights": facts.own_weights,
}


def grade_analysis(
    submission: "Submission", source: str, language: str, *, others: Mapping[str, str], limits: Limits, key: str
) -> tuple[list[Line], Outcome | None]:
    """Lines of the rubric for the analysis; `source` is "" where the program cannot be run."""
    evidence = CloseEvidence(submission, _data(submission), others, Draw(key, source))
    asking = _Asking(evidence, source, limits) if source else None
    if asking is not None:
        asking.first()
        if evidence.bits("test") is not None:
            asking.closely()
    return [_line(line.key, line.possible, evidence, language) for line in LINES], asking.outcome if asking else None


def _data(submission: "Submission") -> Dataset | None:
    name = facts.data_of(submission)
    try:
        return load(name) if name else None
    except OSError:  # MNIST is not on this machine
        return None


class _Asking:
    """A program asked three times, each time in a process of its own; together they have the time of one."""

    def __init__(self, evidence: CloseEvidence, source: str, limits: Limits):
        self.evidence, self.source, self.limits = evidence, source, limits
        weights = evidence.submission.weights
        self.files = {WEIGHTS: weights} if weights else {}
        self.outcome = Outcome([])

    def first(self) -> None:
        """What does not depend on answers. Each call's `function` is the name of its question here."""
        grids = density.grids()
        calls = [Call(f"plane-{name}", (grid,), "plane") for name, grid in grids.items()]
        calls.append(Call("chain", (grids["wide"], *density.networks()), "chain"))
        calls.append(Call("state", (), "state"))
        data, draw = self.evidence.data, self.evidence.draw
        if self.evidence.submission.weights is not None and data is not None:
            calls += [Call(part, (images(data, draw, part, part),), "forward") for part in PARTS]
        self._ask(calls)

    def closely(self) -> None:
        """What depends on the answers. Where they are such that nothing can be asked, nothing is known of a density."""
        try:
            self.evidence.probes = Probes(self.evidence)
            self.jacobian(self.evidence.probes)
            self.steps(self.evidence.probes)
        except Exception:
            self.evidence.probes = None

    def jacobian(self, probes: Probes) -> None:
        """The neighbours of images, in float64, or else in float32."""
        for dtype in (torch.float64, torch.float32):
            calls = probes.around(dtype)
            if probes.differentiate(calls, self._ask(calls)):
                return

    def steps(self, probes: Probes) -> None:
        """Images that were moved, and images to be taken back from z."""
        assert self.evidence.data is not None
        others = images(self.evidence.data, self.evidence.draw, "test", "others")
        calls = [Call("moved", (probes.moved(others),), "forward")]
        answer, y = self.evidence.answers["train"], self.evidence.inputs["train"]
        looked_at = {row for part, row in probes.places if part == "train"}
        rows = [row for row in range(len(y)) if row not in looked_at][:BACK]
        if not answer.fault and answer.values and answer.values[0].ndim and len(answer.values[0]) == len(y):
            calls.append(Call("inverse", (probes.returning(answer.values[0][rows]),), "inverse"))
        moved, *inverted = self._ask(calls)
        probes.came_out(moved)
        for each in inverted:
            back = probes.came_back(each)
            self.evidence.back = None if back is None else (back, y[rows].double().flatten(1))

    def _ask(self, calls: list[Call]) -> list[Answer]:
        limits = replace(self.limits, whole=max(0.0, self.limits.whole - self.outcome.seconds))
        found = run(self.source, calls, files=self.files, limits=limits)
        self.evidence.inputs |= {call.function: call.arguments[0] for call in calls if call.arguments}
        self.evidence.answers |= {call.function: answer for call, answer in zip(calls, found.answers, strict=True)}
        self.outcome.changed += found.changed
        self.outcome.seconds += found.seconds
        return found.answers


def images(data: Dataset, draw: Draw, part: str, purpose: str) -> Tensor:
    """Drawn images of a part with drawn noise, ``(ROWS, ..)``."""
    every = getattr(data, part).x
    x = every[draw.order(f"rows of {purpose}", len(every))[:ROWS]]
    noise = EDGE + (1 - 2 * EDGE) * draw.uniform(f"noise of {purpose}", *x.shape)
    drawn: Tensor = (x + noise) / (data.values or 1)
    return drawn


def _line(key: str, possible: int, evidence: CloseEvidence, language: str) -> Line:
    try:
        found = FINDERS[key](evidence)
    except Exception as error:  # what nobody thought of is for a person to judge
        found = [facts.unjudged(error)]
    texts = [say(fact.key, language, **fact.values) for fact in found]
    reasons = tuple(fact.key for fact in found if fact.lost)
    if any(fact.lost is None for fact in found):
        return Line(key, None, possible, "\n".join(texts), tuple(fact.key for fact in found))
    lost = min(1.0, sum(fact.lost or 0.0 for fact in found))
    return Line(key, round(4 * possible * (1 - lost)) / 4, possible, "\n".join(texts), reasons)
