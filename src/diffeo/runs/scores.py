"""Scores of rows, new or known, by a run: log-likelihood, and where it lies among held-out rows."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffeo import data
from diffeo.data import Dataset, Part
from diffeo.evaluation import FalseAlarms, estimate, false_alarms, quantiles, row_log_probs, units
from diffeo.evaluation.likelihood import bits_per_nat
from diffeo.evaluation.part import PartName, check_fit
from diffeo.proposals import path_word
from diffeo.runs.folder import Run

if TYPE_CHECKING:
    import pyarrow as pa

LEAST = 5  # rows that a summary names
FILES = ("table:", "folder:")  # sources that are read whole, without a split
OF_THE_SPLIT = ("split", "drop", "part_by")  # options that do not concern new rows: a table's columns are given


@dataclass(frozen=True)
class Scores:
    """One entry a row.

    Attributes:
        rows: the row's number in its source, from 0.
        log_prob: nats, in the table's own units; of integers the bound on log P(x).
        bits_per_dim: of integers; None otherwise.
        quantile: the share of held-out rows that are as unlikely or more so.
        held_out: how many rows those are.
        standardised: what to add to `log_prob` for columns divided by the training rows' standard deviations; None for
            integers.
        marked: where the quantile is below the threshold; None without one.
        alarms: what the threshold costs; None without one.
        files: names, where the source is a folder of files.
    """

    rows: Tensor
    log_prob: Tensor
    bits_per_dim: Tensor | None
    quantile: Tensor
    held_out: int
    standardised: float | None
    marked: Tensor | None = None
    alarms: FalseAlarms | None = None
    files: tuple[str, ...] | None = None

    def table(self) -> "pa.Table":
        """All of it as columns."""
        import pyarrow as pa

        columns = {
            "row": self.rows,
            "log_prob": self.log_prob,
            "bits_per_dim": self.bits_per_dim,
            "quantile": self.quantile,
            "marked": self.marked,
        }
        named = {name: pa.array(column.numpy()) for name, column in columns.items() if column is not None}
        if self.files is not None:
            named = {"row": named.pop("row"), "file": pa.array(self.files), **named}
        return pa.table(named)

    def summary(self, threshold: float | None) -> dict[str, Any]:
        """What they come to, for JSON: means with their standard errors, the least likely rows, what is marked.

        Args:
            threshold: the one that rows were marked by.
        """
        order = self.log_prob.argsort()[:LEAST].tolist()
        least = [
            {
                "row": int(self.rows[i]),
                **({} if self.files is None else {"file": self.files[i]}),
                "log_prob": float(self.log_prob[i]),
                "quantile": float(self.quantile[i]),
            }
            for i in order
        ]
        return {
            "rows": len(self.rows),
            "log_likelihood": _mean(self.log_prob),
            "log_likelihood_standardised": None
            if self.standardised is None
            else _mean(self.log_prob + self.standardised),
            "bits_per_dim": None if self.bits_per_dim is None else _mean(self.bits_per_dim),
            "held_out_rows": self.held_out,
            "least_likely": least,
            "threshold": threshold,
            "marked": None if self.marked is None else int(self.marked.sum()),
            "marked_rows": None if self.marked is None else self.rows[self.marked].tolist(),
            "false_alarms": None if self.alarms is None else asdict(self.alarms),
        }


def _mean(values: Tensor) -> dict[str, float]:
    found = estimate(values)
    return {"mean": found.mean, "standard_error": found.standard_error}


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
            (its columns, its size); or a data set's name.
        part: which part, of a data set that has parts.
        samples: draws of noise a row, for integers.
        seed: of that noise.
        threshold: mark rows whose quantile is below it. What that costs is measured: a cut that is set on the
            validation rows is tried on the test rows.

    Raises:
        ValueError: if the rows do not fit the flow, or the threshold is not between 0 and 1.
    """
    if threshold is not None and not 0 < threshold < 1:
        raise ValueError(f"threshold must be between 0 and 1, got {threshold:g}. Use --threshold 0.01")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}. Use --samples 1")
    flow, own = run.load_flow(), run.load_data()
    rows, values = _rows(run, own, source, part)
    check_fit(flow, source, tuple(rows.x.shape[1:]), values)
    log_prob = row_log_probs(flow, rows, samples=samples, seed=seed)
    validation, test = (row_log_probs(flow, p, samples=samples, seed=seed) for p in (own.validation, own.test))
    quantile, offsets = quantiles(log_prob, torch.cat([validation, test])), units(own)
    return Scores(
        rows=torch.arange(len(rows)) if rows.rows is None else rows.rows,
        log_prob=log_prob + offsets.own,
        bits_per_dim=None if flow.door is None else log_prob * bits_per_nat(flow),
        quantile=quantile,
        held_out=len(validation) + len(test),
        standardised=None if offsets.standardised is None else offsets.standardised - offsets.own,
        marked=None if threshold is None else quantile < threshold,
        alarms=None if threshold is None else false_alarms(validation, test, threshold),
        files=getattr(rows, "files", None),
    )


def _rows(run: Run, own: Dataset, source: str, part: PartName) -> tuple[Part, int | None]:
    """The rows to score, and how many values they have."""
    if not source.startswith(FILES):
        dataset = own if source == run.data_name else run.load_data(source)
        return getattr(dataset, part), dataset.values
    if own.scale is not None:
        raise ValueError(
            f"the columns of {own.name} were divided beforehand, and {source} would have to be in the same way. "
            f"Score {own.name} itself: diffeo score {path_word(run.folder)} {path_word(own.name)}"
        )
    options = {"condition": own.options.get("condition")}
    if source.partition(":")[0] == run.data_name.partition(":")[0]:
        options = {name: value for name, value in own.options.items() if name not in OF_THE_SPLIT}
        if own.columns is not None:
            options["columns"] = list(own.columns)
    rows: Part = data.read(source, **options)
    return rows, own.values
