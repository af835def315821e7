"""What is found out about a submission's claims: for each line of the analysis, facts and what each costs."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diffeo_course.grading import density
from diffeo_course.grading.judging import ranges
from diffeo_course.grading.probes import CloseEvidence
from diffeo_course.grading.weights import fingerprint, readable, same_as_new
from diffeo_course.handin.choice import seed_of
from diffeo_course.handin.reading import Submission, number
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.untrusted import one_line

NEAR = 0.02  # bits per dimension that rounding and another draw of noise may make
MASS = 0.02
SETS = {17: "digits", 256: "mnist"}


@dataclass(frozen=True)
class Fact:
    """Something found, as a message.

    Args:
        key: of the message.
        lost: the part of the line's points that it costs; None if a person has to judge.
    """

    key: str
    lost: float | None = 0.0
    values: dict[str, Any] = field(default_factory=dict)


def unjudged(error: Exception) -> Fact:
    """A line that the checker cannot judge, through a fault of its own."""
    return Fact("grade-unjudged", None, {"why": f"{type(error).__name__}: {one_line(error)}"})


def model(evidence: CloseEvidence) -> list[Fact]:
    """Whether the weights fit the student's own class, and what the model leaves alone."""
    unchecked = _unchecked(evidence)
    if unchecked:
        return unchecked
    answer = evidence.answers["test"]
    if answer.fault:
        return [_broken(answer)]
    x = answer.values
    if len(x) < 2:
        return [Fact("model-one-value", 1.0)]
    if not all(bool(torch.isfinite(each.double()).all()) for each in x[:2]):
        return [Fact("model-not-finite", 1.0)]
    rows = len(evidence.inputs["test"])
    if x[0].ndim < 2 or len(x[0]) != rows:
        return [Fact("model-rows", 1.0, {"given": tuple(x[0].shape), "rows": rows})]
    found = []
    if tuple(x[1].shape) != (rows,):
        found.append(Fact("model-log-det-shape", 0.5, {"given": tuple(x[1].shape), "expected": (rows,)}))
    jacobian = evidence.probes.jacobian if evidence.probes else None
    if jacobian is not None and bool((still := density.only_own(jacobian)).any()):
        found.append(Fact("model-still", 0.5, {"places": ranges(still)}))
    found += _round_trip(evidence)
    return found or [Fact("model-right")]


def _round_trip(evidence: CloseEvidence) -> list[Fact]:
    answer = evidence.answers.get("inverse", Answer(fault="missing"))
    if answer.fault == "missing" and answer.detail:
        return [Fact("model-no-inverse", 0.5)]
    if evidence.back is None:
        shape = str(tuple(answer.values[0].shape)) if answer.values else ""
        return [Fact("model-inverse-failed", 0.5, {"detail": answer.detail or answer.fault or shape})]
    back, given = evidence.back
    error = float((back - given).abs().max())
    return [] if error < 1e-2 else [Fact("model-not-inverse", 0.5, {"error": f"{error:.3g}"})]


def claimed_bits(evidence: CloseEvidence) -> list[Fact]:
    """Whether the claimed test bits/dim is what the weights give."""
    unchecked = _unchecked(evidence)
    if unchecked:
        return unchecked
    claim = number(evidence.submission.claims, "bits_per_dim")
    bits = evidence.bits("test")
    if claim is None:
        return [Fact("bits-not-claimed", 1.0)]
    if bits is None or _missing(bits):
        return [Fact("bits-not-computed", 1.0)]
    mean, error = _estimate(bits)
    values = {"claim": f"{claim:.3f}", "found": f"{mean:.3f}", "error": f"{error:.3f}", "rows": len(bits)}
    if abs(claim - mean) > 3 * error + NEAR:
        return [Fact("bits-differ", 1.0, values | {"why": ""} | _why(claim, mean, evidence))]
    log_det = _log_det(evidence)
    if log_det is None:
        return [Fact("bits-unchecked", 1.0, values)]
    if log_det.lost:
        return [Fact("bits-no-density", 1.0, values)]
    if _round_trip(evidence):  # nothing says whether the map is one to one
        return [Fact("bits-not-inverted", None, values)]
    return [Fact("bits-agree", 0.0, values)]


def _why(claim: float, mean: float, evidence: CloseEvidence) -> dict[str, Any]:
    """What a wrong claim would come from, as a figure: the same with a constant left out or in nats."""
    values = (evidence.data.values if evidence.data else None) or 17
    guesses = {
        f"- log2({values})": mean - math.log2(values),
        f"- log2({values}) + 8": mean - math.log2(values) + 8,
        "* ln 2": mean * math.log(2),
    }
    fits = [f"; {claim:.3f} = {mean:.3f} {name}" for name, value in guesses.items() if abs(value - claim) < 0.03]
    return {"why": fits[0] if fits else ""}


def integrates(evidence: CloseEvidence) -> list[Fact]:
    """Whether the model is a density: half of the points for each of two ways to find out."""
    found = [_mass(evidence)]
    by_hand = [fact for fact in _unchecked(evidence) if fact.lost is None]
    found.append(_log_det(evidence) or (by_hand[0] if by_hand else Fact("density-no-log-det", 0.5)))
    return found


def _mass(evidence: CloseEvidence) -> Fact:
    asked = [("wide", "plane-wide"), ("unit", "plane-unit")]
    masses, key = _masses(evidence, asked), "density-mass"
    if not masses:
        masses, key = _masses(evidence, [("wide", "chain")]), "density-mass-chain"
    if not masses:
        return Fact("density-no-plane", 0.5)
    mass = min(masses, key=lambda each: abs(each - 1))
    wrong = not abs(mass - 1) < MASS
    return Fact(f"{key}-wrong" if wrong else key, 0.5 if wrong else 0.0, {"mass": f"{mass:.3f}"})


def _masses(evidence: CloseEvidence, asked: list[tuple[str, str]]) -> list[float]:
    """The integrals that can be computed, of grid and question."""
    found = []
    for grid, question in asked:
        answer = evidence.answers.get(question)
        if answer is None or answer.fault or len(answer.values) < 2:
            continue
        z, log_det = answer.values[:2]
        if (
            z.ndim < 2
            or z.numel() != 2 * len(z)
            or len(z) != len(evidence.inputs[question])
            or not z.is_floating_point()
        ):
            continue
        if log_det.shape in ((len(z),), (), (len(z), 1)):
            found.append(density.mass(grid, z, log_det.flatten()))
    return found


def _log_det(evidence: CloseEvidence) -> Fact | None:
    """What the model's log-determinant is of its Jacobian; None if that cannot be said."""
    probes = evidence.probes
    if probes is None or probes.jacobian is None:
        return None
    given, right = probes.log_det, torch.linalg.slogdet(probes.jacobian).logabsdet
    again = evidence.bits_of(probes.z, given)
    far = (probes.bits - again).abs()
    if not probes.scalar and not bool((far < NEAR).all()):
        worst = int(torch.nan_to_num(far, math.inf).argmax())
        both = {"given": f"{float(probes.bits[worst]):.3f}", "again": f"{float(again[worst]):.3f}"}
        return Fact("density-depends", 0.5, both)
    if not bool(torch.isfinite(right).all()):
        return Fact("density-singular", 0.5)
    values = {"given": f"{float(given[0]):.3f}", "expected": f"{float(right[0]):.3f}"}
    allowed = probes.allowed(right)
    if not bool(((given - right).abs() < allowed).all()):
        if bool(((given + right).abs() < allowed).all()):
            return Fact("density-log-det-sign", 0.5, values)
        same = probes.scalar or bool((given == given[0]).all())
        return Fact("density-log-det-constant" if same else "density-log-det-wrong", 0.5, values)
    if not probes.holds("forwards"):
        return Fact("density-steps", 0.5)
    if not _round_trip(evidence) and not probes.holds("backwards"):
        return Fact("density-not-one-to-one", 0.5)
    return Fact("density-log-det", 0.0, values)


def curves(evidence: CloseEvidence) -> list[Fact]:
    """Whether metrics.jsonl, the epochs and the weights are of one training."""
    records = evidence.submission.metrics
    if not records:
        return [Fact("curves-none", 1.0)]
    unreadable = [key for key in ("epoch", "train", "validation") if any(number(r, key) is None for r in records)]
    if unreadable:
        return [Fact("curves-columns", 1.0, {"columns": ", ".join(unreadable)})]
    found = []
    epochs = number(evidence.submission.claims, "epochs")
    if epochs is None or len(records) != int(epochs):
        said = "?" if epochs is None else f"{epochs:g}"
        found.append(Fact("curves-epochs", 0.4, {"rows": len(records), "epochs": said}))
    if [number(record, "epoch") for record in records] != [float(n) for n in range(1, len(records) + 1)]:
        found.append(Fact("curves-order", 0.2))
    train, validation = ([number(r, key) or 0.0 for r in records] for key in ("train", "validation"))
    if len(train) > 1 and train[-1] >= train[0]:
        found.append(Fact("curves-no-learning", 0.2, {"first": f"{train[0]:.3f}", "last": f"{train[-1]:.3f}"}))
    best = min(range(len(records)), key=validation.__getitem__)
    if _missing(evidence.bits("validation")) or _missing(evidence.bits("train")):
        unchecked = _unchecked(evidence)
        return [Fact("curves-not-computed", unchecked[0].lost if unchecked else 1.0)]
    found += _compared(evidence, "validation", validation[best]) + _compared(evidence, "train", train[best])
    return found if any(fact.lost != 0.0 for fact in found) else [*found, Fact("curves-agree")]


def _compared(evidence: CloseEvidence, part: str, said: float) -> list[Fact]:
    """The record of the best epoch beside what the weights give on that part."""
    bits = evidence.bits(part)
    assert bits is not None
    mean, error = _estimate(bits)
    allowed = 3 * error + (NEAR if part == "validation" else 0.15)  # train: the mean over an epoch that still learns
    values = {"part": part, "said": f"{said:.3f}", "found": f"{mean:.3f}", "error": f"{error:.3f}"}
    return [] if abs(mean - said) <= allowed else [Fact("curves-differ", 1.0, values)]


def own_weights(evidence: CloseEvidence) -> list[Fact]:
    """Whether the weights were trained, by this student, with the seed of the id."""
    submission = evidence.submission
    if submission.weights is None:
        return [Fact("weights-none", 1.0)]
    if not readable(submission.weights):
        return [Fact("weights-unreadable", 1.0)]
    found = []
    owner = evidence.others.get(fingerprint(submission.weights))
    if owner is not None and owner != submission.id:
        found.append(Fact("weights-of-another", 1.0, {"id": owner}))
    state = evidence.answers.get("state")
    if state is not None and not state.fault and same_as_new(submission.weights, state):
        found.append(Fact("weights-new", 1.0))
    if any(problem.key == "handin-ids-differ" for problem in submission.problems):
        found.append(Fact("weights-ids-differ", 0.5))
    seed = number(submission.claims, "seed")
    if submission.id and seed != float(seed_of(submission.id)):
        said = "?" if seed is None else f"{seed:.0f}"
        found.append(Fact("weights-seed", 0.5, {"seed": said, "expected": seed_of(submission.id)}))
    return found or [Fact("weights-own")]


def _missing(bits: Tensor | None) -> bool:
    return bits is None or not bool(torch.isfinite(bits).all())


def _estimate(bits: Tensor) -> tuple[float, float]:
    return float(bits.mean()), float(bits.std()) / math.sqrt(len(bits))


def _unchecked(evidence: CloseEvidence) -> list[Fact]:
    """Why nothing can be computed again: no weights, no program, or no data on this machine."""
    if evidence.submission.weights is None:
        return [Fact("weights-none", 1.0)]
    if not evidence.answers:
        return [Fact("model-no-program", 1.0)]
    if not data_of(evidence.submission):
        return [Fact("model-values", None, {"given": json.dumps(evidence.submission.claims.get("values"))[:40]})]
    return [Fact("model-no-data", None)] if evidence.data is None else []


def data_of(submission: Submission) -> str:
    """The data set that report.json names by its number of values; "" if there is none with that many."""
    if "values" not in submission.claims:
        return SETS[17]
    return SETS.get(int(number(submission.claims, "values") or 0), "")


def _broken(answer: Answer) -> Fact:
    if answer.fault == "missing":
        return Fact("model-missing", 1.0)
    if "load_state_dict" in answer.detail or "state_dict" in answer.detail:
        return Fact("model-other-weights", 1.0, {"detail": answer.detail})
    return Fact("model-failed", 1.0, {"detail": answer.detail or answer.fault})
