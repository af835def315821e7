"""What is said before the figures."""

import html
import io
import json
from pathlib import Path

import pytest
import torch
from rich.console import Console

import diffeo
from diffeo.cli.results import show_evaluation, show_summary
from diffeo.data import Dataset, Part
from diffeo.evaluation import evaluate
from diffeo.runs import read_run, train_run, write_report
from diffeo.runs.verdicts import train_longer, verdicts
from diffeo.runs.watch import frame


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch that learns nothing, on strongly correlated columns, one of them near a million."""
    folder = tmp_path_factory.mktemp("weak") / "run"
    one = torch.randn(600, 1, generator=torch.Generator().manual_seed(0))
    other = one + 0.1 * torch.randn(600, 1, generator=torch.Generator().manual_seed(1))
    x = torch.cat([1e6 + 1e4 * one, other], 1)
    data = Dataset("made", Part(x[:400]), Part(x[400:500]), Part(x[500:]), columns=("price", "b"))
    flow = diffeo.RealNVP(2, couplings=2, width=4)
    train_run(flow, data, folder, epochs=1, lr=1e-9, batch_size=200, progress=False,
              command="diffeo train realnvp table:made.csv --epochs 1")  # fmt: skip
    return folder


def test_a_run_says_first_what_is_better_and_that_it_ended_too_early(
    weak: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = json.loads((weak / "summary.json").read_text())
    assert summary["worse_than"] == ["gaussian"]
    assert summary["still_improving"] is True
    assert summary["train_longer"] == "diffeo train realnvp table:made.csv --epochs 2"
    show_summary(summary)
    first, second, third = capsys.readouterr().out.splitlines()[:3]
    assert first.startswith("worse than gaussian: on the same rows this simple density has a higher likelihood")
    assert second == f"still improving: the best epoch was the last one, 1. Train longer: {summary['train_longer']}"
    assert third.startswith("made: 100 test rows")
    page = (weak / "report.html").read_text(encoding="utf-8")
    assert 0 < page.index("worse than gaussian") < page.index("still improving") < page.index("Test likelihood")
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(frame(read_run(weak), console))
    assert "worse than gaussian" in console.export_text()


def test_the_round_trip_is_in_standard_deviations_with_the_datas_units_beside_it(
    weak: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = read_run(weak)
    deviation = float(1e4 * torch.randn(600, 1, generator=torch.Generator().manual_seed(0))[:400].std(correction=0))
    assert run.summary["round_trip_error_standardised"] >= run.summary["round_trip_error"] / deviation
    summary = run.summary | {"round_trip_error": 8192.4, "round_trip_error_standardised": 1.4e-6}
    show_summary(summary)
    assert "error 1.4e-06 standard deviations (8192 in the data's units)" in " ".join(capsys.readouterr().out.split())
    data = Dataset("made", *(Part(torch.randn(50, 2)) for _ in range(3)), columns=("price", "b"))
    page = write_report(tmp_path, run.load_flow(), data, summary, run.history).read_text(encoding="utf-8")
    assert "1.4 × 10<sup>−6</sup></strong><span>standard deviations of a column" in page
    assert "(8192 in the data's units)" in html.unescape(page)


def test_a_summary_from_before_is_shown_as_it_was(trained: Path, tmp_path: Path, capsys) -> None:
    run = read_run(trained / "plane")
    new = ("worse_than", "still_improving", "train_longer", "median", "far_rows", "round_trip_error_standardised")
    old = {key: value for key, value in run.summary.items() if key not in new}
    old["baselines"] = {"gaussian": {"mean": -3.0, "standard_error": 0.1}}
    assert verdicts(old) == []
    show_summary(old)
    assert "in the data's units" in capsys.readouterr().out
    page = write_report(tmp_path, run.load_flow(), run.load_data(), old, run.history).read_text(encoding="utf-8")
    assert 'class="verdict"' not in page
    assert "largest error of the round trip, over all test rows, in the data's units" in html.unescape(page)


def test_far_rows_are_told_with_the_median(capsys: pytest.CaptureFixture[str], tmp_path: Path, trained: Path) -> None:
    data = diffeo.data.load("moons")
    flow = diffeo.RealNVP(2, couplings=2, width=8)
    flow.initialize(data.train.x)
    test = data.test.x[:500].clone()
    test[7] = 1e5
    found = evaluate(flow, Dataset("moons", data.train, data.validation, Part(test)))
    show_evaluation(found)
    out = capsys.readouterr().out
    assert "1 of 500 rows lies so far from the others that the mean says little of them: the median is " in out
    assert f"{found['log_likelihood']['median']:.4f}" in out
    run = read_run(trained / "plane")
    summary = run.summary | {"far_rows": 2, "median": -1.25}
    page = write_report(tmp_path, run.load_flow(), run.load_data(), summary, run.history).read_text(encoding="utf-8")
    assert "2 of 10,000 rows lie so far from the others" in page
    assert "median −1.2500" in page


@pytest.mark.parametrize(
    ("command", "settings", "longer"),
    [
        ("diffeo train realnvp moons", {"epochs": 75}, "diffeo train realnvp moons --epochs 150"),
        ("diffeo train --config 'a b.yaml' --epochs=5 --out=x", {"epochs": 5},
         "diffeo train --config 'a b.yaml' --epochs 10"),
        ("diffeo train glow mnist --time-budget 10m --seed 1", {"time_budget": 600.0},
         "diffeo train glow mnist --seed 1 --time-budget 1200s"),
        ("diffeo train glow mnist --time_budget 90 --epochs 3", {"time_budget": 90.0, "epochs": 3},
         "diffeo train glow mnist --epochs 6 --time-budget 180s"),
        ("diffeo demo", {"epochs": 50, "time_budget": None}, "diffeo train --config realnvp-digits --epochs 100"),
        ("", {"epochs": 5}, None),
        ("python mine.py", {"epochs": 5}, None),
    ],
)  # fmt: skip
def test_the_advice_is_the_same_training_with_twice_the_length(command, settings, longer) -> None:
    assert train_longer(command, settings) == longer


def test_the_recipe_that_stands_for_the_demo_trains_the_same_flow() -> None:
    data = diffeo.data.load("digits")
    demo = diffeo.RealNVP(data.shape, values=data.values, width=32, blocks=2, dropout=0.2)
    shapes = [{name: one.shape for name, one in f.state_dict().items()} for f in (demo, diffeo.load("realnvp-digits"))]
    assert shapes[0] == shapes[1]
    settings = read_run(Path("realnvp-digits")).record["settings"]
    assert [settings[name] for name in ("epochs", "batch_size", "lr")] == [50, 64, 2e-3]
