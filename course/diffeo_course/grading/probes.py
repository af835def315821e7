"""Images that are looked at closely, to see whether what was computed for all of them is a likelihood.

They are drawn when the likelihoods are known, and what is asked about them is asked in processes that know nothing of
it. The second process is asked for their neighbours, which gives the Jacobian. The third is given images moved by steps
that follow from the Jacobian, among others that look alike, and for others of them z moved a little, to be inverted. It
has never seen the images themselves. Where its answers are those that the Jacobian foretells, the log-determinant is
that of the very map that gave the likelihoods, and the map is one to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo_course.grading import density
from diffeo_course.grading.evidence import Evidence
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.messages import Call

PARTS = ("test", "validation", "train")
IMAGES = 32
MOST_ROWS, CALL_ROWS = 20_000, 4_200  # neighbours: of all images, and in one call
BACK = 32  # images that are only taken there and back
STEP = 1e-3  # in standard deviations of z
FAR, TYPICAL = 0.1, 0.03  # by what part of itself one step may miss what the Jacobian foretells, and their median


class Probes:
    """The images, what is asked about them, and what came of it.

    Args:
        evidence: with the answers of the first process.
    """

    def __init__(self, evidence: Evidence):
        self.draw = evidence.draw
        self.places: list[tuple[str, int]] = _chosen(evidence)
        inputs, answers = evidence.inputs, evidence.answers
        self.points = torch.stack([inputs[part][row] for part, row in self.places])  # (n, ..)
        self.before = torch.stack([answers[part].values[0][row].double() for part, row in self.places])  # z
        self.bits = torch.stack([_bits(evidence, part)[row] for part, row in self.places])
        order = self.draw.order("which way", len(self.places))
        self.forwards, self.backwards = order[: len(order) // 2], order[len(order) // 2 :]
        self.z = self.log_det = torch.zeros(0)  # of the second process
        self.jacobian: Tensor | None = None  # (n, D, D)
        self.scalar = False
        self.error = 1e-3
        self.missed: dict[str, Tensor] = {}

    def around(self, dtype: torch.dtype) -> list[Call]:
        """The calls for the Jacobians: the points with all their neighbours."""
        step = max(1, CALL_ROWS // (1 + 2 * self.points[0].numel()))
        parts = self.points.to(dtype).split(step)
        return [Call(f"jacobian-{number}", (density.around(part),), "forward") for number, part in enumerate(parts)]

    def differentiate(self, calls: Sequence[Call], answers: Sequence[Answer]) -> bool:
        """Take the answers to :meth:`around`; whether there are Jacobians now."""
        found = [_of_call(call.arguments[0], answer) for call, answer in zip(calls, answers, strict=True)]
        if not all(found):
            return False
        z, log_det, jacobian = zip(*(each for each in found if each), strict=True)
        self.error = 1e-3 if calls[0].arguments[0].dtype == torch.float64 else 1e-2
        self.scalar = any(answer.values[1].ndim == 0 for answer in answers)
        self.z, self.log_det, self.jacobian = torch.cat(z), torch.cat(log_det), torch.cat(jacobian)
        return True

    def moved(self, others: Tensor) -> Tensor:
        """Images moved a little, put among `others`; :meth:`came_out` takes what comes out for them."""
        steps = self._steps()[self.forwards] if self.jacobian is not None else torch.zeros(0, *self.points.shape[1:])
        self._stepped = (self.points[self.forwards[: len(steps)]].double() + steps).to(self.points.dtype)
        rows = torch.cat([self._stepped, others[len(steps) :]])
        self._mixed = self.draw.order("among others", len(rows))
        return rows[self._mixed]

    def came_out(self, answer: Answer) -> None:
        """By how much the images that were moved missed where the Jacobian says they come out."""
        if self.jacobian is None or answer.fault or not answer.values:
            return
        if answer.values[0].ndim < 2 or len(answer.values[0]) != len(self._mixed):
            return
        z = answer.values[0].double().flatten(1)[self._mixed.argsort()][: len(self._stepped)]
        before = self.before[self.forwards].flatten(1)
        given = (self._stepped.double() - self.points[self.forwards].double()).flatten(1)
        if z.shape == before.shape == given.shape:
            foretold = (self.jacobian[self.forwards] @ given[..., None])[..., 0]
            self.missed["forwards"] = (z - before - foretold).norm(dim=1) / foretold.norm(dim=1)

    def returning(self, z: Tensor) -> Tensor:
        """Of images, z moved a little, put among `z` of others; :meth:`came_back` takes what they are inverted to."""
        kept = self.before[self.backwards]
        if self.jacobian is None or kept.shape[1:] != z.shape[1:]:
            kept = kept[:0].reshape(0, *z.shape[1:])
        noise = STEP * self.draw.normal("noise", *kept.shape)
        self._returned = (kept + noise).to(z.dtype)
        self._turned = self._returned.double() - kept
        self._shuffled = self.draw.order("among others again", len(kept) + len(z))
        return torch.cat([self._returned, z])[self._shuffled]

    def came_back(self, answer: Answer) -> Tensor | None:
        """What `z` was inverted to; and by how much z that was moved missed where the Jacobian says it comes from."""
        if answer.fault or not answer.values or answer.values[0].ndim == 0:
            return None
        (y, *_), rows = answer.values, len(self._returned)
        if len(y) != len(self._shuffled) or y[0].numel() != self.points[0].numel():
            return None
        y = y.double().flatten(1)[self._shuffled.argsort()]
        if rows and self.jacobian is not None:
            moved = y[:rows] - self.points[self.backwards].double().flatten(1)
            turned = self._turned.flatten(1)
            there = (self.jacobian[self.backwards] @ moved[..., None])[..., 0]
            self.missed["backwards"] = (there - turned).norm(dim=1) / turned.norm(dim=1)
        return y[rows:]

    def allowed(self, right: Tensor) -> Tensor:
        """How far a log-determinant may be from that of the Jacobian: as well as differences give it."""
        return self.error * (1 + right.abs())

    def holds(self, way: str) -> bool:
        """Whether the steps of one way, "forwards" or "backwards", came out as the Jacobian foretells."""
        missed = self.missed.get(way)
        return missed is not None and bool((missed < FAR).all()) and float(missed.median()) < TYPICAL

    def _steps(self) -> Tensor:
        """Steps ``(n, ..)`` that move z by `STEP` in a drawn direction, shorter where they would leave [0, 1]."""
        assert self.jacobian is not None
        wanted = STEP * self.draw.normal("steps", *self.jacobian.shape[:2])
        steps, _ = torch.linalg.solve_ex(self.jacobian, wanted)
        points = self.points.double().flatten(1)
        room = torch.minimum(points, 1 - points).clamp_min(0) / (2 * steps.abs())
        shortened: Tensor = (steps * room.amin(1, keepdim=True).nan_to_num(0.0).clamp_max(1.0)).reshape(
            self.points.shape
        )
        return shortened


@dataclass
class CloseEvidence(Evidence):
    """The same, and images that were looked at closely.

    Args:
        probes: the images.
        back: what other images came back as, there and back, and those images.
    """

    probes: Probes | None = None
    back: tuple[Tensor, Tensor] | None = None


def _bits(evidence: Evidence, part: str) -> Tensor:
    """Bits of a part's rows; none where there are none, or z has another shape than that of test images."""
    bits = evidence.bits(part)
    if bits is None or evidence.answers[part].values[0].shape[1:] != evidence.answers["test"].values[0].shape[1:]:
        return torch.zeros(0, dtype=torch.float64)
    return bits


def _chosen(evidence: Evidence) -> list[tuple[str, int]]:
    """Which images: half of the test images, a quarter of those where the likelihood is largest."""
    many = max(4, min(IMAGES, MOST_ROWS // (1 + 2 * evidence.inputs["test"][0].numel())))
    found: list[tuple[str, int]] = []
    for part, share in zip(PARTS, (many // 2, many // 4, many - many // 2 - many // 4), strict=True):
        bits = _bits(evidence, part)
        best = bits.argsort()[: share // 4].tolist()
        drawn = [row for row in evidence.draw.order(f"images of {part}", len(bits)).tolist() if row not in best]
        found += [(part, row) for row in [*best, *drawn][:share]]
    return found


def _of_call(given: Tensor, answer: Answer) -> tuple[Tensor, Tensor, Tensor] | None:
    """z, log-determinants and Jacobians at the points of one call."""
    if answer.fault or len(answer.values) < 2 or answer.values[0].dtype != given.dtype:
        return None
    z, log_det = answer.values[:2]
    width = given[0].numel()
    rows = len(given) // (1 + 2 * width)
    if z.ndim < 2 or len(z) != len(given) or z[0].numel() != width:
        return None
    if log_det.ndim and (len(log_det) != len(given) or not log_det.numel()):
        return None
    claimed = log_det.expand(rows) if log_det.ndim == 0 else log_det.reshape(len(log_det), -1)[:rows, 0]
    return z[:rows].double().flatten(1), claimed.double(), density.jacobians(given, z, rows)
