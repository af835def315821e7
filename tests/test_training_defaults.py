"""What a training uses where nothing is said: one rule for fit, for a run folder and for the command line."""

import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import diffeo
from diffeo import RealNVP
from diffeo.runs import resume_run, train_run
from diffeo.training import checkpoint, fit
from diffeo.training.options import CHECKPOINTS
from diffeo.training_defaults import decide


class Killed(BaseException):
    pass


def die(record: dict[str, float], better: bool) -> None:
    raise Killed


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


def without_seconds(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name != "seconds"} for record in history]


@pytest.mark.parametrize(
    ("rows", "images", "given", "expected"),
    [
        (55_000, True, {}, (64, 1e-3)),
        (2_000_000, True, {}, (64, 1e-3)),
        (5_000_000, True, {"batch_size": 512}, (512, 1e-3)),
        (100, False, {}, (64, 1e-3)),
        (20_000, False, {}, (64, 1e-3)),
        (500_001, False, {}, (1024, 4e-3)),
        (10**9, False, {}, (1024, 4e-3)),
        (10**9, False, {"batch_size": 64}, (64, 1e-3)),
        (10**9, False, {"batch_size": 16}, (16, 1e-3)),
        (10**9, False, {"lr": 1e-3}, (1024, 1e-3)),
        (100, False, {"batch_size": 1024, "lr": 4e-3}, (1024, 4e-3)),
    ],
)
def test_the_batch_goes_by_the_rows_of_a_table_and_what_is_given_counts(
    rows: int, images: bool, given: dict, expected: tuple[int, float]
) -> None:
    chosen = decide((1, 28, 28) if images else (6,), rows, **given)
    assert (chosen.batch_size, chosen.lr) == expected


@pytest.mark.parametrize(
    ("rows", "given", "epochs"),
    [
        (20_000, {}, 10),  # of 312 steps
        (1_600, {}, 60),  # of 25
        (50, {}, 1500),
        (1_600, {"batch_size": 1_600}, 1500),
        (1_600, {"epochs": 3}, 3),
        (1_600, {"time_budget": 60.0}, None),
        (1_600, {"time_budget": 60.0, "epochs": 3}, 3),
    ],
)
def test_epochs_are_enough_for_1500_steps_unless_a_budget_decides(rows: int, given: dict, epochs: int | None) -> None:
    assert decide((2,), rows, **given).epochs == epochs


@pytest.mark.whole
def test_fit_and_diffeo_train_are_the_same_training(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("rows.npy", np.random.default_rng(0).normal(size=(900, 2)).astype("float32") ** 3)
    command = "train realnvp table:rows.npy --out run --threads 1 --model.couplings 2 --model.width 8 --quiet"
    subprocess.run([sys.executable, "-m", "diffeo", *command.split()], check=True, capture_output=True)
    trained = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    result = fit(small(), diffeo.data.load("table:rows.npy"), threads=1, progress=False)
    assert without_seconds(result.history) == without_seconds(trained)
    assert len(trained) > 20


def test_a_run_folder_says_what_was_decided(tmp_path: Path) -> None:
    data = diffeo.data.load("moons")
    options: dict[str, Any] = {"epochs": 1, "progress": False}
    summary = train_run(small(), data, tmp_path / "run", **options)
    said = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    assert (said["batch_size"], said["lr"], said["precision"], said["epochs"]) == (64, 1e-3, "float32", 1)
    assert summary["settings"] == said
    with pytest.raises(TypeError, match="batch_size must be a whole number, or None, got '64'"):
        train_run(small(), data, tmp_path / "other", batch_size="64")
    assert not (tmp_path / "other").exists()


OF_BEFORE = {"epochs": 50, "batch_size": 128, "lr": 1e-3, "precision": "float32"}  # the fixed defaults that fit had


def test_a_training_goes_on_with_what_it_had_where_nothing_is_said(tmp_path: Path) -> None:
    x = torch.randn(300, 2, generator=torch.Generator().manual_seed(1))
    whole = fit(small(), x, progress=False, patience=3, **OF_BEFORE)
    with pytest.raises(Killed):
        fit(small(), x, progress=False, patience=3, folder=tmp_path, on_epoch=die, **OF_BEFORE)
    again = fit(small(), x, progress=False, patience=3, folder=tmp_path, resume=True)
    assert without_seconds(again.history) == without_seconds(whole.history)
    with pytest.raises(ValueError, match=r"differ: lr was 0.001 and is 0.002$"):
        fit(small(), x, progress=False, patience=3, folder=tmp_path, resume=True, lr=2e-3)


@pytest.mark.parametrize("left", ["missing", "null"])
def test_a_run_of_before_means_the_defaults_of_before(tmp_path: Path, monkeypatch, left: str) -> None:
    data, run = diffeo.data.load("digits"), tmp_path / "run"
    torch.manual_seed(0)
    flow = RealNVP(data.shape, values=data.values, width=4, blocks=1)
    with monkeypatch.context() as patch:
        patch.setattr(RealNVP, "save_pretrained", lambda *_, **__: die({}, True))
        with pytest.raises(Killed):
            train_run(flow, data, run, progress=False, threads=1, **OF_BEFORE)
    for place in (run, run / CHECKPOINTS):
        record = json.loads((place / "run.json").read_text())
        for name in OF_BEFORE:
            record["settings"].pop(name)
            if left == "null" and name == "epochs":
                record["settings"][name] = None
        (place / "run.json").write_text(json.dumps(record))
    state = checkpoint.newest_state(run / CHECKPOINTS)
    assert state is not None
    seen: list[dict[str, Any]] = []

    @functools.wraps(fit)
    def stop(flow: Any, data: Any, **options: Any) -> None:
        seen.append(options)
        raise Killed

    monkeypatch.setattr("diffeo.runs.train.fit", stop)
    with pytest.raises(Killed):
        resume_run(run, progress=False)
    assert {name: seen[0][name] for name in OF_BEFORE} == OF_BEFORE == {n: state["setting"][n] for n in OF_BEFORE}
