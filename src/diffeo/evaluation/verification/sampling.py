"""Do samples come from the density that is scored? The ways to sample, against decode and log_prob."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from diffeo.bijections import Bijection, Split
from diffeo.evaluation.verification.log_det import seeded
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.rounding import EPS, MARGIN, Run, unexplained
from diffeo.evaluation.verification.subject import Rows, Subject, recorded

TRIES = 8  # of rounding x otherwise
EDGE = 1e-6  # of a cell: nearer to its border, rounding may decide which integer it is


def ways_to_sample(subject: Subject, noise: Rows, names: dict[int, str]) -> list[Fault]:
    """What is wrong with a layer inside :meth:`diffeo.Flow.frozen` or, where none is, with the flow's samples."""
    looks: tuple[tuple[str, Callable[[], Iterator[Fault]]], ...] = (
        ("freeze", partial(frozen_faults, subject, noise, names)),
        ("sample or sample_and_log_prob", partial(sample_faults, subject, noise)),
    )
    for what, look in looks:
        try:
            faults = list(look())
        except Exception as error:  # a user's layer or flow may raise anything
            told = f"{what} raised {type(error).__name__}: {error}"
            faults = [Fault("flow", "error", told, "Call flow.sample(8) and flow.sample_and_log_prob(8)")]
        if faults:
            return faults
    return []


def frozen_faults(subject: Subject, noise: Rows, names: dict[int, str]) -> Iterator[Fault]:
    """Layers whose decode is another inside :meth:`diffeo.Flow.frozen`, where samples are drawn, or behind it."""
    bijection, condition = subject.bijection(subject.wide), subject.embedded(subject.wide, noise)
    layers = [module for module in bijection.modules() if isinstance(module, Bijection)]
    with recorded(bijection, "decode") as calls:
        bijection.decode(noise.y.double(), condition)
    asked = [
        (layer, z.clone(), layer.decode(z.clone(), condition))
        for layer in layers
        if id(layer) in names and type(layer) is not Split  # whose own decode runs the layers inside it
        for z, _ in calls.get(id(layer), [])
    ]
    wrong: dict[str, float] = {}
    for layer in layers:
        layer.freeze()
    try:
        for layer, z, right in asked:
            _compare(names[id(layer)], layer, z, condition, right, wrong)
    finally:
        for layer in layers:
            layer.thaw()
    for name, off in wrong.items():
        yield Fault(name, "state", f"inside flow.frozen(), where samples are drawn, decode differs by {off:.1e}",
                    "Let freeze prepare the inverse that decode uses")  # fmt: skip
    if wrong:
        return
    for layer, z, right in asked:
        _compare(names[id(layer)], layer, z, condition, right, wrong)
    for name, off in wrong.items():
        yield Fault(name, "state", f"behind flow.frozen() decode differs by {off:.1e} from before",
                    "Let thaw drop all that freeze prepared")  # fmt: skip


def _compare(
    name: str,
    layer: Bijection,
    z: Tensor,
    condition: Tensor | None,
    right: tuple[Tensor, Tensor],
    wrong: dict[str, float],
) -> None:
    with torch.no_grad():  # as samples are drawn
        found = layer.decode(z.clone(), condition)
    off = unexplained(layer.decode, z, condition, found, right, tolerance=layer.tolerance)
    exact = layer.log_det_kind == "exact"  # an estimate differs between calls
    worst = max(float(off.values.max()), float(off.log_det.max()) if exact else 0.0)
    if worst > 0:
        wrong[name] = max(wrong.get(name, 0.0), worst)


def sample_faults(subject: Subject, noise: Rows) -> Iterator[Fault]:
    """Whether sample and sample_and_log_prob give what decode and log_prob say of the same noise."""
    if not subject.flow:
        return
    flow, n = subject.wide, len(noise)
    z, c = noise.y.double(), noise.condition
    c = c.double() if c is not None and c.is_floating_point() else c
    condition = subject.embedded(flow, noise)
    start = flow.base.sample(n, noise=z)
    if not torch.equal(start, flow.base.sample(n, noise=z)):
        yield Fault("base", "state", "sample gives other points for the same noise",
                    "Draw only where noise is None, and else use it")  # fmt: skip
        return
    with seeded(z, 0):  # the same draws each time, where a log_det is an estimate
        x, log_det = flow.bijection.decode(start, condition)
    log_p = flow.base.log_prob(start) - log_det
    zeros = torch.zeros_like(log_p)

    def decode(rows: Tensor, some: Tensor | None) -> tuple[Tensor, Tensor]:
        return flow.bijection.decode(rows, some)[0], zeros[: len(rows)]

    def score(rows: Tensor, some: Tensor | None) -> tuple[Tensor, Tensor]:
        latent, log_det = flow.bijection.encode(rows, some)
        return zeros[: len(rows), None], flow.base.log_prob(latent) + log_det

    advice = "Do not override them: put what they add into a layer or the base"
    drawn = flow.sample(n, c, noise=z)
    if subject.door is None:
        off = unexplained(decode, start, condition, (drawn, zeros), (x, zeros)).values
        wrong = int((off > 0).sum())
    else:
        low, high = subject.door.decode(x - EDGE), subject.door.decode(x + EDGE)
        wrong = int(((drawn < low) | (drawn > high)).flatten(1).any(1).sum())
    if wrong:
        yield Fault("flow", "composition", f"sample gives other rows than decode of its noise ({wrong} of {n})", advice)
    with seeded(z, 0):
        points, said = flow.sample_and_log_prob(n, c, noise=z)
    off = unexplained(decode, start, condition, (points, zeros), (x, zeros)).values
    if bool((off > 0).any()):
        told = f"sample_and_log_prob gives other rows than decode ({int((off > 0).sum())} of {n})"
        yield Fault("flow", "composition", told, advice)
        return
    exact = flow.bijection.log_det_kind == "exact"  # what encode estimates is compared with autograd, layer by layer
    scored = score(x, condition)[1] if exact else log_p
    inside = scored.isfinite() & x.isfinite().flatten(1).all(1)
    if not bool(inside.any()):
        return
    some = None if condition is None else condition[inside]
    flat = zeros[inside, None]
    slack = MARGIN * _scatter(score, x[inside], some, scored[inside]) if exact else flat[:, 0]
    for right, what, explained in (
        (log_p, "base - log_det of decode", flat[:, 0]),
        (scored, "log_prob of its samples", slack),
    ):
        off = unexplained(score, x[inside], some, (flat, said[inside]), (flat, right[inside])).log_det
        off = torch.where(off <= explained, 0.0, off)
        if bool((off > 0).any()):
            told = f"sample_and_log_prob differs from {what} by {float(off.max()):.1e} nats"
            yield Fault("flow", "composition", told, advice)
            return


def _scatter(score: Run, x: Tensor, condition: Tensor | None, right: Tensor) -> Tensor:
    """How much log_prob changes if x is rounded otherwise, ``(B,)``: what is in between may be larger than both ends.

    Of a whole flow only, whose layers have been found right one by one.
    """
    generator, most = torch.Generator().manual_seed(0), torch.zeros_like(right)
    for _ in range(TRIES):
        turn = torch.randint(-4, 5, x.shape, generator=generator).to(x)
        moved = score(x + turn * EPS * x.abs(), condition)[1]
        most = torch.maximum(most, (moved - right).abs().nan_to_num(torch.inf, torch.inf))
    return most
