"""What the assignment asks for, a function at a time: inputs, right answers, and mistakes by name."""

from diffeo.course.grading.tasks.actnorm import ACTNORM
from diffeo.course.grading.tasks.conv1x1 import CONV1X1
from diffeo.course.grading.tasks.coupling import COUPLING
from diffeo.course.grading.tasks.integers import INTEGERS
from diffeo.course.grading.tasks.masks import MASKS
from diffeo.course.grading.tasks.objective import OBJECTIVE
from diffeo.course.grading.tasks.shapes import SHAPES
from diffeo.course.grading.tasks.task import Task

TASKS: dict[str, Task] = {
    task.function: task for task in (*COUPLING, *MASKS, *SHAPES, *INTEGERS, *ACTNORM, *CONV1X1, *OBJECTIVE)
}

__all__ = ["TASKS", "Task"]
