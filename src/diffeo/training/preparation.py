"""Before the first step: what a flow is set from, how many threads compute, and what a step takes."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from diffeo.bijections.chain import INITIAL_ROWS
from diffeo.data import Part
from diffeo.flow import Flow
from diffeo.system import threads
from diffeo.training.budget import PREPARING, rounds, seconds_a_step
from diffeo.training.checkpoint import Checkpoint
from diffeo.training.order import generator
from diffeo.training.steps import Steps
from diffeo.training.task import Task

PROBED = 2**16  # numbers in the rows that are encoded to see what a row takes; at most 64 rows
FITTED = 500_000  # numbers in the rows that a distribution is fitted to, for every second of a time budget
FORWARD = 0.02  # of a time budget, for the layers that start from a batch
FEWEST = 16  # rows of that batch


class Pace(NamedTuple):
    """How a training computes.

    Attributes:
        threads: the number of threads.
        tried: how many numbers there were to choose from.
        a_step: the seconds of a step with these; None where that was not measured.
    """

    threads: int
    tried: int
    a_step: float | None


def prepared(task: Task, saved: Checkpoint | None) -> tuple[Steps, Pace]:
    """What a step is, of a flow that is initialized by now, and how fast: measured unless a training goes on."""
    budget, bar, accelerator = task.options.time_budget, task.bar, task.accelerator
    numbers, a_row = numbers_of_threads(task.options.threads, saved, accelerator), 0.0
    number, a_step = numbers[0], None
    measuring = saved is None and (len(numbers) > 1 or budget is not None)
    if measuring:
        number, a_row = probe(task.flow, task.train, numbers)
    if saved is None and not task.flow.initialized:
        with threads.computing_with(number):
            bar.say("preparing: initializing the flow")
            initialize(task.flow, task.train, task.options.seed, budget=budget, a_row=a_row)
    steps = Steps(task)
    if measuring:
        bar.say("preparing: measuring what a step takes" + ", and the best number of threads" * (len(numbers) > 1))
        until = None if budget is None else task.watch.began + PREPARING * budget
        trials = rounds(numbers, (task.epochs or 0) * task.per_epoch, until, accelerator)
        seconds = seconds_a_step(steps, numbers, trials, first=number)
        number = threads.fastest(seconds)
        a_step = seconds[number]
    return steps, Pace(number, len(numbers), a_step)


def numbers_of_threads(asked: int | None, saved: Checkpoint | None, accelerator: Any) -> list[int]:
    """The numbers of threads that are to be compared: one only if it was asked for, or a training goes on."""
    given = asked or (saved and saved.setting["threads"]) or threads.given()
    if given is None and (accelerator.device.type != "cpu" or accelerator.num_processes > 1):
        given = torch.get_num_threads()
    return threads.candidates() if given is None else [given]


def probe(flow: Flow, train: Part, numbers: Sequence[int]) -> tuple[int, float]:
    """The number of threads that encodes a few rows fastest, and the seconds that a row takes so."""
    rows = max(1, min(len(train), 64, PROBED // math.prod(flow.shape)))
    x = train.x[:rows].to(flow.device)
    labels = None if train.labels is None else train.labels[:rows].to(flow.device)
    noise = None if flow.door is None else torch.full(x.shape, 0.5, dtype=flow.dtype, device=x.device)
    still = flow._evaluating()
    with torch.no_grad():
        seconds = threads.measured(lambda: still.log_prob(x, labels, noise), numbers, lambda cold: 1)
    number = threads.fastest(seconds)
    return number, seconds[number] / rows


def initialize(flow: Flow, train: Part, seed: int, *, budget: float | None, a_row: float) -> int:
    """Initialize a flow from the training rows in a random order; gives how many of them were used.

    All of them are, and their first 512 for the layers that start from a batch. With a time budget there are fewer
    where it would not allow for them, by the seconds that `a_row` takes to be encoded.
    """
    rows, first = len(train), INITIAL_ROWS
    if budget is not None:
        first = max(FEWEST, min(first, int(FORWARD * budget / max(a_row, 1e-9))))
        rows = min(rows, max(INITIAL_ROWS, int(FITTED * budget) // math.prod(flow.shape)))
    mixed = torch.randperm(len(train), generator=generator("initialize", seed))[:rows]
    x = train.x[mixed].to(flow.device)
    labels = None if train.labels is None else train.labels[mixed].to(flow.device)
    flow.initialize(x, labels, generator=generator("initial noise", seed), rows=first)
    return rows
