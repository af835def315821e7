"""What verification found, as numbers, as a table and as JSON."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

WIDTH, MOST_LAYERS = 100, 24
COLUMNS = ("layer", "alone", "to here", "log-det", "condition", "bound", "drift")


@dataclass(frozen=True)
class Fault:
    """Something that rounding does not explain.

    Attributes:
        layer: whose it is; "base" if of the base, "flow" if of the whole.
        promise: what is broken: round trip, log-det, rows, state, input, shape, dtype, finite, error,
            composition, base or mass.
        found: the measurement, in words.
        advice: what to do.
    """

    layer: str
    promise: str
    found: str
    advice: str


@dataclass(frozen=True)
class Doubt(Fault):
    """Something that float64 cannot tell from rounding, or an estimate from chance: neither right nor a fault."""


@dataclass(frozen=True)
class LayerCheck:
    """One layer on its own input; of several sources of rows, the worst.

    Attributes:
        name: its place, as :meth:`diffeo.Bijection.steps` names it.
        alone: round-trip error of this layer by itself, in units of its input.
        to_here: error at its input of a decode that starts at the noise.
        log_det: largest difference between its log_det and autograd's, float64, nats.
        log_det_error: standard error of that, where estimated.
        scatter: standard deviation of its log_det from call to call, nats, if it is declared an estimate.
        condition: condition number of its Jacobian, or of its matrix.
        nearness: largest log-scale as a part of its bound.
        drift: float32 against float64, relative to the largest output.
    """

    name: str
    alone: float
    to_here: float
    log_det: float | None = None
    log_det_error: float = 0.0
    scatter: float | None = None
    condition: float | None = None
    nearness: float | None = None
    drift: float = 0.0


@dataclass(frozen=True)
class SourceCheck:
    """The whole flow on rows of one kind.

    Attributes:
        name: data, samples, adversarial (as likely as some of the others), or unlikely (found by the same ascent).
        rows: how many.
        round_trip: largest error, in the data's units.
        relative: the same in standard deviations of the dimension.
        wrong_values: integers that came back as others; None for continuous data.
        worst_row: the number of the row with the largest error.
        worst_layer: where the error grows most.
        drift: log density in float32 against float64, largest difference in nats.
        latent: largest error of noise that is decoded and encoded, of samples.
    """

    name: str
    rows: int
    round_trip: float
    relative: float
    wrong_values: int | None
    worst_row: int
    worst_layer: str
    drift: float
    latent: float | None = None


@dataclass(frozen=True)
class Report:
    """What :func:`diffeo.verify` found. ``print(report)`` shows a table; :meth:`to_json` gives all figures.

    Attributes:
        flow: its class.
        dtype: its precision.
        features: its dimensions.
        layers, sources: the figures.
        log_det: largest difference between the whole log_det and autograd's, float64, nats; None if not measured.
        log_det_error: standard error of that, where estimated.
        mass, mass_error, mass_how: integral of the density, where it could be taken.
        faults: what rounding does not explain.
        weaknesses: what it does explain, and is too large to rely on.
        unchecked: where rounding, or the error of an estimate, is so large that a fault would not be seen.
        cautions: what can be relied on for data, and not for inputs that an adversary chooses.
        notes: what was not checked, and why.
    """

    flow: str
    dtype: str
    features: int
    layers: tuple[LayerCheck, ...]
    sources: tuple[SourceCheck, ...]
    log_det: float | None
    log_det_error: float
    mass: float | None
    mass_error: float
    mass_how: str
    faults: tuple[Fault, ...]
    weaknesses: tuple[Fault, ...]
    unchecked: tuple[Fault, ...]
    cautions: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, nothing too imprecise to rely on, and nothing could not be checked."""
        return not self.faults and not self.weaknesses and not self.unchecked

    @property
    def worst_layer(self) -> str | None:
        """The layer of the first fault or doubt or, without one, where the largest round-trip error grew most."""
        if self.faults or self.unchecked:
            return (*self.faults, *self.unchecked)[0].layer
        worst = max(self.sources, key=lambda source: source.relative, default=None)
        return None if worst is None else worst.worst_layer

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.faults:
            layers = list(dict.fromkeys(fault.layer for fault in self.faults))
            where = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
            return f"NOT EXACT: {len(self.faults)} broken promise{'s' * (len(self.faults) > 1)} ({where})"
        if self.weaknesses:
            return "NOT PRECISE ENOUGH: no fault, but rounding is enlarged beyond what can be relied on"
        if self.unchecked:
            where = ", ".join(dict.fromkeys(doubt.layer for doubt in self.unchecked))
            return f"NOT CHECKED: no fault was found, but one would not be seen in {where}"
        return "EXACT: every layer is invertible to rounding, and every log-determinant is right"

    def to_json(self) -> str:
        """All figures as a JSON object; what is not finite becomes null."""
        content = {"ok": self.ok, "verdict": self.verdict, "worst_layer": self.worst_layer, **dataclasses.asdict(self)}
        return json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [f"{self.flow}, {self.features} dimensions, {self.dtype}", "", *self._layer_lines(), ""]
        lines += [*self._source_lines(), ""]
        if self.log_det is not None:
            bar = f" ± {self.log_det_error:.1g}" if self.log_det_error else ""
            lines.append(f"log-det of the whole against autograd, float64: difference {self.log_det:.1e}{bar} nats")
        if self.mass is not None:
            bar = f" ± {self.mass_error:.4f}" if self.mass_error >= 5e-5 else ""
            lines.append(f"integral of the density: {self.mass:.4f}{bar} ({self.mass_how})")
        lines += [part for note in self.notes for part in _wrapped(f"note: {note}")]
        lines += [part for caution in self.cautions for part in _wrapped(f"caution: {caution}")]
        lines += ["", self.verdict]
        for fault in (*self.faults, *self.weaknesses, *self.unchecked):
            lines += _wrapped(f"* {fault.layer}, {fault.promise}: {fault.found}. {fault.advice}")
        return "\n".join(lines)

    def _layer_lines(self) -> list[str]:
        faulty = {fault.layer for fault in self.faults}
        shown = list(self.layers)
        if len(shown) > MOST_LAYERS:
            worst = sorted(shown, key=lambda layer: (layer.name not in faulty, -layer.to_here))[:MOST_LAYERS]
            shown = [layer for layer in shown if layer in worst]
        rows: list[tuple[str, ...]] = [
            (
                _short(layer.name) + (" <" if layer.name in faulty else ""),
                f"{layer.alone:.1e}",
                f"{layer.to_here:.1e}",
                "-"
                if layer.log_det is None
                else f"{layer.log_det:.1e}" + (f" ± {layer.log_det_error:.0e}" if layer.log_det_error else ""),
                "-" if layer.condition is None else f"{layer.condition:.3g}",
                "-" if layer.nearness is None else f"{layer.nearness:.0%}",
                f"{layer.drift:.1e}",
            )
            for layer in shown
        ]
        lines = _table(COLUMNS, rows)
        left = len(self.layers) - len(shown)
        return [*lines, f"and {left} layers with smaller errors"] if left else lines

    def _source_lines(self) -> list[str]:
        integers = any(source.wrong_values is not None for source in self.sources)
        head = ("rows of", "number", "error", "in sd", *(["wrong values"] if integers else []), "row",
                "drift", "error grows most in")  # fmt: skip
        rows: list[tuple[str, ...]] = [
            (
                source.name,
                f"{source.rows:,}",
                f"{source.round_trip:.1e}",
                f"{source.relative:.1e}",
                *([str(source.wrong_values)] if integers else []),
                str(source.worst_row),
                f"{source.drift:.1e}",
                _short(source.worst_layer, 26),
            )
            for source in self.sources
        ]
        return _table(head, rows)


def _short(name: str, width: int = 34) -> str:
    return name if len(name) <= width else f"..{name[-width + 2 :]}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    left = {0, len(head) - 1} if head[-1].startswith("error") else {0}

    def line(row: tuple[str, ...]) -> str:
        cells = (cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))  # noqa: B905
        return "  ".join(cells).rstrip()

    return [line(head), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent="  ")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
