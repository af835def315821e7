"""From a time budget to a number of steps."""

import statistics
import time
from itertools import pairwise

import torch

from diffeo.data import Part
from diffeo.flow import Flow
from diffeo.training import checkpoint
from diffeo.training.steps import Steps
from diffeo.training.validation import validation_loss

TRIAL_STEPS = 12


def affordable_steps(steps: Steps, flow: Flow, held_out: Part, scale: float, per_epoch: int, budget: float) -> int:
    """How many steps fit into a time budget: a few are taken, timed and undone."""
    started = time.perf_counter()
    before = checkpoint.capture(checkpoint.Position(0), flow, steps.optimizer, steps.average, {}, {})
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
    a_validation = time.perf_counter() - marks[-1]
    checkpoint.restore(before, flow, steps.optimizer, steps.average)
    spent = time.perf_counter() - started
    took = torch.tensor([a_step, a_validation, spent], dtype=torch.float64)
    a_step, a_validation, spent = steps.accelerator.reduce(took, "mean").tolist()  # every process the same
    count = int((0.97 * budget - spent - a_validation) / (a_step + a_validation / per_epoch))
    if count < 1:
        raise ValueError(
            f"fit: a time budget of {budget:.0f} s is too short: measuring took {spent:.1f} s, a step takes "
            f"{a_step:.2f} s and a validation {a_validation:.1f} s"
        )
    return count
