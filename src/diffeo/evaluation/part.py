"""Everything that is measured of a flow on one part of a data set."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from diffeo.data import Dataset, Part
from diffeo.evaluation.baselines import Simple, better_ones, simple_densities
from diffeo.evaluation.calibration import TooFewRows, calibration
from diffeo.evaluation.likelihood import Estimate, bits_per_nat, condition_for, estimate, row_log_probs
from diffeo.evaluation.round_trip import round_trip
from diffeo.evaluation.units import deviations, units
from diffeo.flow import Flow
from diffeo.saving.options import check_seed

PartName = Literal["train", "validation", "test"]


def evaluate(flow: Flow, data: Dataset, *, part: PartName = "test", samples: int = 1, seed: int = 0) -> dict[str, Any]:
    """Likelihood with its standard error beside simple densities, and the round trip, on a whole part.

    Args:
        flow: the flow.
        data: a data set whose rows have the flow's shape.
        part: which of its parts.
        samples: draws of noise a row, for integers: the more, the tighter the bound on bits per dimension.
        seed: of that noise.

    Returns:
        ``flow``, ``data``, ``part``, ``rows``, ``samples``, ``seed``; ``bits_per_dim`` for integers, and
        ``bits_per_dim_by_one_draw``, the looser bound by the first of the draws; otherwise ``log_likelihood`` (nats,
        the data's own units) and ``log_likelihood_standardised`` (nats, columns divided by the training rows'
        standard deviations), each with ``mean`` and ``standard_error`` over the rows, their ``median``, and ``far``,
        how many rows are far from all others (:func:`~diffeo.evaluation.far_rows`); ``baselines`` in the unit of the
        first; ``worse_than``, the baselines that are better by more than noise; ``round_trip_error`` in the data's
        units, ``round_trip_error_standardised`` in standard deviations of the training rows' columns (None for
        integers), and ``wrong_values``; ``calibration`` by :func:`~diffeo.evaluation.calibration`, in figures (None of
        fewer than 20 rows) and in words.

    Raises:
        ValueError: if the data does not fit the flow, or `samples` is below 1.

    Example:
        >>> import diffeo
        >>> data = diffeo.data.load("digits")
        >>> flow = diffeo.NICE(data.shape, values=data.values, width=8)
        >>> flow.initialize(data.train.x)
        >>> found = evaluate(flow, data, samples=2)
        >>> found["rows"], found["wrong_values"], sorted(found["baselines"])
        (360, 0, ['gaussian', 'histogram', 'uniform'])
    """
    seed = check_seed(seed, "evaluate")
    rows: Part = getattr(data, part)
    check_fit(flow, data.name, data.shape, data.values)
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}. Use --samples 1")
    if not len(rows):
        raise ValueError(f"{data.name} has no {part} rows")
    log_prob = row_log_probs(flow, rows, samples=samples, seed=seed)
    offsets = units(data)
    found: dict[str, Estimate]
    if offsets.standardised is None:
        one = log_prob if samples == 1 else row_log_probs(flow, rows, seed=seed)  # the first of the draws
        found = {name: estimate(nats * bits_per_nat(flow)) for name, nats in (
            ("bits_per_dim", log_prob), ("bits_per_dim_by_one_draw", one))}  # fmt: skip
        shift = 0.0
    else:
        shift = offsets.own
        found = {
            "log_likelihood": estimate(log_prob + offsets.own),
            "log_likelihood_standardised": estimate(log_prob + offsets.standardised),
        }
    simple = simple_densities(replace(data, test=rows))
    bits = offsets.standardised is None
    figures_by_row = log_prob * bits_per_nat(flow) if bits else log_prob
    trip = round_trip(flow, rows.x, condition_for(flow, rows), deviation=deviations(data.train.x))
    figures: dict[str, float] | None
    try:
        fit = calibration(flow, rows, seed=seed)
        figures, words = fit.summary(), fit.lines()
    except TooFewRows as error:
        figures, words = None, [str(error)]
    return {
        "flow": type(flow).__name__,
        "data": data.name,
        "part": part,
        "rows": len(rows),
        "samples": samples if flow.door is not None else None,
        "seed": seed if flow.door is not None else None,
        **{name: vars(value) for name, value in found.items()},
        "baselines": described(simple, shift),
        "worse_than": better_ones(simple, figures_by_row, lower_is_better=bits),
        "round_trip_error": trip.error,
        "round_trip_error_standardised": trip.standardised,
        "wrong_values": trip.wrong_values,
        "calibration": figures,
        "calibration_in_words": words,
    }


def described(simple: Mapping[str, Simple], shift: float = 0.0) -> dict[str, dict[str, Any]]:
    """The figures of simple densities for JSON, with a note where one needs it; `shift` moves them to other units."""
    found = {name: (estimate(one.per_row + shift), one.note) for name, one in simple.items()}
    return {
        name: vars(value) | ({"note": note} if note else {})
        for name, (value, note) in found.items()
        if math.isfinite(value.mean)
    }


def check_fit(flow: Flow, name: str, shape: tuple[int, ...], values: int | None) -> None:
    """Refuse a data set whose rows are not of the kind that a flow was built for.

    Raises:
        ValueError: if shape or number of values differ.
    """
    own = None if flow.door is None else flow.door.values
    if shape != flow.shape:
        raise ValueError(f"this run is of rows of shape {flow.shape}, but {name} has rows of shape {shape}")
    if (own is None) != (values is None) or (own is not None and values is not None and values > own):
        kinds = ["continuous numbers" if v is None else f"integers with {v} values" for v in (own, values)]
        raise ValueError(f"this run is of {kinds[0]}, but {name} holds {kinds[1]}")
