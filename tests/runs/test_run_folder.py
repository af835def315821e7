"""Reading run folders in every state."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import diffeo
from diffeo.runs import read_run, resume_run, train_run
from diffeo.runs.folder import fingerprints


def test_a_half_written_last_line_is_left_for_the_next_look(running: Path) -> None:
    run = read_run(running)
    assert [record["step"] for record in run.history] == [10]
    assert len(run.step_losses()) == 15
    assert run.step_losses()[2] == pytest.approx(3.9)
    assert (run.summary, run.in_bits, run.data_name, run.unit) == (None, True, "digits", "bits/dim")
    with (running / "metrics.jsonl").open("a") as file:
        file.write('ch": 2, "train": 3.0, "validation": null, "seconds": 8}\n')
    assert [record["epoch"] for record in read_run(running).history] == [1, 2]


def test_a_run_from_before_run_json_tells_its_data_and_its_seed(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "plane", tmp_path / "old")
    (tmp_path / "old" / "run.json").unlink(missing_ok=True)
    run = read_run(tmp_path / "old")
    assert (run.data_name, run.data_options, run.record["seed"], run.in_bits) == ("moons", {}, 0, False)
    assert len(run.load_data().test) == 10_000
    assert run.step_losses() == [] or len(run.step_losses()) == 200


def test_what_is_no_run_or_is_damaged_is_named(tmp_path: Path, running: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"is no run folder: run.json and summary.json are missing"):
        read_run(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no epoch of its training has ended.*diffeo watch"):
        read_run(running).load_flow()
    (running / "summary.json").write_text("{")
    with pytest.raises(ValueError, match=r"summary.json is damaged"):
        read_run(running)
    (running / "summary.json").unlink()
    (running / "metrics.jsonl").write_text("nonsense\n")
    with pytest.warns(UserWarning, match=r"metrics.jsonl is damaged \(line 1: .*\). Curves and tables lack"):
        assert read_run(running).history == []


def test_runs_from_before_an_option_find_the_rows_that_they_were_trained_on(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(60):
        pixels = np.random.default_rng(i).integers(0, 256, (4, 4), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{i}.png")
    rows = np.random.default_rng(0).normal(size=(200, 2))
    rows[:5, 0] = -9999
    np.save(tmp_path / "rows.npy", rows)
    for name, then, options in (
        (f"folder:{tmp_path / 'photos'}", {"part_by": "name"}, {"channels": 1}),
        (f"table:{tmp_path / 'rows.npy'}", {"missing_values": "keep"}, {}),
    ):
        data = diffeo.data.load(name, **then, **options)
        record = {"data": {"name": name, "options": options, "rows": fingerprints(data)}, "seed": 0}
        (tmp_path / "run.json").write_text(json.dumps(record))
        assert torch.equal(read_run(tmp_path).load_data().test.x, data.test.x)
        with pytest.raises(
            ValueError, match=r"run\.json is damaged: flow is missing"
        ):  # there is nothing to resume here
            resume_run(tmp_path)


def test_another_file_is_read_as_the_runs_own_was(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("diffeo.data.load", lambda name, **options: asked.append((name, options)))
    monkeypatch.setattr("diffeo.runs.folder.fingerprints", lambda dataset: None)
    record = json.loads((running / "run.json").read_text())
    record["data"] = {"name": "table:a.csv", "options": {"drop": ["id"], "missing_values": ["-9"]}}
    (running / "run.json").write_text(json.dumps(record))
    run = read_run(running)
    for name in (None, "table:b.csv", "moons"):
        run.load_data(name)
    own = {"drop": ["id"], "missing_values": ["-9"]}
    assert asked == [("table:a.csv", own), ("table:b.csv", own), ("moons", {})]


def test_a_file_that_has_changed_since_is_not_taken_for_held_out_rows(tmp_path: Path) -> None:
    torch.manual_seed(0)
    lines = [f"{a:.6f},{b:.6f}" for a, b in torch.randn(300, 2).tolist()]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["a,b", *lines]) + "\n")
    data = diffeo.data.load(f"table:{table}")
    run = tmp_path / "run"
    train_run(diffeo.RealNVP(2, couplings=2, width=8), data, run, epochs=1, batch_size=64, progress=False)
    assert len(read_run(run).load_data().test) == len(data.test)
    table.write_text("\n".join(["a,b", *lines, "0.5,0.25"]) + "\n")
    with pytest.raises(ValueError, match="is not what it was when"):
        read_run(run).load_data()
