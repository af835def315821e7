"""What a step takes, and from a time budget to a number of steps."""

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from diffeo.data import Part
from diffeo.system import threads
from diffeo.training import checkpoint
from diffeo.training.checkpoint import Position
from diffeo.training.state import State
from diffeo.training.steps import Steps
from diffeo.training.task import Task
from diffeo.training.validation import validation_loss

PREPARING = 0.1  # of a time budget at most, as far as it can be said beforehand
ROUNDS, ROUNDS_OF_SEVERAL = 11, 5  # of measuring a step: with one number of threads, with several
MEASURING = 0.05  # of the steps at most, where there is no time budget


def rounds(numbers: Sequence[int], steps: int | None, until: float | None, accelerator: Any) -> Callable[[float], int]:
    """How often a step is measured with each of some numbers of threads, by what it takes when it is warming up.

    With a number of steps not too large a share of them; with a time, as many as fit in.
    """
    most = ROUNDS if len(numbers) == 1 else ROUNDS_OF_SEVERAL

    def fit_in(cold: float) -> int:
        if until is None:
            return min(most, int(MEASURING * (steps or 0) / len(numbers)))
        left, cold = _everywhere(accelerator, until - time.perf_counter(), cold)
        return max(0, min(most, int(left / max(cold, 1e-9) / len(numbers))))

    return fit_in


def seconds_a_step(
    steps: Steps, numbers: Sequence[int], rounds: Callable[[float], int], first: int
) -> dict[int, float]:
    """What a step takes with each of some numbers of threads: some are taken, timed and undone."""
    flow = steps.flow
    before = checkpoint.capture(Position(0), flow, steps.optimizer, steps.average, {}, {})
    number = itertools.count()

    def step() -> None:
        at = next(number)
        loss, norm = steps.gradients(at, attempt=0)
        steps.update(at, 0.0, loss.isfinite() & norm.isfinite())
        float(norm)  # until it is done

    flow.train()
    found = threads.measured(step, numbers, rounds, first=first)
    checkpoint.restore(before, flow, steps.optimizer, steps.average)
    return found


def affordable_steps(a_step: float, task: Task, steps: Steps, budget: float) -> int:
    """How many steps fit into a time budget that runs since the task was made, with the end of every epoch.

    A validation, on the rows of one batch, and a checkpoint are timed here.
    """
    flow, held_out = task.flow, task.held_out
    some = min(len(held_out), max(steps.batch_size, steps.accelerator.num_processes))
    start = time.perf_counter()
    part = Part(held_out.x[:some], None if held_out.labels is None else held_out.labels[:some])
    validation_loss(flow, part, task.scale, 0, steps.accelerator)
    a_validation = (time.perf_counter() - start) * len(held_out) / some
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        kept = checkpoint.capture(Position(0), flow, steps.optimizer, steps.average, {}, {})
        checkpoint.write(kept, Path(place))
    an_epoch = a_validation + time.perf_counter() - start  # what its end takes
    spent = task.watch.elapsed()
    a_step, an_epoch, spent = _everywhere(steps.accelerator, a_step, an_epoch, spent)
    count = int((0.97 * budget - spent - an_epoch) / (a_step + an_epoch / task.per_epoch))
    if count < 1:
        raise ValueError(
            f"fit: a time budget of {budget:.0f} s is too short: measuring took {spent:.1f} s, a step takes "
            f"{a_step:.2f} s, and a validation with a checkpoint {an_epoch:.1f} s"
        )
    return count


class Budget:
    """The time that a training may take, looked at with every checkpoint; without one it takes what it takes.

    Args:
        state: of the training.
    """

    def __init__(self, state: State):
        self.state, self.seconds = state, state.task.options.time_budget

    def look(self) -> None:
        """Note the time, and lower the number of steps where those would not fit in; an epoch still gets an end."""
        at, task = self.state.at, self.state.task
        at.seconds = task.watch.elapsed()
        if self.seconds is not None:
            left = steps_left_in_time(at, self.seconds, task.accelerator)
            at.steps = min(at.steps, max(left, at.step + (at.step % task.per_epoch > 0)))
            task.bar.expect(at.steps)


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
