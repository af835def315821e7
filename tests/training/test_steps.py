"""Steps: how a batch is shared, what the hot loop reads, and trackers."""

import csv
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import diffeo
from diffeo import Glow, RealNVP
from diffeo.training import fit
from diffeo.training.options import CHECKPOINTS, STEPS_FILE
from diffeo.training.steps import Steps


def rows(n: int = 300) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(1))


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


def losses(run: Path) -> list[float]:
    with (run / STEPS_FILE).open() as file:
        return [float(line["loss"]) for line in csv.DictReader(file)]


class Reads(TorchDispatchMode):
    """Counts how often a number is read from a tensor, which on a GPU would wait for the device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.count += function is torch.ops.aten._local_scalar_dense.default
        return function(*arguments, **(options or {}))


def test_the_hot_loop_waits_for_no_number_of_its_own_step(monkeypatch) -> None:
    torch.manual_seed(0)
    flow = Glow((1, 8, 8), values=17, steps=1, width=8)
    x = diffeo.data.load("digits").train.x[:260]
    inside: list[int] = []
    between: list[int] = []
    gradients, update = Steps.gradients, Steps.update
    with Reads() as reads:

        def counted_gradients(steps, step, attempt):
            between.append(reads.count)
            found = gradients(steps, step, attempt)
            inside.append(reads.count - between[-1])
            return found

        def counted_update(steps, step, lr, finite):
            before = reads.count
            update(steps, step, lr, finite)
            inside.append(reads.count - before)

        monkeypatch.setattr(Steps, "gradients", counted_gradients)
        monkeypatch.setattr(Steps, "update", counted_update)
        fit(flow, x, validation=x[:10], epochs=1, batch_size=20, progress=False)
    assert len(inside) == 2 * 13
    assert set(inside) == {0}
    assert {later - earlier for earlier, later in pairwise(between[1:])} == {1}  # of the step before


@pytest.mark.parametrize("parts", [2, 3])
def test_accumulating_changes_memory_and_not_the_losses(tmp_path: Path, parts: int) -> None:
    torch.manual_seed(0)
    for name, accumulate in (("one", 1), ("parts", parts)):
        fit(small(), rows(), epochs=3, batch_size=50, progress=False, folder=tmp_path / name, accumulate=accumulate)
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "one"), rel=1e-5)
    with pytest.raises(ValueError, match="2 rows cannot be computed in 3 parts"):
        fit(small(), rows(), batch_size=2, accumulate=3, progress=False)


SEVERAL = """
import sys, torch, diffeo
torch.set_num_threads(1)
torch.manual_seed(0)
data = diffeo.data.load("digits")
flow = diffeo.RealNVP(data.shape, values=17, width=8)
result = diffeo.fit(flow, data, epochs=1, batch_size=66, progress=False, folder=sys.argv[1], accumulate=2,
                    precision="float32")
print(result.history[0]["validation"])
"""


@pytest.mark.whole
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    (tmp_path / "train.py").write_text(SEVERAL)
    printed = {}
    for name, launcher in (("one", []), ("two", torchrun)):
        done = subprocess.run(
            [sys.executable, *launcher, "train.py", name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        printed[name] = [float(line) for line in done.stdout.split()]
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)
    assert printed["two"] == pytest.approx(2 * printed["one"], rel=1e-4)
    assert (tmp_path / "two" / CHECKPOINTS).is_dir()


def test_trackers_get_the_numbers_or_say_what_is_missing(tmp_path: Path, monkeypatch) -> None:
    fit(small(), rows(), epochs=2, batch_size=50, progress=False, folder=tmp_path, tracker="tensorboard")
    assert list(tmp_path.rglob("events.out.tfevents*"))
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("events.out.tfevents*"))
    assert b"validation" in content
    with pytest.raises(ValueError, match="needs a folder"):
        fit(small(), rows(), tracker="tensorboard")
    with pytest.raises(ValueError, match="tensorboard or wandb, got 'mlflow'"):
        fit(small(), rows(), tracker="mlflow")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install wandb"):
        fit(small(), rows(), tracker="wandb", folder=tmp_path / "other")


def test_the_time_is_accounted_for() -> None:
    result = fit(small(), rows(), epochs=3, batch_size=50, progress=False)
    assert {"batches", "forward", "backward", "optimizer", "validation"} <= set(result.timings)
    assert sum(result.timings.values()) == pytest.approx(result.seconds, rel=0.2)


def test_a_training_in_the_folder_is_not_overwritten(tmp_path: Path) -> None:
    fit(small(), rows(), epochs=1, batch_size=50, progress=False, folder=tmp_path)
    before = (tmp_path / STEPS_FILE).read_bytes()
    with pytest.raises(FileExistsError, match="resume=True"):
        fit(small(), rows(), epochs=2, batch_size=50, progress=False, folder=tmp_path)
    assert (tmp_path / STEPS_FILE).read_bytes() == before
