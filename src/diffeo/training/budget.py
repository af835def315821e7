"""From a time budget to a number of steps."""

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from diffeo.data import Part
from diffeo.flow import Flow
from diffeo.training import checkpoint
from diffeo.training.checkpoint import Position
from diffeo.training.steps import Steps
from diffeo.training.validation import validation_loss

TRIAL_STEPS = 12


def affordable_steps(
    steps: Steps, flow: Flow, held_out: Part, scale: float, per_epoch: int, budget: float, began: float
) -> int:
    """How many steps fit into a time budget that runs since `began`: a few are taken, timed and undone.

    With every epoch a validation and a checkpoint are counted.
    """
    before = checkpoint.capture(Position(0), flow, steps.optimizer, steps.average, {}, {})
    with torch.random.fork_rng([flow.device] if flow.device.type == "cuda" else []):
        flow.train()
        marks = []
        for step in range(TRIAL_STEPS):
            loss, norm = steps.gradients(step, attempt=0)
            steps.update(step, 0.0, loss.isfinite() & norm.isfinite())
            float(norm)
            marks.append(time.perf_counter())
    a_step = statistics.median(later - earlier for earlier, later in pairwise(marks))
    validation_loss(flow, held_out, scale, 0, steps.accelerator)
    with tempfile.TemporaryDirectory() as place:
        after = checkpoint.capture(Position(0), flow, steps.optimizer, steps.average, {}, {})
        checkpoint.write(after, Path(place))
    an_epoch = time.perf_counter() - marks[-1]  # what its end takes
    checkpoint.restore(before, flow, steps.optimizer, steps.average)
    spent = time.perf_counter() - began
    a_step, an_epoch, spent = _everywhere(steps.accelerator, a_step, an_epoch, spent)
    count = int((0.97 * budget - spent - an_epoch) / (a_step + an_epoch / per_epoch))
    if count < 1:
        raise ValueError(
            f"fit: a time budget of {budget:.0f} s is too short: measuring took {spent:.1f} s, a step takes "
            f"{a_step:.2f} s, and a validation with a checkpoint {an_epoch:.1f} s"
        )
    return count


def steps_left_in_time(at: Position, budget: float, accelerator: Any) -> int:
    """How many steps there will be: fewer than planned if, at the pace so far, those would not fit into the budget.

    The pace has everything in it that took time: pictures, checkpoints, other work on the machine. It is looked at
    from the middle of the budget on, when single events no longer weigh much, and never adds steps.

    Example:
        >>> from types import SimpleNamespace
        >>> alone = SimpleNamespace(reduce=lambda tensor, how: tensor)
        >>> [steps_left_in_time(Position(100, step=30, seconds=s), 60.0, alone) for s in (29.0, 45.0, 70.0)]
        [100, 40, 30]
    """
    seconds, lost = _everywhere(accelerator, at.seconds, at.lost)
    if seconds < budget / 2 or not at.step or not seconds > lost:
        return at.steps
    a_step = (seconds - lost) / at.step
    return min(at.steps, at.step + max(0, int((budget - seconds) / a_step)))


def _everywhere(accelerator: Any, *seconds: float) -> list[float]:
    """The mean of all processes, so that they decide alike."""
    found: list[float] = accelerator.reduce(torch.tensor(seconds, dtype=torch.float64), "mean").tolist()
    return found
