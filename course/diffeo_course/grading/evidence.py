"""What a submission's model computed, beside what the submission says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from diffeo.data import Dataset
from diffeo_course.grading.drawing import Draw
from diffeo_course.handin.reading import Submission
from diffeo_course.sandbox.calling import Answer


@dataclass
class Evidence:
    """Answers of a submission's model to questions about images, and the submission.

    Args:
        data: the data set of its claims; None if it is not on this machine.
        draw: what the questions are drawn by.
        answers: by question.
        inputs: what the questions were about.
    """

    submission: Submission
    data: Dataset | None
    others: Mapping[str, str]
    draw: Draw
    answers: dict[str, Answer] = field(default_factory=dict)
    inputs: dict[str, Tensor] = field(default_factory=dict)

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
        return self.bits_of(z.flatten(1), log_det.reshape(len(z), -1)[:, 0])

    def bits_of(self, z: Tensor, log_det: Tensor) -> Tensor:
        """Bits per dimension of rows: ``z`` (B, D), ``log_det`` (B,)."""
        log_prob = log_det - 0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return math.log2((self.data.values if self.data else None) or 1) - log_prob / (z.shape[1] * math.log(2))
