"""What the assignment asks for, a function at a time: inputs, right answers, and mistakes by name."""

from diffeo_course.grading.tasks.actnorm import ACTNORM
from diffeo_course.grading.tasks.conv1x1 import CONV1X1
from diffeo_course.grading.tasks.coupling import COUPLING
from diffeo_course.grading.tasks.integers import INTEGERS
from diffeo_course.grading.tasks.masks import MASKS
from diffeo_course.grading.tasks.objective import OBJECTIVE
from diffeo_course.grading.tasks.shapes import SHAPES
from diffeo_course.grading.tasks.task import Task

TASKS: dict[str, Task] = {
    task.function: task for task in (*COUPLING, *MASKS, *SHAPES, *INTEGERS, *ACTNORM, *CONV1X1, *OBJECTIVE)
}

__all__ = ["TASKS", "Task"]
