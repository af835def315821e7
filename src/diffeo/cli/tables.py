"""Tables in the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def show_summary(summary: dict[str, Any]) -> None:
    """A run's test figure beside its baselines, and its round trip."""
    bits = "test_bits_per_dim" in summary
    figure = summary["test_bits_per_dim" if bits else "test_log_likelihood"]
    unit = "bits/dim, lower is better" if bits else "nats, higher is better"
    table = Table()
    table.add_column("density")
    table.add_column("mean", justify="right")
    table.add_column("standard error", justify="right")
    table.add_row(summary["flow"], f"{figure:.4f}", f"{summary['standard_error']:.4f}", style="bold")
    for name, value in summary["baselines"].items():
        table.add_row(name, f"{value['mean']:.4f}", f"{value['standard_error']:.4f}")
    console = Console()
    console.print(f"{summary['data']}: {summary['test_rows']:,} test rows ({unit})", highlight=False)
    console.print(table)
    wrong = "" if summary["wrong_values"] is None else f", {summary['wrong_values']} wrong values"
    console.print(f"round trip of the test set: error {summary['round_trip_error']:.2g}{wrong}", highlight=False)
    if summary["log_det_error"] is not None:
        console.print(f"log-det against autograd (float64): error {summary['log_det_error']:.2g} nats", highlight=False)
    if summary["integral"] is not None:
        console.print(f"integral of the density over a grid: {summary['integral']:.4f}", highlight=False)
