"""``diffeo train``: which options reach the training, and which are refused."""

import json
import shlex
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from command import DIFFEO, TOLD, diffeo, environment, together
from PIL import Image

from diffeo.cli.settings import FolderSettings, TableSettings, TrainSettings, data_options
from diffeo.cli.train import run_name


def test_every_option_reaches_the_training(tmp_path: Path) -> None:
    given = {
        "epochs": 3, "batch_size": 32, "accumulate": 2, "lr": 0.01, "weight_decay": 0.0, "warmup": 7, "clip": 0.5,
        "ema": 0.9, "patience": 4, "seed": 5, "precision": "float32", "threads": 2, "time_budget": 5400.0,
        "checkpoint_every": 90.0, "tracker": "tensorboard",
    }  # fmt: skip
    assert set(given) == set(asdict(TrainSettings()))
    text = given | {"time_budget": "1h30m", "checkpoint_every": "90"}
    options = [word for name, value in text.items() for word in (f"--{name.replace('_', '-')}", value)]
    every, plain, timed = together(
        ("train", "GLOW", "digits", "--json", "--conditional", "--out", "there", "--model.steps", 2, *options),
        ("train", "realnvp", "moons", "--json", "--quiet", "--model.width", 8, "--model.dropout", 0.5),
        ("train", "realnvp", "moons", "--json", "--quiet", "--time-budget", "10m", "--patience", "none"),
        cwd=tmp_path,
        before=TOLD,
    )
    told = every.json
    assert {name: told[name] for name in given} == given
    assert (told["flow"]["steps"], told["flow"]["classes"], told["folder"]) == (2, 10, "there")
    told = plain.json
    assert told["folder"] == str(Path("runs") / "realnvp-moons")
    assert (told["flow"]["width"], told["flow"]["dropout"], told["flow"]["classes"]) == (8, 0.5, None)
    chosen = {"precision": "float32", "epochs": told["epochs"], "batch_size": 64, "lr": 1e-3}
    defaults = asdict(TrainSettings()) | chosen
    assert {name: told[name] for name in defaults} == defaults
    rows = 20_000
    assert told["epochs"] * (rows // 64) >= 1500
    assert (timed.json["epochs"], timed.json["time_budget"], timed.json["patience"]) == (None, 600.0, None)


def test_a_large_table_is_trained_in_large_batches_and_config_says_so(tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", np.random.default_rng(0).normal(size=(150_000, 2)))
    data = "table:large.npy"
    trained, given, shown, power, images, absent = together(
        ("train", "realnvp", data, "--json"), ("train", "realnvp", data, "--json", "--batch-size", 100, "--lr", 0.5),
        ("config", "realnvp", data), ("config", "realnvp", "power"), ("config", "glow", "mnist"),
        ("config", "realnvp", "table:absent.npy"), cwd=tmp_path, before=TOLD,
    )  # fmt: skip
    assert (trained.json["batch_size"], trained.json["lr"]) == (256, 2e-3)
    assert trained.json["epochs"] == 10
    assert (given.json["batch_size"], given.json["lr"]) == (100, 0.5)
    for one, expected in ((shown, (256, 2e-3)), (power, (1024, 4e-3)), (images, (64, 1e-3)), (absent, (None, None))):
        values = yaml.safe_load(one.out)
        assert (values["batch-size"], values["lr"]) == expected


def test_data_options_go_to_the_kind_of_data_they_are_of() -> None:
    folder = FolderSettings(size=32, channels=1, skip_broken=True)
    table = TableSettings(columns=["가격", "b"], missing="drop", split="time:날짜")
    none = FolderSettings(), TableSettings()
    assert data_options("folder:cats", folder, none[1]) == {"size": 32, "channels": 1, "skip_broken": True}
    chosen = {"columns": ["가격", "b"], "missing": "drop", "split": "time:날짜"}
    assert data_options("table:매출.csv", none[0], table) == chosen
    assert data_options("mnist", *none) == {}
    for data, options, belongs in (
        ("moons", (folder, none[1]), "folder:PATH"),
        ("folder:x", (none[0], table), "table:PATH"),
    ):
        with pytest.raises(ValueError, match=rf"for {belongs} only, and the data is {data}"):
            data_options(data, *options)


def test_table_options_are_read_as_lists(tmp_path: Path) -> None:
    loads = (
        TOLD
        + """
import torch
def load(name, **options):
    part = diffeo.data.Part(torch.randn(100, 2))
    return diffeo.data.Dataset(json.dumps([name, options]), part, part, part)
diffeo.data.load = load
"""
    )
    name, written = "table:~/내 자료/매출.csv", ("--columns", '가격,"a, b"', "--columns", "c")
    one, two = together(
        ("train", "realnvp", name, "--json", *written, "--drop", "id , 이름", "--missing", "drop",
         "--dequantize", "c", "--split", "time:날짜"),
        ("train", "realnvp", "folder:cats/", "--json", "--size", 8, "--channels", 3, "--skip-broken"),
        cwd=tmp_path, before=loads,
    )  # fmt: skip
    expected = {"columns": ["가격", "a, b", "c"], "drop": ["id", "이름"], "missing": "drop", "dequantize": ["c"],
                "split": "time:날짜"}  # fmt: skip
    assert json.loads(one.json["data"]) == [name, expected]
    assert one.json["folder"] == str(Path("runs") / "realnvp-매출")
    assert json.loads(two.json["data"]) == ["folder:cats/", {"size": 8, "channels": 3, "skip_broken": True}]
    assert two.json["folder"] == str(Path("runs") / "realnvp-cats")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("mnist", "glow-mnist"),
        ("table:~/x/sales.csv", "glow-sales"),
        ("table:../a b/Q3: sales!.parquet", "glow-Q3-sales"),
        ("folder:/photos/cats/", "glow-cats"),
        ("folder:/", "glow-folder"),
        ("table:...", "glow-table"),
    ],
)
def test_a_run_is_named_by_its_flow_and_data(data: str, name: str) -> None:
    assert run_name("glow", data) == name


def test_resume_takes_nothing_that_the_run_has_fixed(tmp_path: Path) -> None:
    goes_on = (
        TOLD
        + """
def resume_run(folder, *, say, progress, **more):
    return {"folder": str(folder), "progress": progress, **more}
runs.resume_run = resume_run
"""
    )
    fine, there, *refused = together(
        ("train", "--resume", "runs/내 것", "--quiet", "--json"),
        ("train", "--resume", "r", "--device", "meta", "--json"),
        ("train", "glow", "mnist", "--resume", "r"),
        ("train", "--resume", "runs/a b", "--lr", 1e-3, "--model.steps", 3),
        ("train", "--resume", "r", "--config", "x.yaml"),
        cwd=tmp_path, before=goes_on,
    )  # fmt: skip
    assert fine.json == {"run": "runs/내 것", "folder": "runs/내 것", "progress": False, "device": None}
    assert there.json == {"run": "r", "folder": "r", "progress": True, "device": "meta"}
    for one, names in zip(refused, ("FLOW, DATA", "--lr, --model.steps", "--config"), strict=True):
        assert one.status == 2
        assert one.errors.startswith(f"diffeo: {names} cannot be given with --resume: ")
        assert "fixed by the run" in one.errors
    assert f"Use diffeo train --resume {shlex.quote('runs/a b')}\n" in refused[1].errors


def test_json_is_all_that_stdout_holds(tmp_path: Path) -> None:
    done = diffeo("train", "realnvp", "moons", "--json", "--epochs", 1, "--batch-size", 2000, "--model.width", 4,
                  "--model.couplings", 2, "--out", "run", "--precision", "float32", cwd=tmp_path)  # fmt: skip
    summary = json.loads(done.stdout)
    assert summary["run"] == "run"
    assert (
        summary["test_log_likelihood"]
        == json.loads((tmp_path / "run" / "summary.json").read_text())["test_log_likelihood"]
    )
    assert "epoch" in done.stderr


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    small = ("--model.width", "4", "--model.couplings", "2", "--batch-size", "2000", "--patience", "none")
    started = subprocess.Popen(
        [*DIFFEO, "train", "realnvp", "moons", "--epochs", "100000", "--out", "내 것", *small],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment(),
    )  # fmt: skip
    seen: list[str] = []
    with started as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch") and not any(one.startswith("epoch") for one in seen):
                process.send_signal(signal.SIGINT)
            seen.append(line)
    assert process.returncode == 130, seen
    assert seen[-1].startswith("diffeo: ")
    assert seen[-1].endswith("Go on with: diffeo train --resume '내 것'\n")
    assert (tmp_path / "내 것" / "checkpoints").is_dir()


def test_a_command_that_is_interrupted_elsewhere_ends_in_a_line(tmp_path: Path) -> None:
    code = "import diffeo.cli.app as a\ndef stop(*args, **options): raise KeyboardInterrupt\n"
    code += "a.app = stop\na.main(['data'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert (done.returncode, done.stderr) == (130, "diffeo: interrupted\n")


def test_what_settles_a_table_is_given_as_a_command(tmp_path: Path) -> None:
    rows = [f"{i / 7:.4f},{(i * 37) % 101 / 9:.4f},n{i}" for i in range(200)]
    (tmp_path / "my table.csv").write_text("\n".join(["a,b,name", *rows]) + "\n", encoding="utf-8")
    done = diffeo("train", "realnvp", "table:my table.csv", cwd=tmp_path, status=1)
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("Use diffeo train realnvp 'table:my table.csv' --")
    assert "name" in last


def test_the_command_that_settles_a_table_keeps_the_other_options(tmp_path: Path) -> None:
    rows = [f"{i / 7:.4f},{(i * 37) % 101 / 9:.4f},n{i},{'' if i == 3 else i * i}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,name,c", *rows]) + "\n", encoding="utf-8")
    given = ["--header", "--epochs", "1", "--missing=error", "RealNVP", "--quiet", "table:t.csv", "--out", "a b"]
    done = diffeo("train", *given, "--drop", "a", cwd=tmp_path, status=1)
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("Use diffeo train realnvp table:t.csv --epochs 1 --quiet --out 'a b' --")
    assert last.count("--drop") == last.count("--missing ") == last.count("header") == 1
    (tmp_path / "f").mkdir()
    for i in range(6):
        Image.new("RGB", (8 + i % 2, 8), (i, i, i)).save(tmp_path / "f" / f"{i}.png")
    (tmp_path / "f" / "x.png").write_text("no image")
    done = diffeo("train", "glow", "folder:f", "--size=8", "--part-by", "name", "--seed=3", cwd=tmp_path, status=1)
    last = done.stderr.rstrip().splitlines()[-1]
    assert last == "Use diffeo train glow folder:f --part-by name --seed=3 --size 8 --skip-broken"
