"""Small runs, trained once: on points of the plane, on images with classes, on a table."""

import json
from pathlib import Path

import pytest
import torch

import diffeo
from diffeo.runs import train_run
from runs.made import table


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs: plane, plane-2 (the same with another seed), images, table."""
    folder = tmp_path_factory.mktemp("runs")
    moons, digits = diffeo.data.load("moons"), diffeo.data.load("digits")
    options = {"batch_size": 200, "progress": False}
    for seed, name in enumerate(("plane", "plane-2")):
        torch.manual_seed(seed)
        flow = diffeo.RealNVP(2, couplings=4, width=16)
        train_run(flow, moons, folder / name, epochs=2, command=f"diffeo train {name}", **options)
    torch.manual_seed(0)
    flow = diffeo.Glow(digits.shape, values=17, classes=10, steps=1, width=8)
    train_run(flow, digits, folder / "images", epochs=1, command="echo '<mark>&'", **options)
    flow = diffeo.RealNVP(3, couplings=2, width=8)
    train_run(flow, table(), folder / "table", epochs=2, **options)
    return folder


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A run folder as a training leaves it in its second epoch: the last line of each file is being written."""
    folder = tmp_path / "running"
    (folder / "samples").mkdir(parents=True)
    flow = diffeo.RealNVP((1, 8, 8), values=17, width=4, blocks=1)
    record = {
        "format": 1,
        "flow": diffeo.saving.configuration.config(flow),
        "data": {"name": "digits", "options": {}},
        "settings": {"epochs": 40},
        "seed": 0,
        "command": "diffeo train realnvp digits --epochs 40",
        "versions": {"diffeo": "0.1.0"},
        "started": "2026-01-01T10:00:00",
    }
    (folder / "run.json").write_text(json.dumps(record))
    epoch = {"step": 10, "epoch": 1, "train": 3.5, "validation": 3.25, "lr": 1e-3, "gradient_norm": 1.5, "seconds": 4.0}
    (folder / "metrics.jsonl").write_text(json.dumps(epoch) + '\n{"step": 20, "epo')
    rows = "".join(f"{i},{4 - 0.05 * i},1.0,0.001\n" for i in range(15))
    (folder / "steps.csv").write_text("step,loss,gradient_norm,lr\n" + rows + "15,3.")
    images = torch.randint(0, 17, (64, 1, 8, 8), dtype=torch.uint8)
    diffeo.evaluation.image_grid(images, 17).save(folder / "samples" / "0001.png")
    return folder
