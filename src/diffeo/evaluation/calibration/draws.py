"""Samples to compare rows with: one for every row, and enough for every condition."""

import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.evaluation.calibration.condition_columns import condition_groups
from diffeo.flow import Flow

DRAWS = 99  # samples of a condition: a rank among them has steps of one percent
MOST_ENTRIES = 2**23  # of samples beyond one a row: of 784 pixels, those of 108 conditions
FEWEST_CONDITIONS = 20


@dataclass(frozen=True)
class Draws:
    """Samples with the conditions of rows; the first is the first row's, and so on, and others follow.

    Attributes:
        x: the samples.
        density: their log density.
        finite: which of them are finite, with a density that is a number.
        group: the number of each sample's condition; the first are those of the rows.
        compared: which rows have enough samples of their condition.
    """

    x: Tensor
    density: Tensor
    finite: Tensor
    group: Tensor
    compared: Tensor


def draw_for_rows(flow: Flow, condition: Tensor | None, rows: int, generator: torch.Generator) -> Draws:
    """A sample for each of `rows` rows, and more of rare conditions, until there are 99 of each.

    Where conditions are vectors or images nearly every row has its own. Then, if 99 samples of each are too many
    numbers, only some conditions get them: chosen at random, and at least 20.
    """
    group = condition_groups(condition, rows)
    size = group.bincount()
    missing = (DRAWS - size).clamp(min=0)
    order = torch.randperm(len(size), generator=generator)
    most = max(MOST_ENTRIES // math.prod(flow.shape), FEWEST_CONDITIONS * DRAWS)
    served = torch.empty(len(size), dtype=torch.bool)
    served[order] = missing[order].cumsum(0) <= most
    one = torch.empty(len(size), dtype=torch.long)
    one[group] = torch.arange(rows)  # a row of every group, whichever
    owners = torch.cat([torch.arange(rows), one.repeat_interleave(missing * served)])
    theirs = None if condition is None else condition[owners.to(condition.device)]
    with warnings.catch_warnings():  # they are counted here
        warnings.filterwarnings("ignore", message=".*samples are not finite")
        x = flow.sample(len(owners), theirs, generator=generator)
    _, density = encoded(flow, x, theirs, generator)
    finite = x.isfinite().flatten(1).all(1) & ~density.isnan() & (density < torch.inf)
    return Draws(x, density, finite, group[owners], served[group].to(flow.device))


def encoded(flow: Flow, x: Tensor, condition: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Latents, and the log density at the same noise."""
    noise = None if flow.door is None else flow.draw_noise(x, generator)
    size = max(1, 2**19 // math.prod(flow.shape))
    latents, densities = [], []
    for start in range(0, len(x), size):
        some = slice(start, start + size)
        c = None if condition is None else condition[some]
        z, log_det = flow.encode(x[some], c, None if noise is None else noise[some])
        latents.append(z)
        densities.append(flow.base.log_prob(z) + log_det)
    return torch.cat(latents), torch.cat(densities)
