"""The checker inside a notebook: the same verdicts, on a function that a cell has just defined."""

import sys
from collections.abc import Callable
from typing import Any


def check(key: str, function: Callable[..., Any], language: str = "ko") -> bool:
    """Check one function of the assignment, print the verdict, and say whether all of it is right.

    The function runs here, in the notebook's own process: an endless loop is ended by interrupting the cell.

    Args:
        key: the function's name in the assignment, such as ``"coupling_forward"``.
        function: what was written for it: a function, a module, or a module's class.
        language: "ko" or "en".

    Raises:
        ValueError: if the assignment has no function of that name.

    Example:
        >>> check("squeeze", torch.nn.PixelUnshuffle(2), "en")
        squeeze: right.
        True
        >>> check("loss", lambda z, log_det: 0.5 * (z ** 2).sum(1).mean() - log_det.mean(), "en")
        loss: not right yet.
          `loss`: the constant of the normal, D/2 log(2 pi), is missing. Without it the loss is not in nats per image.
        False
    """
    import torch

    from diffeo_course.grading.code import draw, said
    from diffeo_course.grading.judging import judge
    from diffeo_course.grading.tasks import TASKS
    from diffeo_course.messages import say
    from diffeo_course.sandbox.calling import call, find
    from diffeo_course.sandbox.gradients import reached

    if key not in TASKS:
        raise ValueError(f"no function {key!r} in the assignment. Choose one of: {', '.join(TASKS)}")
    task = TASKS[key]
    found = find({key: function}, key)
    cases = draw(task, seed=0)
    with torch.no_grad():
        answers = [call(found, case) for case in cases]
    verdicts = judge(task, cases, answers, reached(found, cases[0]) if task.trains else None)
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    sys.stdout.write(say("check-wrong" if findings else "check-right", language, name=key) + "\n")
    for text in said(verdicts, language):
        sys.stdout.write(f"  {text}\n")
    return not findings
