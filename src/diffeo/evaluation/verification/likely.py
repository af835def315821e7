"""Inputs that an ascent finds, told apart: those as likely as data, and those where no data is expected."""

import torch

from diffeo.evaluation.verification.subject import Rows, Subject
from diffeo.evaluation.verification.whole import UNLIKELY

FRACTIONS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)  # of the way to what the ascent found


def told_apart(subject: Subject, sources: list[Rows], worst: Rows) -> list[Rows]:
    """The worst rows, brought back towards where they started until they are as likely as some row of the sources.

    With them, by themselves, those that had to be brought back, as they were. A bijection knows no likelihood.
    """
    if not subject.flow:
        return [worst]
    least = min(float(subject.log_density(subject.wide, rows).min()) for rows in sources if len(rows))
    places = {int(number): i for i, number in enumerate(sources[0].numbers)}
    start = sources[0].y[[places[int(number)] for number in worst.numbers]]
    likely = start.clone()
    undecided = torch.ones(len(worst), dtype=torch.bool, device=start.device)
    for fraction in FRACTIONS:
        y = start + fraction * (worst.y - start)
        y = y if subject.door is None else y.floor() + 0.5
        moved = Rows(worst.name, y, worst.condition, worst.numbers)
        fits = undecided & (subject.log_density(subject.wide, moved) >= least)
        likely[fits] = y[fits]
        undecided &= ~fits
        if fraction == 1:
            far = ~fits
    found = [Rows(worst.name, likely, worst.condition, worst.numbers)]
    if bool(far.any()):
        unlikely = worst.take(far)
        found.append(Rows(UNLIKELY, unlikely.y, unlikely.condition, unlikely.numbers))
    return found
