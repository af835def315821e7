"""What a training does before its first step: how many threads, and what the flow is set from."""

import json
import time
from pathlib import Path

import pytest
import torch

from diffeo import Glow, RealNVP
from diffeo.bijections.chain import INITIAL_ROWS
from diffeo.data import Part
from diffeo.system import threads
from diffeo.training import checkpoint, fit
from diffeo.training.options import CHECKPOINTS, STEPS_FILE
from diffeo.training.preparation import initialize
from diffeo.training.steps import Steps


def rows(n: int = 300) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(1))


def small() -> RealNVP:
    torch.manual_seed(0)
    return RealNVP(2, couplings=2, width=8)


def train(folder: Path | None = None, **options):
    return fit(small(), rows(), **{"epochs": 20, "batch_size": 50, "progress": False, "folder": folder} | options)


class Cores:
    """Two cores; a step takes what is told for the number of threads that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]):
        self.seconds, self.now, self.used = seconds, 0.0, []
        gradients = Steps.gradients

        def slow_gradients(steps, step, attempt):
            self.used.append(torch.get_num_threads())
            self.now += self.seconds[torch.get_num_threads()]
            return gradients(steps, step, attempt)

        monkeypatch.setattr(threads, "candidates", lambda: [1, 2])
        monkeypatch.setattr(threads, "given", lambda: None)
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(Steps, "gradients", slow_gradients)


@pytest.mark.parametrize(("seconds", "best"), [({1: 1.0, 2: 0.6}, 2), ({1: 1.0, 2: 9.0}, 1), ({1: 1.0, 2: 0.95}, 1)])
def test_a_training_computes_with_as_many_threads_as_its_first_steps_show(
    seconds: dict[int, float], best: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cores = Cores(monkeypatch, seconds)
    result = train(tmp_path)
    assert result.threads == best
    assert set(cores.used[:-100]) == {1, 2}  # measured
    assert set(cores.used[-100:]) == {best}
    assert len(cores.used) <= 100 * 1.05 + 1  # measuring is a small share
    assert torch.get_num_threads() == 1
    kept = checkpoint.newest(tmp_path / CHECKPOINTS)
    assert kept is not None
    assert kept.setting["threads"] == best


def test_measuring_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "plain", threads=1)
    Cores(monkeypatch, {1: 1.0, 2: 2.0})
    train(tmp_path / "measured")
    assert (tmp_path / "plain" / STEPS_FILE).read_bytes() == (tmp_path / "measured" / STEPS_FILE).read_bytes()


def test_few_steps_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = Cores(monkeypatch, {1: 1.0, 2: 0.1})
    assert train(epochs=2).threads == 1
    assert cores.used == [1] * 11  # one to warm up, which is undone


def test_a_number_that_is_given_is_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = Cores(monkeypatch, {1: 0.1, 2: 1.0})
    assert train(threads=2).threads == 2
    assert cores.used == [2] * 100
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError, match="fit: threads must be a whole number of at least 1"):
            train(threads=wrong)


def test_what_the_user_said_elsewhere_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = Cores(monkeypatch, {1: 1.0, 2: 0.1})
    monkeypatch.setattr(threads, "given", lambda: 1)
    assert train().threads == 1
    assert cores.used == [1] * 100


class Stopped(BaseException):
    pass


def test_a_training_goes_on_with_its_own_number_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(record, better) -> None:
        if record["epoch"] == 3:
            raise Stopped

    cores = Cores(monkeypatch, {1: 1.0, 2: 0.5})
    with pytest.raises(Stopped):
        train(tmp_path, on_epoch=stop)
    cores.seconds, cores.used = {1: 0.1, 2: 5.0}, []  # busy by now
    monkeypatch.setattr(threads, "given", lambda: 1)  # nor does the environment matter
    result = train(tmp_path, resume=True, progress=True)
    assert result.threads == 2
    assert set(cores.used) == {2}
    assert "computing with 2 threads, as it began" in capsys.readouterr().err


def test_another_number_is_taken_on_resuming_if_it_is_given(tmp_path: Path) -> None:
    train(tmp_path, threads=2, epochs=2)
    with pytest.warns(UserWarning, match=r"not be the same to the last digit: threads was 2 and is 1"):
        train(tmp_path, threads=1, epochs=2, resume=True)


def test_preparation_says_what_it_does_and_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    train(time_budget=2.0, progress=True, epochs=2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["preparing: initializing the flow", "preparing: measuring what a step takes"]
    assert "10 steps in the time budget" in lines[2]
    train(time_budget=2.0, epochs=2)
    assert capsys.readouterr().err == ""


def test_the_first_step_alone_is_the_measure_where_it_takes_a_tenth_of_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cores = Cores(monkeypatch, {1: 15.0, 2: 15.0})
    result = train(time_budget=100.0, epochs=None, patience=None)
    assert len(cores.used) == 1 + result.steps == 1 + 5  # 97 - 15 seconds
    assert cores.now <= 100


def test_preparation_takes_a_tenth_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = Cores(monkeypatch, {1: 1.0, 2: 2.0})
    taken: list[float] = []
    train(time_budget=100.0, epochs=None, patience=None, on_start=lambda: taken.append(cores.now))
    assert 5 <= taken[0] <= 10


def test_with_a_budget_the_flow_starts_from_fewer_rows_where_all_would_take_too_long() -> None:
    x = torch.randint(0, 17, (2000, 1, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    seen: list[tuple[int, int]] = []

    class Watched(Glow):
        def initialize(self, x, condition=None, noise=None, *, generator=None, force=False, rows=INITIAL_ROWS):
            seen.append((len(x), rows))
            super().initialize(x, condition, noise, generator=generator, force=force, rows=rows)

    def start(budget: float | None, a_row: float) -> None:
        initialize(Watched((1, 8, 8), values=17, steps=1, width=4), Part(x), 0, budget=budget, a_row=a_row)

    start(None, 100.0)
    start(1000.0, 1e-6)
    start(0.1, 1e-6)
    start(10.0, 0.01)
    start(10.0, 1.0)
    assert seen == [(2000, 512), (2000, 512), (781, 512), (2000, 20), (2000, 16)]


def test_the_number_of_threads_is_written_with_the_run(tmp_path: Path) -> None:
    import diffeo
    from diffeo.runs import train_run

    data = diffeo.data.load("moons")
    summary = train_run(small(), data, tmp_path / "run", epochs=1, batch_size=2000, threads=2, progress=False)
    assert summary["versions"]["threads"] == 2
    assert json.loads((tmp_path / "run" / "run.json").read_text())["versions"]["threads"] == 2
    assert torch.get_num_threads() == 1
