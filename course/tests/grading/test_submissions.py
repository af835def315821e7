"""More than a hundred wrong or odd submissions, each with the points and the messages that it should get."""

import pytest

from grading.false_claims import FALSE
from grading.graded import given_to
from grading.hostile_code import HOSTILE
from grading.wrong_claims import CLAIMS, Claim
from grading.wrong_code import CASES, Case

pytestmark = pytest.mark.whole


@pytest.mark.parametrize("case", [*CASES, *HOSTILE, *CLAIMS, *FALSE], ids=lambda case: case.name)
def test_a_submission_gets_the_points_and_messages_it_should(case: Case | Claim) -> None:
    given = given_to(case)
    assert given.points == case.points, given
    assert set(given.reasons) == set(case.reasons)
    assert all(reason in given.reasons[key] for key, reason in case.reasons.items()), given


def test_names_of_submissions_differ() -> None:
    names = [case.name for case in (*CASES, *HOSTILE, *CLAIMS, *FALSE)]
    assert len(set(names)) == len(names) >= 40
