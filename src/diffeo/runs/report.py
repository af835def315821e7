"""The report of a run, as Markdown."""

from typing import Any


def report(summary: dict[str, Any], plan: str, pictures: list[str]) -> str:
    """What was trained, what it reached beside simple densities, whether it is exact, and how it looks."""
    bits = "test_bits_per_dim" in summary
    figure = summary["test_bits_per_dim" if bits else "test_log_likelihood"]
    unit = "bits/dim, lower is better" if bits else "nats, higher is better"
    rows = [(f"**{summary['flow']}**", figure, summary["standard_error"])]
    rows += [(name, value["mean"], value["standard_error"]) for name, value in summary["baselines"].items()]
    lines = [
        f"# {summary['flow']} on {summary['data']}",
        "",
        f"| {summary['test_rows']:,} test rows ({unit}) | mean | standard error |",
        "|---|---|---|",
        *(f"| {name} | {mean:.4f} | {error:.4f} |" for name, mean, error in rows),
        "",
        "The flow's figure is an upper bound by one draw of noise a row; the others are exact."
        if bits
        else "The Gaussian has the training rows' mean and covariance, shrunk as suits the validation part best.",
        "",
        "## Exactness",
        "",
        *exactness(summary),
        "",
        "## Pictures",
        "",
        *(f"![{picture.removesuffix('.png')}]({picture})\n" for picture in pictures),
        "## Settings",
        "",
        f"`{summary['command']}`" if summary["command"] else "",
        "",
        f"{summary['steps']:,} steps in {summary['seconds']:.0f} s ({summary['stopped']}); best epoch "
        f"{summary['best_epoch']:.0f}; seed {summary['seed']}; diffeo {summary['versions']['diffeo']}, "
        f"torch {summary['versions']['torch']}, {summary['versions']['threads']} threads.",
        "",
        "```text",
        plan,
        "```",
        "",
    ]
    return "\n".join(lines)


def exactness(summary: dict[str, Any]) -> list[str]:
    """One line a check."""
    lines = [
        f"- Round trip of the whole test set: largest error {summary['round_trip_error']:.2g} in the data's units."
    ]
    if summary["wrong_values"] is not None:
        lines.append(f"- Integers that came back wrong: {summary['wrong_values']}.")
    if summary["log_det_error"] is not None:
        lines.append(
            f"- Log-determinant against autograd, float64: largest difference {summary['log_det_error']:.2g} nats."
        )
    if summary["integral"] is not None:
        lines.append(f"- Integral of the density over a grid: {summary['integral']:.4f}.")
    return lines
