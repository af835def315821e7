"""The rubric, and that everything in it is asked for and said in both languages."""

from diffeo_course.grading.facts import model
from diffeo_course.grading.rubric import RUBRIC
from diffeo_course.grading.tasks import TASKS
from diffeo_course.messages import catalogue


def test_the_points_are_fifty_thirty_and_twenty() -> None:
    points = {
        part: sum(line.possible for line in RUBRIC if line.part == part) for part in ("code", "analysis", "writeup")
    }
    assert points == {"code": 50, "analysis": 30, "writeup": 20}


def test_every_line_of_code_is_checked_and_no_other() -> None:
    checked = {output.line for task in TASKS.values() for output in task.outputs}
    assert checked == {line.key for line in RUBRIC if line.part == "code"}


def test_everything_that_can_be_said_is_in_the_catalogue() -> None:
    keys = {f"mistake-{mistake.key}" for task in TASKS.values() for mistake in task.mistakes}
    keys |= {f"rubric-{line.key}" for line in RUBRIC}
    assert keys <= set(catalogue())
    assert model.__doc__
