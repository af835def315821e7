"""Results in the terminal, as tables."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from diffeo.system.letters import readable

MOST_EPOCHS = 12  # lines of a curve
MOST_REASONS = 5  # why rows have no score
LARGE = 1e9  # from here on figures are written with powers of ten: their digits say nothing, and fill the line

if TYPE_CHECKING:
    from diffeo.runs import Run, Scores


def show_summary(summary: dict[str, Any]) -> None:
    """What there is to know first; a run's test figure beside its baselines, and its round trip."""
    bits = "test_bits_per_dim" in summary
    unit = "bits/dim, lower is better" if bits else "nats, higher is better"
    console = Console(emoji=False)
    _show_verdicts(console, summary)
    console.print(f"{summary['data']}: {summary['test_rows']:,} test rows ({unit})", highlight=False, markup=False)
    own = {
        "mean": summary["test_bits_per_dim" if bits else "test_log_likelihood"],
        "standard_error": summary["standard_error"],
        "median": summary.get("median"),
        "far": summary.get("far_rows", 0),
    }
    console.print(_densities(summary["flow"], own, summary["baselines"]))
    _show_round_trip(console, f"{summary['test_rows']:,} test rows", summary)
    if summary["log_det_error"] is not None:
        console.print(f"log-det against autograd (float64): error {summary['log_det_error']:.2g} nats", highlight=False)
    if summary["integral"] is not None:
        console.print(f"integral of the density over a grid: {summary['integral']:.4f}", highlight=False)


def show_evaluation(found: dict[str, Any]) -> None:
    """What :func:`diffeo.evaluation.evaluate` found."""
    bits = "bits_per_dim" in found
    unit = "bits/dim, lower is better" if bits else "nats in the data's own units, higher is better"
    console = Console(emoji=False)
    _show_verdicts(console, found)
    rows = f"all {found['rows']:,} rows" if found["part"] == "all" else f"{found['rows']:,} {found['part']} rows"
    console.print(f"{found['data']}: {rows} ({unit})", highlight=False, markup=False)
    console.print(_densities(found["flow"], found["bits_per_dim" if bits else "log_likelihood"], found["baselines"]))
    if bits:
        draws = "1 draw" if found["samples"] == 1 else f"{found['samples']} draws"
        console.print(f"{found['flow']}'s figure is an upper bound by {draws} of noise a row", highlight=False)
        if found["samples"] > 1:
            one = found["bits_per_dim_by_one_draw"]
            console.print(f"by 1 draw: {_number(one['mean'])} ± {_number(one['standard_error'])}", highlight=False)
    else:
        standard = found["log_likelihood_standardised"]
        console.print(
            f"in standardised units (columns divided by the training rows' standard deviations): "
            f"{_plain(standard['mean'])} ± {_plain(standard['standard_error'])} nats",
            highlight=False,
        )
    _show_round_trip(console, rows, found)
    for line in [*found["calibration_in_words"], *found.get("memorisation_in_words", [])]:
        console.print(line, highlight=False, markup=False)


def show_comparison(records: list[dict[str, Any]]) -> None:
    """What :func:`diffeo.runs.compare_runs` found."""
    first = records[0]
    better = "lower is better" if first["unit"] == "bits/dim" else "higher is better"
    console = Console(emoji=False)
    console.print(
        f"{first['data']}: {first['rows']:,} test rows ({first['unit']}, {better})", highlight=False, markup=False
    )
    table = Table(pad_edge=False, collapse_padding=True)
    table.add_column("run", overflow="fold")
    for name in ("test", "difference", "parameters", "cost", "round trip"):
        table.add_column(name, justify="right", no_wrap=True)
    sign = 1 if first["unit"] == "bits/dim" else -1
    best = min(records, key=lambda record: sign * record["mean"])
    for record in records:
        difference = record["difference"]
        own, standard = record["round_trip_error"], record["round_trip_error_standardised"]
        trip = f"{standard:.1e} sd" if standard is not None else "" if own is None else f"{own:.1e}"
        if record["wrong_values"] is not None:
            trip += f"\n{record['wrong_values']} wrong"
        table.add_row(
            f"{record['run']}\n{record['flow']}" + ("" if record["finished"] else " (stopped)"),
            f"{record['mean']:.4f}\n± {record['standard_error']:.4f}",
            "" if difference is None else f"{difference['mean']:+.4f}\n± {difference['standard_error']:.4f}",
            f"{record['parameters']:,}",
            f"{record['seconds'] or 0:,.0f} s\n{record['steps'] or 0:,} steps",
            trip,
            style="bold" if record is best else None,
        )
    console.print(table)
    console.print("difference: from the first run, paired over the same rows", highlight=False)
    if any(record["round_trip_error_standardised"] is not None for record in records):
        console.print("sd: standard deviations of a column; others are in the data's units", highlight=False)
    if not all(record["finished"] for record in records):
        console.print("(stopped): no summary.json; its best weights so far were measured", highlight=False)


def show_curve(records: list[dict[str, Any]], unit: str) -> None:
    """What :func:`diffeo.runs.compare_with_curve` found; of many epochs some, the last among them."""
    console = Console(emoji=False)
    console.print(f"validation, {unit}, lower is better", highlight=False)
    table = Table()
    for name in ("epoch", "run", "recipe", "difference", "seconds", "recipe's"):
        table.add_column(name, justify="right", no_wrap=True)
    every = -(-len(records) // MOST_EPOCHS)
    for record in records[(len(records) - 1) % every :: every]:
        table.add_row(
            f"{record['epoch']:g}",
            _number(record["run"]),
            _number(record["recipe"]),
            f"{record['difference']:+.4f}",
            f"{record['seconds']:,.0f}",
            f"{record['recipe_seconds']:,.0f}",
        )
    console.print(table)


def note_unfinished(run: "Run") -> None:
    """Say, beside the output, that a run's training has not ended."""
    if run.summary is None:
        print(f"note: the training of {run.folder} has not ended; these are its best weights so far", file=sys.stderr)


def show_scores(scores: "Scores", data: str, threshold: float | None) -> None:
    """What :func:`diffeo.runs.score_rows` found."""
    data, count, scored = readable(data), len(scores.rows), int(scores.scored.sum())
    for note in scores.notes:
        print(f"note: {note}", file=sys.stderr)
    show_lost(f"{data}: {count - scored:,} of {count:,} rows have no score", scores.counts)
    if not scored:
        print(f"{data}: no row has a score")
        return
    whose = "" if scores.standardised is None else ", in the data's own units"
    print(f"{data}: {scored:,} rows, log-likelihood {_average(scores.average(scores.log_prob))} nats a row{whose}")
    if scores.standardised is not None:
        print(f"in standardised units: {_average(scores.average(scores.log_prob + scores.standardised))} nats")
    if scores.bits_per_dim is not None:
        print(f"bits/dim {_average(scores.average(scores.bits_per_dim))} (an upper bound)")
    endless = int((~scores.log_prob[scores.scored].isfinite()).sum())
    if endless:
        rows = "1 of these rows has" if endless == 1 else f"{endless:,} of these rows have"
        print(f"{rows} no finite log-likelihood, and no part in the mean")
    if far := scores.average(scores.log_prob)["far"] - endless:
        rows = "1 row is" if far == 1 else f"{far:,} rows are"
        print(f"{rows} so far from the held-out rows that the mean tells of nothing else: look at the median")
    least = ", ".join(f"{_row(scores, i)} (quantile {float(scores.quantile[i]):.4f})" for i in scores.least())
    print(f"least likely: {least}")
    if scores.marked is None or scores.alarms is None or threshold is None:
        return
    alarms, marked = scores.alarms, int(scores.marked.sum())
    print(
        f"marked: {marked:,} of {scored:,} rows ({marked / scored:.2%}), which are less likely than {threshold:.3g} of "
        f"{scores.held_out:,} held-out rows"
    )
    print(
        f"false alarms: a cut set on {alarms.calibration_rows:,} validation rows marks {alarms.rate:.2%} of "
        f"{alarms.measured_rows:,} test rows (95 % interval {alarms.low:.2%} to {alarms.high:.2%})"
    )
    if threshold * scores.held_out < 1:
        print(f"note: {scores.held_out:,} held-out rows are too few for this threshold: one of them is more than it")


def show_new(found: dict[str, Any], notes: Sequence[str]) -> None:
    """What figures of rows from a file have to be read with: see :func:`diffeo.runs.new_rows.about_new`."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    total = found["rows"] + found["left_out"]
    show_lost(f"{found['data']}: {found['left_out']:,} of {total:,} rows were left out", found["reasons"])
    if found["also_trained_on"]:
        print(
            f"{found['also_trained_on']:,} of the {found['rows']:,} rows are rows that the run was trained on: "
            f"the figures are no test of those"
        )


def show_lost(said: str, counts: Mapping[str, int]) -> None:
    """Rows without numbers, and why; nothing where there are none."""
    if counts:
        some = [f"{reason} ({number:,})" for reason, number in list(counts.items())[:MOST_REASONS]]
        print(f"{said}: {', '.join([*some, '..'] if len(counts) > MOST_REASONS else some)}")


def _average(found: dict[str, Any]) -> str:
    if found["mean"] is None:
        return "not finite"
    error = "" if math.isnan(found["standard_error"]) else f" ± {_plain(found['standard_error'])}"
    return f"{_plain(found['mean'])}{error} (median {_plain(found['median'])})"


def _row(scores: "Scores", i: int) -> str:
    return f"row {int(scores.rows[i])}" if scores.files is None else scores.files[i]


def _show_verdicts(console: Console, found: dict[str, Any]) -> None:
    from diffeo.runs.verdicts import verdicts

    for line in verdicts(found):
        console.print(line, style="bold", highlight=False, markup=False, soft_wrap=True)


def _densities(flow: str, own: dict[str, Any], simple: dict[str, dict[str, Any]]) -> Table:
    notes = [f"{name}: {value['note']}" for name, value in simple.items() if value.get("note")]
    table = Table(caption="; ".join(notes) or None, caption_justify="left")
    table.add_column("density")
    table.add_column("mean", justify="right")
    table.add_column("standard error", justify="right")
    far = bool(own.get("far"))
    if far:
        table.add_column("median", justify="right")
    for name, value in ((flow, own), *simple.items()):
        cells = [_number(value["mean"]), _number(value["standard_error"])]
        cells += [_number(value.get("median"))] if far else []
        table.add_row(name, *cells, style="bold" if value is own else None)
    return table


def _show_round_trip(console: Console, rows: str, found: dict[str, Any]) -> None:
    wrong = "" if found["wrong_values"] is None else f", {found['wrong_values']} wrong values"
    console.print(f"round trip of {rows}: error {_trip_error(found)}{wrong}", highlight=False)


def _trip_error(found: dict[str, Any]) -> str:
    """A round trip's largest error: in standard deviations where that is known, and in the data's units."""
    from diffeo.evaluation.numbers import short

    own, standard = found["round_trip_error"], found.get("round_trip_error_standardised")
    if own is None:
        return "not finite"
    unit = "in the data's units" if found["wrong_values"] is None else "grey levels"
    own = f"{short(own, 2)} {unit}"
    return own if standard is None else f"{short(standard, 2)} standard deviations ({own})"


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4e}" if abs(value) >= LARGE else f"{value:,.4f}"


def _plain(value: float) -> str:
    return f"{value:.4e}" if abs(value) >= LARGE else f"{value:.4f}"
