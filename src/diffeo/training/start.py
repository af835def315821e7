"""From what a training is to do to the place where its next step can be taken."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch

from diffeo.system.threads import computing_with
from diffeo.system.writing import advising
from diffeo.training import checkpoint
from diffeo.training.beginning import check_free
from diffeo.training.budget import affordable_steps
from diffeo.training.interrupt import Wish, signals_as_wishes
from diffeo.training.lock import locked
from diffeo.training.options import CHECKPOINTS
from diffeo.training.preparation import Pace, prepared
from diffeo.training.state import State
from diffeo.training.steps import Steps
from diffeo.training.task import Task


@contextmanager
def started(task: Task, on_start: Callable[[], None] | None) -> Iterator[tuple[Steps, State, Wish]]:
    """Inside, the next step can be taken: what a step is, the state before it, and what signals wish for.

    The folder is locked, the number of threads set, and gradients are made, until it is left.
    """
    folder, usual = task.options.folder, torch.get_num_threads()
    with ExitStack() as held:
        if folder is not None:
            held.enter_context(advising(lambda: _way_on(folder)))
        held.enter_context(torch.inference_mode(False))  # whatever the mode of the caller
        held.enter_context(torch.enable_grad())
        saved: checkpoint.Checkpoint | None = None
        if folder is not None and task.options.resume:
            if folder.is_dir():
                held.enter_context(locked(folder))
            saved = checkpoint.matching(folder / CHECKPOINTS, task.setting)
        steps, pace = prepared(task, saved)
        task.setting["threads"] = pace.threads
        held.enter_context(computing_with(pace.threads))
        state = State(task, steps)
        _place(state, saved, pace)
        if pace.tried > 1 or pace.threads != usual:
            number = f"{pace.threads} thread{'s' * (pace.threads > 1)}"
            task.bar.say(f"computing with {number}" + ", as it began" * (saved is not None))
        if on_start is not None and task.accelerator.is_main_process:
            on_start()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(folder))
            if not task.options.resume:
                check_free(folder)  # another process may have been faster
        if task.options.tracker is not None:
            plain = {name: value for name, value in task.setting.items() if isinstance(value, (int, float, str))}
            task.accelerator.init_trackers("diffeo", config=plain)
        state.begin()
        task.bar.begin(state.at.steps, state.at.step)
        task.flow.train()
        wish = held.enter_context(signals_as_wishes())
        held.enter_context(task.bar)
        yield steps, state, wish
        state.log.flush()


def _place(state: State, saved: checkpoint.Checkpoint | None, pace: Pace) -> None:
    """Where it starts: at a checkpoint, or at the first of as many steps as a time budget allows for."""
    task, at = state.task, state.at
    if saved is not None:
        state.restore(saved)
    elif task.options.time_budget is not None and pace.a_step is not None:
        affordable = affordable_steps(pace.a_step, task, state.steps, task.options.time_budget)
        at.steps = min(affordable, at.steps or affordable)
        task.bar.say(f"a step takes {pace.a_step:.2g} s: {at.steps:,} steps in the time budget")


def _way_on(folder: Path) -> str:
    begun = any((folder / CHECKPOINTS).glob("step-*"))
    return f"go on with fit(.., folder={str(folder)!r}, resume=True)" if begun else "call fit as before"
