"""Which differences rounding explains: judged by row and dimension, with what a small error is measured to cost."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Run = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]  # encode or decode: rows and condition

MOST = 1e-6  # of the same: more is never taken for rounding, but for what cannot be checked
FLOOR = 1e-9  # of a dimension's spread, and of a log_det: below it no fault is looked for
EPS = torch.finfo(torch.float64).eps
MARGIN = 100  # times a layer's tolerance, in eps: the rounding errors that one evaluation may add up to
NUDGES = (1e-7, 1e-10, 1e-13)  # relative; a smaller one where a larger leaves the range
DIRECTIONS = 3


class Unexplained(NamedTuple):
    """What is left of differences when rounding is taken off; 0 where it explains them.

    Attributes:
        values: ``(B,)``, the largest of a row, relative to the spread of its dimension.
        log_det: ``(B,)``, nats.
        doubtful: whether rounding explains more than it ever should, so that a fault would not be seen.
    """

    values: Tensor
    log_det: Tensor
    doubtful: bool = False


def unexplained(
    run: Run,
    given: Tensor,
    condition: Tensor | None,
    found: tuple[Tensor, Tensor],
    right: tuple[Tensor, Tensor],
    *,
    tolerance: float = 32.0,
) -> Unexplained:
    """Compare what `run` has found for `given` with what is right, in float64.

    Every dimension has a bar of its own, by its spread over the rows. Where a difference is above it, `given` is
    moved a little, as rounding would, and what that does to the row is allowed too. So is rounding of the row's
    largest entry, for dimensions that depend on it.

    Args:
        run: a direction of a layer.
        given: what it was run on, ``(B, ..)``.
        condition: of these rows.
        found: out and log_det.
        right: the same, as they should be.
        tolerance: the layer's.
    """
    (out, log_det), (want, want_det) = found, right
    if out.shape != want.shape or log_det.shape != want_det.shape:
        return Unexplained(want.new_full((len(want),), torch.inf), want.new_full((len(want),), torch.inf))
    if not out.numel():
        return Unexplained(want.new_zeros(len(want)), want.new_zeros(len(want)))
    once = MARGIN * tolerance * EPS
    error, error_det = _apart(out, want), _apart(log_det, want_det)
    spread = spread_of_rows(want)
    bar = torch.maximum(FLOOR * spread, once * want.abs().clamp(min=1.0)).nan_to_num(0.0, 0.0)
    bar_det = floor_det = FLOOR * want_det.abs().clamp(min=1.0, max=1e300).clamp(min=float(want[0].numel()))
    row = ((error > bar).flatten(1).any(1) | (error_det > bar_det)).nonzero().flatten()
    if len(row):
        some = None if condition is None else condition[row]
        cost, cost_det = _cost(run, given[row], size_of(given)[row], some, want[row])
        bar[row] = torch.maximum(bar[row], once * cost)
        bar_det = bar_det.index_copy(0, row, torch.maximum(bar_det[row], once * cost_det))
    values = torch.where(error > bar, error / spread, 0.0).flatten(1).amax(1)
    most, most_det = MOST * torch.maximum(spread, want.abs()), MOST / FLOOR * floor_det
    doubtful = bool(((error <= bar) & (error > most)).any() | ((error_det <= bar_det) & (error_det > most_det)).any())
    return Unexplained(values, torch.where(error_det > bar_det, error_det, 0.0), doubtful)


def spread_of_rows(x: Tensor) -> Tensor:
    """How much a dimension varies, ``(B, *shape)``: its deviation, in outlying rows their distance; else its size."""
    away = (x - x.mean(0)).abs()
    spread = torch.maximum(away, away.square().mean(0).sqrt())
    varies = spread > 1e3 * EPS * x.abs()
    return torch.where(varies & spread.isfinite(), spread, x.abs().clamp(min=1.0).nan_to_num(1.0, 1.0))


def size_of(x: Tensor) -> Tensor:
    """The size of every entry, at least its dimension's mean size: what was added up may have been as large."""
    return torch.maximum(x.abs(), x.abs().nan_to_num(0.0, 0.0).mean(0))


def _apart(a: Tensor, b: Tensor) -> Tensor:
    same = (a == b) | (a.isnan() & b.isnan())
    return torch.where(same, 0.0, (a - b).abs().nan_to_num(torch.inf, torch.inf))


def _cost(run: Run, given: Tensor, size: Tensor, condition: Tensor | None, want: Tensor) -> tuple[Tensor, Tensor]:
    """How many times a relative error of `given` is found in each entry; infinite at the edge of the range."""
    found = _tried(run, given, condition)
    if found is None:
        return torch.zeros_like(want), want.new_zeros(len(want))
    cost, seen = [torch.zeros_like(part) for part in found], [torch.zeros_like(part).bool() for part in found]
    generator, tried, inside = torch.Generator().manual_seed(0), False, torch.zeros_like(found[1]).bool()
    for nudge in NUDGES:
        before = [part.clone() for part in seen]
        for _ in range(DIRECTIONS):
            direction = torch.randn(given.shape, generator=generator, dtype=torch.float64).to(given)  # no two alike
            moved = [_tried(run, given + sign * size * direction, condition) for sign in (nudge, -nudge)]
            ends = [pair for pair in moved if pair is not None]
            within = [pair[1].isfinite() | ~found[1].isfinite() for pair in ends]  # outside, log_det is -inf
            tried, inside = tried or bool(ends), torch.stack([inside, *within]).any(0)
            for i, part in enumerate(found):
                usable = [
                    end[i].isfinite() & _by_row(rows, part) & ~before[i] for end, rows in zip(ends, within, strict=True)
                ]
                for end, some in zip(ends, usable, strict=True):
                    change = (end[i] - part).abs().nan_to_num(torch.inf, torch.inf) / nudge
                    cost[i] = torch.where(some, torch.maximum(cost[i], change), cost[i])
                if len(ends) == 2:  # a nudge that leaves the range on one side is too long to tell the slope
                    seen[i] |= usable[0] & usable[1]
        if all(bool(part.all()) for part in seen):
            break
    largest = want.abs().nan_to_num(0.0, 0.0).flatten(1).amax(1)
    cost[0] += _mixed(run, given, condition, found[0]) * _by_row(largest, want)
    if tried:  # and every time outside: the row lies on the edge, as near as can be told
        cost = [part.masked_fill(~_by_row(inside, part), torch.inf) for part in cost]
    return cost[0], cost[1]


def _by_row(x: Tensor, like: Tensor) -> Tensor:
    """A number of every row, to be broadcast."""
    return x.view(-1, *[1] * (like.dim() - 1))


def _mixed(run: Run, given: Tensor, condition: Tensor | None, out: Tensor) -> Tensor:
    """Which entries of a row notice, if by rounding only, that its largest entry is moved: 1 there."""
    moved, rows = given.clone(), torch.arange(len(given), device=given.device)
    moved.flatten(1)[rows, given.flatten(1).abs().argmax(1)] *= 1 + NUDGES[0]
    found = _tried(run, moved, condition)
    if found is None:
        return torch.zeros_like(out)
    notices = (found[0] != out) & ~(found[0].isnan() & out.isnan())
    several = notices.flatten(1).sum(1) > 1  # one alone is that entry itself
    return (notices & _by_row(several, out)).to(out)


def _tried(run: Run, given: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor] | None:
    try:
        return run(given, condition)
    except Exception:  # outside the range a layer may raise anything
        return None
