"""The checker of the assignment: what a submission computes is compared, what it claims is computed again."""

from diffeo_course.grading.grade import grade
from diffeo_course.grading.notebook import check
from diffeo_course.grading.report import Line, Report
from diffeo_course.grading.rubric import RUBRIC, RubricLine

__all__ = ["RUBRIC", "Line", "Report", "RubricLine", "check", "grade"]
