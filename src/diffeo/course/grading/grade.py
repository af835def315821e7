"""Grading one submission, line by line of the rubric."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from diffeo.course.grading.report import Report

if TYPE_CHECKING:
    from diffeo.course.handin.reading import Submission


def grade(submission: "Submission", language: str = "ko", *, others: Mapping[str, str] | None = None) -> Report:
    """Grade a submission; nothing that it does ends this call.

    Args:
        submission: as :func:`diffeo.course.handin.reading.read` returns it.
        language: "ko" or "en".
        others: of other submissions the fingerprints of their weights, each with a student's number.
    """
    raise NotImplementedError
