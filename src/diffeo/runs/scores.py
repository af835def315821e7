"""Scores of rows, new or known, by a run: log-likelihood, and where it lies among held-out rows."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diffeo.data import Dataset, Part
from diffeo.evaluation import FalseAlarms, estimate, false_alarms, far_rows, quantiles, row_log_probs, units
from diffeo.evaluation.likelihood import bits_per_nat
from diffeo.evaluation.part import PartName, check_fit
from diffeo.flow import Flow
from diffeo.runs.folder import Run
from diffeo.runs.new_rows import check_units, counted, is_file, read_rows
from diffeo.saving.options import check_seed

if TYPE_CHECKING:
    import pyarrow as pa

LEAST = 5  # rows that a summary names
BEYOND = "the flow gives no finite log-likelihood so far from the training rows"


@dataclass(frozen=True)
class Scores:
    """One entry for every row of the source, in its order; NaN where there is no score.

    Attributes:
        rows: the row's number in its source, from 0.
        log_prob: nats, in the table's own units; of integers the bound on log P(x).
        bits_per_dim: of integers; None otherwise.
        quantile: the share of held-out rows that are as unlikely or more so.
        held_out: how many rows those are.
        standardised: what to add to `log_prob` for columns divided by the training rows' standard deviations; None for
            integers.
        far: which rows lie so far from the held-out rows that they decide a mean (:func:`~diffeo.evaluation.far_rows`).
        reasons: why a row has no score, or no finite one; None where it has.
        marked: where the quantile is below the threshold; None without one.
        alarms: what the threshold costs; None without one.
        files: names, where the source is a folder of files.
        counts: how many rows have no score, by the kind of the reason, the most frequent first.
        notes: how the source was read, if that was not plain.
    """

    rows: Tensor
    log_prob: Tensor
    bits_per_dim: Tensor | None
    quantile: Tensor
    held_out: int
    standardised: float | None
    far: Tensor
    reasons: tuple[str | None, ...]
    marked: Tensor | None = None
    alarms: FalseAlarms | None = None
    files: tuple[str, ...] | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> Tensor:
        """Where there is a score, ``(N,)``: a quantile, and mostly a finite log-likelihood."""
        return ~self.quantile.isnan()

    def table(self) -> "pa.Table":
        """All of it as columns; a cell is empty where there is no number."""
        import pyarrow as pa

        columns: dict[str, Any] = {"row": pa.array(self.rows.numpy())}
        if self.files is not None:
            columns["file"] = pa.array(self.files, pa.string())
        for name, numbers in (
            ("log_prob", self.log_prob),
            ("bits_per_dim", self.bits_per_dim),
            ("quantile", self.quantile),
        ):
            if numbers is not None:
                columns[name] = pa.array(numbers.numpy(), mask=numbers.isnan().numpy())
        if self.marked is not None:
            columns["marked"] = pa.array(self.marked.numpy(), mask=(~self.scored).numpy())
        columns["reason"] = pa.array(self.reasons, pa.string())
        return pa.table(columns)

    def summary(self, threshold: float | None) -> dict[str, Any]:
        """What they come to, for JSON: means with their standard errors, the least likely rows, what is marked.

        Args:
            threshold: the one that rows were marked by.
        """
        shift = self.standardised
        return {
            "rows": len(self.rows),
            "scored_rows": int(self.scored.sum()),
            "rows_without_score": int((~self.scored).sum()),
            "reasons": self.counts,
            "log_likelihood": self.average(self.log_prob),
            "log_likelihood_standardised": None if shift is None else self.average(self.log_prob + shift),
            "bits_per_dim": None if self.bits_per_dim is None else self.average(self.bits_per_dim),
            "held_out_rows": self.held_out,
            "least_likely": [
                {
                    "row": int(self.rows[i]),
                    **({} if self.files is None else {"file": self.files[i]}),
                    "log_prob": float(self.log_prob[i]),
                    "quantile": float(self.quantile[i]),
                }
                for i in self.least()
            ],
            "threshold": threshold,
            "marked": None if self.marked is None else int(self.marked.sum()),
            "marked_rows": None if self.marked is None else self.rows[self.marked].tolist(),
            "false_alarms": None if self.alarms is None else asdict(self.alarms),
        }

    def least(self) -> list[int]:
        """Places of the least likely rows, the least likely first."""
        places = self.scored.nonzero().flatten()
        order = self.log_prob[places].argsort(stable=True)[:LEAST]
        return [int(place) for place in places[order]]

    def average(self, numbers: Tensor) -> dict[str, Any]:
        """Mean and standard error of the scored rows, with their median, and how many of them are far from all others.

        Rows without a finite number count among these, and in no mean.

        Args:
            numbers: `log_prob`, or what is computed from it, row by row.
        """
        some = numbers[self.scored]
        finite = some[some.isfinite()]
        found = estimate(finite) if len(finite) else None
        return {
            "mean": None if found is None else found.mean,
            "standard_error": None if found is None else found.standard_error,
            "median": float(np.median(some.numpy())) if len(some) else None,
            "far": int((self.far & self.scored).sum()),
        }


def score_rows(
    run: Run,
    source: str,
    *,
    part: PartName = "test",
    samples: int = 1,
    seed: int = 0,
    threshold: float | None = None,
) -> Scores:
    """Score every row of a source with a run, beside the validation and test rows of the run's own data.

    Args:
        run: the run.
        source: ``table:PATH`` or ``folder:PATH``, of which every row is scored, read as the run's own data was
            (its columns, its size); or a data set's name. A row that gives no numbers has a reason in place of a score.
        part: which part, of a data set that has parts.
        samples: draws of noise a row, for integers.
        seed: of that noise.
        threshold: mark rows whose quantile is below it. What that costs is measured: a cut that is set on the
            validation rows is tried on the test rows.

    Raises:
        ValueError: if the rows do not fit the flow, or the threshold is not between 0 and 1.
    """
    seed = check_seed(seed, "score_rows")
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"threshold must be between 0 and 1, got {threshold:g}. Use --threshold 0.01")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}. Use --samples 1")
    flow, own = run.load_flow(), run.load_data()
    rows = _rows(run, flow, own, source, part)
    validation, test = (row_log_probs(flow, p, samples=samples, seed=seed) for p in (own.validation, own.test))
    log_prob = row_log_probs(flow, rows, samples=samples, seed=seed) if len(rows) else torch.empty(0).double()
    log_prob = log_prob.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)  # as quantiles takes it
    held_out, offsets = torch.cat([validation, test]), units(own)
    number = rows.rows if rows.rows is not None else torch.arange(len(rows))
    places, total = (number, len(rows) + len(rows.unread)) if is_file(source) else (torch.arange(len(rows)), len(rows))
    placed = _placed(log_prob + offsets.own, places, total)
    quantile = _placed(quantiles(log_prob, held_out), places, total)
    lost = {row.row: row for row in rows.unread}
    reasons = {row: lost[row].reason for row in lost} | {
        int(place): BEYOND for place in places[~log_prob.isfinite()].tolist()
    }
    files = None if rows.files is None else dict(zip(places.tolist(), rows.files, strict=True))
    return Scores(
        rows=torch.arange(total) if is_file(source) else number,
        log_prob=placed,
        bits_per_dim=None if flow.door is None else placed * bits_per_nat(flow),
        quantile=quantile,
        held_out=len(held_out),
        standardised=None if offsets.standardised is None else offsets.standardised - offsets.own,
        far=far_rows(placed, among=held_out + offsets.own),
        reasons=tuple(reasons.get(place) for place in range(total)),
        marked=None if threshold is None else quantile < threshold,
        alarms=None if threshold is None else false_alarms(validation, test, threshold),
        files=None if files is None else tuple(files.get(i) or str(lost[i].file) for i in range(total)),
        counts=counted(rows),
        notes=rows.notes,
    )


def _placed(values: Tensor, places: Tensor, total: int) -> Tensor:
    found = torch.full((total,), math.nan, dtype=torch.float64)
    found[places] = values.double()
    return found


def _rows(run: Run, flow: Flow, own: Dataset, source: str, part: PartName) -> Part:
    """The rows to score, which fit the flow."""
    if is_file(source):
        check_units(run, own, source)
        return read_rows(run, flow, source)
    dataset = own if source == run.data_name else run.load_data(source)
    check_fit(flow, source, dataset.shape, dataset.values)
    rows: Part = getattr(dataset, part)
    return rows
