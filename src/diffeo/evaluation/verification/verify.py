"""Verify: is a flow, trained or not, what it says it is? Measured layer by layer, with a verdict."""

import torch
from torch import Tensor

from diffeo.bijections import Bijection
from diffeo.evaluation.verification.arguments import check_arguments
from diffeo.evaluation.verification.base import check_base
from diffeo.evaluation.verification.drift import Tally, check_source
from diffeo.evaluation.verification.examine import FATAL, close_look, every_row
from diffeo.evaluation.verification.inverses import names_of, noise_faults
from diffeo.evaluation.verification.likely import told_apart
from diffeo.evaluation.verification.log_det import VolumeCheck, volume_faults
from diffeo.evaluation.verification.mass import Mass
from diffeo.evaluation.verification.report import Doubt, Fault, Report, SourceCheck
from diffeo.evaluation.verification.rows import (
    adversarial_rows,
    condition_of_samples,
    given_rows,
    inside,
    spread_of,
    stretched_rows,
)
from diffeo.evaluation.verification.sampling import ways_to_sample
from diffeo.evaluation.verification.subject import Rows, Subject, changed_state
from diffeo.evaluation.verification.whole import (
    cautions_of,
    composition_faults,
    mass_faults,
    mass_notes,
    total_mass,
    weaknesses_of,
)
from diffeo.flow import Flow
from diffeo.saving.options import SEEDS, check_seed


@torch.no_grad()
@torch.random.fork_rng(devices=[])  # layers whose log_det is an estimate draw
def verify(
    flow: Flow | Bijection,
    x: Tensor | None = None,
    condition: Tensor | int | list[int] | None = None,
    *,
    rows: int = 256,
    accept: float = 1e-3,
    radius: float = 0.25,
    ascent: int = 20,
    exact_up_to: int = 1024,
    seed: int = 0,
) -> Report:
    """Measure whether a flow is invertible and its log-determinants are right, and name the layer where not.

    Every layer is run by itself on the rows that reach it: its shapes, whether rows are independent, whether it
    changes its input or keeps state, round trip, log_det against autograd, conditioning, float32 against float64,
    the inverse that samples use. Rows are data, samples, inputs near the data that gradient ascent finds to come
    back worst and, for layers, rows further out than the data, where refusing them is no fault.
    Works on copies; nothing of the flow changes. A layer of your own needs to declare nothing: it is then held
    to the strictest defaults of :class:`diffeo.Bijection`.

    Args:
        flow: a flow, or a bijection by itself.
        x: data, ``(N, *shape)``; samples only, if not given (a bijection needs it).
        condition: of the rows of x, or one for all; classes take turns if neither x nor a condition is given.
        rows: how many rows of x, and how many samples, to try.
        accept: largest round-trip error that can be relied on, in standard deviations of a dimension; of integers
            none may come back wrong. It is of rows that are as likely to the flow as some of the data and samples;
            what the ascent finds beyond is told as a caution, unless it is not finite.
        radius: how far from the data the ascent may go, in standard deviations.
        ascent: its steps.
        exact_up_to: dimensions up to which whole Jacobians are computed; beyond, log-dets are estimated.
        seed: of the choice of rows, the samples and the ascent.

    Returns:
        A :class:`Report`: ``report.ok``, ``print(report)``, ``report.to_json()``.

    Raises:
        ValueError: if x or the condition does not fit, or is missing, or a number makes no sense.
        TypeError: if `flow` is neither, or x no tensor.

    Example:
        >>> import diffeo
        >>> class Doubling(diffeo.Bijection):
        ...     def encode(self, x, condition=None):
        ...         return 2 * x, x.new_full((len(x),), x[0].numel() * 0.6931471805599453)
        ...
        ...     def decode(self, z, condition=None):
        ...         return z / 2, z.new_full((len(z),), z[0].numel() * 0.6931471805599453)
        >>> report = diffeo.verify(Doubling(), torch.randn(100, 3))
        >>> report.ok, report.faults[0].layer, report.faults[0].found
        (False, 'Doubling', "decode's log_det is not minus encode's: they add up to 4.2 nats")
    """
    seed = check_seed(seed, "verify")
    check_arguments(flow, x, rows=rows, accept=accept, radius=radius, ascent=ascent, exact_up_to=exact_up_to)
    subject = Subject(flow, x)
    given = given_rows(flow, subject, x, condition, rows, seed)
    noise = subject.noise(rows, condition_of_samples(flow, subject, given, condition, rows), seed, given)
    drawn = noise if isinstance(noise, Fault) else subject.draw(noise)
    found = Findings(subject)
    for source in (given, drawn):
        if isinstance(source, Rows):
            found.sources += inside(subject, source, found.faults, found.notes)
        elif isinstance(source, Fault):
            found.faults.append(source)
    _layers(found, noise, exact_up_to, seed)
    if found.sources and not any(fault.promise in FATAL for fault in found.faults):
        try:
            _figures(found, radius, ascent, exact_up_to, seed)
        except Exception as error:  # what a layer does wrong may go wrong here too
            told = f"raised {type(error).__name__}: {error}"
            if found.faults:
                found.notes.append(f"no figures of the whole: a layer {told}")
            else:
                found.faults.append(Fault("flow", "error", f"encode or decode {told}", "Run the flow on these rows"))
    found.faults += [fault for fault in changed_state(subject, flow) if fault not in found.faults]
    if found.checks and not found.faults:
        _whole(subject, found, noise, exact_up_to, seed)
    return found.report(accept, radius)


class Findings:
    """What has been found so far."""

    def __init__(self, subject: Subject):
        self.subject, self.tally = subject, Tally()
        self.sources: list[Rows] = []
        self.checks: list[SourceCheck] = []
        self.faults: list[Fault] = []
        self.unchecked: list[Fault] = []
        self.notes: list[str] = []
        self.volume: VolumeCheck | None = None
        self.mass: Mass | None = None

    def add(self, found: list[Fault]) -> None:
        """Faults, and what cannot be told from one; once for every layer and promise."""
        for fault in found:
            known = self.unchecked if isinstance(fault, Doubt) else self.faults
            if not isinstance(fault, Doubt) or (fault.layer, fault.promise) not in [
                (f.layer, f.promise) for f in known
            ]:
                known.append(fault)

    def report(self, accept: float, radius: float) -> Report:
        """All of it."""
        layers = self.tally.layers()
        for layer in layers:
            if layer.scatter is not None:
                self.notes.append(
                    f"the log-det of {layer.name} is an estimate: one call is off by {layer.scatter:.2g} nats "
                    f"(standard deviation), the mean of many differs from autograd's by {layer.log_det or 0:.2g} ± "
                    f"{layer.log_det_error:.1g}"
                )
        estimated = sum(1 for layer in layers if layer.log_det_error and not layer.scatter)
        if estimated:
            self.notes.append(
                f"the log-dets of {estimated} layers are compared with estimates; exact_up_to={self.subject.features} "
                "computes whole Jacobians"
            )
        return Report(
            flow=self.subject.name,
            dtype=str(self.subject.dtype).removeprefix("torch."),
            features=self.subject.features,
            layers=tuple(layers),
            sources=tuple(self.checks),
            log_det=None if self.volume is None else self.volume.log_det,
            log_det_error=0.0 if self.volume is None else self.volume.log_det_error,
            mass=None if self.mass is None else self.mass.value,
            mass_error=0.0 if self.mass is None else self.mass.error,
            mass_how="" if self.mass is None else self.mass.how,
            faults=tuple(self.faults),
            weaknesses=() if self.faults else tuple(weaknesses_of(self.checks, accept, self.subject)),
            unchecked=tuple(self.unchecked),
            cautions=() if self.faults else tuple(cautions_of(self.checks, accept, radius, self.subject)),
            notes=tuple(self.notes),
        )


def _layers(found: Findings, noise: Rows | Fault, exact_up_to: int, seed: int) -> None:
    """Every layer on data, on samples, on the noise of samples, and on rows beyond the data."""
    subject = found.subject
    for turn, (source, jacobians) in enumerate(zip(found.sources, (8, 4), strict=False)):
        if not found.faults:
            found.add(close_look(subject, source, found.tally, exact_up_to, most=jacobians, seed=(seed + turn) % SEEDS))
        if not found.faults:
            found.add(every_row(subject, source, exact_up_to))
    if found.sources and not found.faults:
        found.add(every_row(subject, stretched_rows(subject, found.sources[0], seed), exact_up_to, beyond=True))
    if found.sources and isinstance(noise, Rows) and not found.faults:
        names = names_of(subject, found.sources[-1].take(slice(0, 2)))
        found.add(noise_faults(subject, noise, names))


def _figures(found: Findings, radius: float, ascent: int, exact_up_to: int, seed: int) -> None:
    """Round trips of data, of samples, and of what an ascent finds near them."""
    subject, first = found.subject, found.sources[0]
    spread = spread_of(first.y)
    checked = [check_source(subject, source, spread_of(source.y), found.tally) for source in found.sources]
    worst = adversarial_rows(subject, first, checked[0][1], spread, radius=radius, steps=ascent, seed=seed)
    if isinstance(worst, Fault):
        found.add([worst])
        return
    if not found.faults:
        found.add(every_row(subject, worst, exact_up_to))
    far = [check_source(subject, rows, spread, found.tally) for rows in told_apart(subject, found.sources, worst)]
    found.checks = [check for check, _ in (*checked, *far)]


def _whole(subject: Subject, found: Findings, noise: Rows | Fault, exact_up_to: int, seed: int) -> None:
    """What is left to ask once every layer has been found right."""
    one = found.sources[0].take(slice(0, 1))
    found.volume, wrong = volume_faults(
        "flow", subject.bijection(subject.wide), one.y.double(), subject.embedded(subject.wide, one),
        exact_up_to=exact_up_to,
    )  # fmt: skip
    found.add(wrong + composition_faults(subject, found.sources[0]))
    of_base, notes = check_base(subject, seed)
    found.add(of_base)
    found.notes += notes
    if isinstance(noise, Rows) and not found.faults:
        few = noise.take(slice(0, max(4, min(64, 2**15 // max(1, subject.features)))))
        found.add(ways_to_sample(subject, few, names_of(subject, found.sources[-1].take(slice(0, 2)))))
    if not found.faults:
        found.mass = total_mass(subject, found.sources[0], seed)
        found.add(mass_faults(found.mass, subject.features))
        found.notes += mass_notes(found.mass, subject)
