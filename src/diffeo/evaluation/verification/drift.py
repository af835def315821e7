"""Round trips and drift of the whole flow, and how much each layer adds to them."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from diffeo.bijections import Step
from diffeo.evaluation.verification.layers import alone
from diffeo.evaluation.verification.report import LayerCheck, SourceCheck
from diffeo.evaluation.verification.subject import Rows, Subject, recorded

DRIFT_ROWS = 32


class Tally:
    """Figures by layer; of several measurements the worst."""

    def __init__(self) -> None:
        self._figures: dict[str, dict[str, float | None]] = {}

    def add(self, name: str, **figures: float | None) -> None:
        """Keep what is larger than before; NaN counts as infinite."""
        kept = self._figures.setdefault(name, {"alone": 0.0, "to_here": 0.0})
        for key, value in figures.items():
            if value is None:
                continue
            value = math.inf if math.isnan(value) else value
            before = kept.get(key)
            kept[key] = value if before is None else max(before, value)

    def layers(self) -> list[LayerCheck]:
        """In the order in which they were first seen."""
        return [LayerCheck(name, **figures) for name, figures in self._figures.items()]  # type: ignore[arg-type]


def check_source(subject: Subject, rows: Rows, spread: Tensor, tally: Tally) -> tuple[SourceCheck, Tensor]:
    """The whole flow on rows of one kind; with the error of each; what belongs to layers goes into the tally."""
    errors, drifts, latents, wrong = [], [], [], 0
    growth: dict[str, float] = {}
    for part in subject.chunks(rows):
        bijection, condition = subject.bijection(subject.own), subject.embedded(subject.own, part)
        steps = list(bijection.steps(part.y, condition))
        z = steps[-1].z if steps else part.y
        with recorded(bijection, "decode") as calls:
            back = bijection.decode(z, condition)[0]
        errors.append(_error((back - part.y).abs()))
        for name, increase in _by_layer(subject, part, steps, calls, tally):
            growth[name] = max(growth.get(name, -math.inf), increase)
        drifts.append(subject.log_density(subject.narrow, part).double() - subject.log_density(subject.wide, part))
        if part.latent is not None:
            latents.append(float(_error((z - part.latent).abs()).max()))
        if subject.door is not None:
            wrong += int((subject.door.decode(back) != subject.door.decode(part.y)).sum())
    error = torch.cat(errors)  # (B, *shape)
    by_row = error.flatten(1).amax(1)
    found = SourceCheck(
        rows.name,
        len(rows),
        float(error.max()),
        float((error / spread).max()),
        None if subject.door is None else wrong,
        int(rows.numbers[by_row.argmax().cpu()]),
        max(growth, key=growth.__getitem__, default="flow"),
        float(_error(torch.cat(drifts).abs()).max()),
        max(latents, default=None),
    )
    return found, by_row


def _by_layer(
    subject: Subject, rows: Rows, steps: list[Step], calls: dict[int, list[Any]], tally: Tally
) -> Iterable[tuple[str, float]]:
    """Every layer's own error, and how much it adds to the relative error of a decode."""
    condition = subject.embedded(subject.own, rows)
    relative: dict[str, float] = {}
    before: dict[str, float] = {}
    for step in steps:
        layer = alone(step)
        z = step.z if layer is step.layer else layer.encode(step.x, condition)[0]
        error = float(_error((layer.decode(z, condition)[0] - step.x).abs()).max())
        entered, left = calls[id(step.layer)].pop()  # decode runs backwards: its last call is of the first step
        relative[step.name] = float(_error((left - step.x).abs()).max()) / _size(step.x)
        before[step.name] = float(_error((entered - step.z).abs()).max()) / _size(step.z)
        tally.add(step.name, alone=error, to_here=relative[step.name] * _size(step.x))
    for name, drift in _drifts(subject, rows.take(slice(0, DRIFT_ROWS))):
        tally.add(name, drift=drift)
    for name in before:  # of a Split, what its inner layers add is theirs
        inner = [value for other, value in relative.items() if other.startswith(f"{name}.rest.")]
        before[name] = max(inner, default=before[name])
    return [(name, relative[name] - before[name]) for name in relative]


def _drifts(subject: Subject, rows: Rows) -> Iterable[tuple[str, float]]:
    """Float32 against float64 by layer, both on the same input, relative to the largest output."""
    wide, narrow = (subject.steps(item, rows)[0] for item in (subject.wide, subject.narrow))
    condition = subject.embedded(subject.wide, rows)
    for exact, single in zip(wide, narrow, strict=True):
        single_z = single.z if alone(single) is single.layer else alone(single).encode(
            single.x, subject.embedded(subject.narrow, rows))[0]  # fmt: skip
        z = alone(exact).encode(single.x.double(), condition)[0]
        yield exact.name, float(_error((single_z.double() - z).abs()).max()) / _size(z)


def _size(x: Tensor) -> float:
    return float(x.abs().max().clamp(min=1e-30))


def _error(difference: Tensor) -> Tensor:
    return difference.double().nan_to_num(math.inf)
