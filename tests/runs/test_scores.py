"""Scores of known and of new rows."""

from pathlib import Path

import pytest
import torch

import diffeo
from diffeo.data import Dataset, Part, Unread
from diffeo.evaluation import row_log_probs
from diffeo.runs import read_run, score_rows
from runs.made import COLUMNS, table


def test_held_out_rows_are_marked_at_the_rate_that_was_asked_for(trained: Path) -> None:
    scores = score_rows(read_run(trained / "plane"), "moons", threshold=0.02)
    assert scores.rows.tolist() == list(range(10_000))
    assert float(scores.marked.double().mean()) == pytest.approx(0.02, abs=0.003)
    assert scores.alarms.low < scores.alarms.rate < scores.alarms.high
    assert scores.alarms.rate == pytest.approx(0.02, abs=0.015)
    assert scores.held_out == 12_000
    assert torch.equal(scores.marked, scores.quantile < 0.02)
    assert scores.bits_per_dim is None


def test_integers_get_bits_per_dim_and_more_draws_raise_the_bound(trained: Path) -> None:
    run = read_run(trained / "images")
    one, many = (score_rows(run, "digits", samples=k) for k in (1, 8))
    assert many.log_prob.mean() > one.log_prob.mean()
    summary = run.summary["test_bits_per_dim"]
    assert float(one.bits_per_dim.mean()) == pytest.approx(summary)
    assert many.table().column_names == ["row", "log_prob", "bits_per_dim", "quantile", "reason"]
    assert len(score_rows(run, "digits", part="validation").rows) == 180


NEW = {"missing_values": ["keep"], "columns": list(COLUMNS), "missing": "drop"}


def read_new(name: str, **options: object) -> Part:
    """Rows of a new file: the own test part, of which one row is far away, each followed by one with a hole."""
    assert (name, options) == ("table:new.csv", NEW)
    x = table().test.x.clone()
    x[3] += 40
    holes = tuple(Unread(2 * i + 1, "a & b: missing", kinds=("a & b: missing",)) for i in range(len(x)))
    return Part(x, rows=torch.arange(len(x)) * 2, unread=holes)


def test_new_rows_are_read_as_the_runs_own_were(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(trained / "table")
    own = table()
    options = {"missing": "drop", "split": "time:day", "drop": ["id"]}
    plain = Dataset("table:판매.csv", own.train, own.validation, own.test, columns=COLUMNS, options=options)
    monkeypatch.setattr(diffeo.data, "load", lambda name, **options: plain)
    monkeypatch.setattr(diffeo.data, "read", read_new, raising=False)
    scores = score_rows(run, "table:new.csv", threshold=0.01)
    assert scores.rows.tolist() == list(range(300))
    assert float(scores.quantile[6]) == 0.0
    assert bool(scores.marked[6])
    assert 0 < int(scores.marked.sum()) < 8
    assert not bool(scores.marked[1::2].any())
    assert scores.reasons[1::2] == ("a & b: missing",) * 150
    assert set(scores.reasons[::2]) == {None}
    assert scores.scored.tolist() == [True, False] * 150
    assert scores.summary(0.01)["reasons"] == {"a & b: missing": 150}
    assert torch.equal(scores.log_prob[::2], row_log_probs(run.load_flow(), read_new("table:new.csv", **NEW)))
    assert scores.average(scores.log_prob)["far"] == 1
    assert scores.far[6]
    assert not scores.far[0]
    names = scores.table().column_names
    assert names == ["row", "log_prob", "quantile", "marked", "reason"]


def test_log_prob_is_in_the_tables_own_units(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(trained / "table")
    monkeypatch.setattr(diffeo.data, "load", lambda name, **options: table())
    with pytest.raises(ValueError, match="were divided beforehand"):
        score_rows(run, "table:new.csv")
    monkeypatch.setattr("diffeo.runs.scores.is_file", lambda name: False)
    scores = score_rows(run, "table:판매.csv")
    expected = run.load_flow().log_prob(table().test.x).detach().double() - torch.tensor(2.0).log()
    assert torch.allclose(scores.log_prob, expected, atol=1e-5)
    deviations = table().train.x.double().std(0, correction=0) * torch.tensor([2.0, 1.0, 1.0])
    assert scores.standardised == pytest.approx(float(deviations.log().sum()), rel=1e-5)
    assert scores.rows[0] == 550


def test_rows_that_do_not_fit_are_refused_before_anything_is_computed(trained: Path) -> None:
    run = read_run(trained / "plane")
    with pytest.raises(ValueError, match=r"shape \(2,\), but digits has rows of shape \(1, 8, 8\)"):
        score_rows(run, "digits")
    with pytest.raises(ValueError, match=r"--threshold 0\.01"):
        score_rows(run, "moons", threshold=1.5)
    with pytest.raises(ValueError, match="--samples 1"):
        score_rows(run, "moons", samples=0)
