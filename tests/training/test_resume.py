"""A training that was stopped goes on as if it had not been."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import diffeo
from diffeo import Glow, RealNVP
from diffeo.training import checkpoint, fit
from diffeo.training.options import CHECKPOINTS, STEPS_FILE
from diffeo.training.result import Fit


class Killed(BaseException):
    pass


def small(seed: int = 0) -> RealNVP:
    torch.manual_seed(seed)
    return RealNVP(2, couplings=2, width=8, dropout=0.2)


def rows(n: int = 300) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(1))


def train(folder: Path, resume: bool = False, die_after: int | None = None, **options) -> tuple[RealNVP, Fit]:
    flow = small(seed=7 if resume else 0)  # resuming must not depend on the weights that are there

    def on_epoch(record, better) -> None:
        if record["epoch"] == die_after:
            raise Killed

    result = fit(
        flow, rows(), epochs=6, batch_size=50, progress=False, folder=folder, resume=resume, on_epoch=on_epoch,
        **options,
    )  # fmt: skip
    return flow, result


def same(one: tuple[RealNVP, Fit], other: tuple[RealNVP, Fit], a: Path, b: Path) -> None:
    assert (a / STEPS_FILE).read_bytes() == (b / STEPS_FILE).read_bytes()
    for mine, theirs in zip(one[1].history, other[1].history, strict=True):
        assert {**mine, "seconds": 0} == {**theirs, "seconds": 0}
    assert one[1].best["step"] == other[1].best["step"]
    assert all(torch.equal(p, q) for p, q in zip(one[0].parameters(), other[0].parameters(), strict=True))


@pytest.mark.parametrize("epoch", [1, 4, 6])
def test_after_a_kill_the_losses_are_those_of_an_undisturbed_run(tmp_path: Path, epoch: int) -> None:
    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "cut", die_after=epoch)
    with (tmp_path / "cut" / STEPS_FILE).open("a") as file:
        file.write("99,0.5,1")  # half a line, as a kill leaves it
    again = train(tmp_path / "cut", resume=True)
    same(whole, again, tmp_path / "whole", tmp_path / "cut")
    assert again[1].history[-1]["step"] == 30


def test_integers_conditions_and_checkpoints_within_an_epoch_resume_exactly(tmp_path: Path) -> None:
    data = diffeo.data.load("digits")

    def run(folder: Path, resume: bool, die_after: int | None) -> list[torch.Tensor]:
        torch.manual_seed(int(resume))
        flow = Glow(data.shape, values=17, classes=10, steps=1, width=8)
        calls = {"n": 0}
        plain = flow.log_prob

        def log_prob(*arguments):
            calls["n"] += 1
            if calls["n"] == die_after:
                raise Killed
            return plain(*arguments)

        flow.forward = log_prob
        fit(flow, data, epochs=2, batch_size=128, progress=False, folder=folder, resume=resume, checkpoint_every=1e-9,
            precision="bf16")  # fmt: skip
        return list(flow.parameters())

    whole = run(tmp_path / "whole", False, None)
    with pytest.raises(Killed):
        run(tmp_path / "cut", False, 7)
    kept = checkpoint.newest(tmp_path / "cut" / CHECKPOINTS)
    assert kept is not None
    assert kept.position.step == 6
    again = run(tmp_path / "cut", True, None)
    assert all(torch.equal(p, q) for p, q in zip(whole, again, strict=True))
    assert (tmp_path / "whole" / STEPS_FILE).read_bytes() == (tmp_path / "cut" / STEPS_FILE).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_step_and_saves(tmp_path: Path, number: signal.Signals) -> None:
    flow = small()
    before = signal.getsignal(number)

    def on_epoch(record, better) -> None:
        if record["epoch"] == 2:
            os.kill(os.getpid(), number)

    result = fit(flow, rows(), epochs=6, batch_size=50, progress=False, folder=tmp_path / "cut", on_epoch=on_epoch)
    assert result.interrupted == number
    assert result.stopped == f"stopped by {number.name} after step 10 of 30"
    assert len(result.history) == 2
    assert signal.getsignal(number) is before
    same(train(tmp_path / "whole"), train(tmp_path / "cut", resume=True), tmp_path / "whole", tmp_path / "cut")


def test_sigterm_after_ctrl_c_is_no_reason_to_hurry() -> None:
    def on_epoch(record, better) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)

    result = fit(small(), rows(), epochs=6, batch_size=50, progress=False, on_epoch=on_epoch)
    assert result.interrupted == signal.SIGTERM


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    def on_epoch(record, better) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(small(), rows(), epochs=6, batch_size=50, progress=False, on_epoch=on_epoch)


RUN = """
import sys, torch, diffeo
from pathlib import Path
from diffeo.runs import train_run, resume_run
torch.set_num_threads(1)
folder = Path(sys.argv[2])
if sys.argv[1] == "resume":
    resume_run(folder, progress=False)
else:
    data = diffeo.data.load("digits")
    torch.manual_seed(0)
    flow = diffeo.RealNVP(data.shape, values=17, width=8)
    train_run(flow, data, folder, epochs=4, batch_size=64, progress=False, checkpoint_every=0.2)
"""


@pytest.mark.whole
def test_a_run_that_was_killed_with_9_resumes_to_the_same_losses_and_the_same_model(tmp_path: Path) -> None:
    def start(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", RUN, *arguments], cwd=tmp_path)

    assert start("train", "whole").wait() == 0
    lines = (tmp_path / "whole" / STEPS_FILE).read_text().splitlines()
    assert len(lines) == 1 + 4 * 19
    process = start("train", "cut")
    for steps in (8, 30, 55):  # three times, each further on
        while not list((tmp_path / "cut" / CHECKPOINTS).glob("step-*")) or _last(tmp_path / "cut") < steps:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "cut" / "summary.json").exists()
        process = start("resume", "cut")
    assert process.wait() == 0
    for file in (STEPS_FILE, "model.safetensors", "samples.png"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "cut" / file).read_bytes()
    assert not (tmp_path / "cut" / CHECKPOINTS).exists()
    assert start("resume", "cut").wait() != 0  # it is complete


def _last(run: Path) -> int:
    return max(int(path.name.split("-")[1]) for path in (run / CHECKPOINTS).glob("step-*"))


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "cut", die_after=4)
    newest = max((tmp_path / "cut" / CHECKPOINTS).iterdir())
    content = bytearray((newest / checkpoint.TENSORS_FILE).read_bytes())
    content[-1] ^= 1
    (newest / checkpoint.TENSORS_FILE).write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged.*checksum"):
        again = train(tmp_path / "cut", resume=True)
    same(whole, again, tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("file", [checkpoint.TENSORS_FILE, checkpoint.STATE_FILE])
def test_where_all_are_damaged_it_says_so(tmp_path: Path, file: str) -> None:
    with pytest.raises(Killed):
        train(tmp_path, die_after=2)
    for path in (tmp_path / CHECKPOINTS).iterdir():
        content = (path / file).read_bytes()
        (path / file).write_bytes(content.replace(b'"step": ', b'"step": 1') if file.endswith("json") else content[:40])
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(FileNotFoundError, match="no checkpoint"),
    ):
        train(tmp_path, resume=True)


def test_other_settings_or_other_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, die_after=2)
    with pytest.raises(ValueError, match=r"lr was 0.001 and is 0.01"):
        train(tmp_path, resume=True, lr=0.01)
    with pytest.raises(ValueError, match="the training rows"):
        fit(small(), rows() + 1e-3, epochs=6, batch_size=50, progress=False, folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="the validation rows"):
        fit(small(), rows(), validation=rows(40), epochs=6, batch_size=50, progress=False, folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match="the flow's couplings was 2 and is 3"):
        fit(RealNVP(2, couplings=3), rows(), epochs=6, batch_size=50, progress=False, folder=tmp_path, resume=True)
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        train(tmp_path / "nowhere", resume=True)
    with pytest.raises(ValueError, match="needs the folder"):
        fit(small(), rows(), resume=True)


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path: Path, monkeypatch) -> None:
    def full(*arguments) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "write", full)
    with pytest.warns(UserWarning, match="No space left"):
        _, result = train(tmp_path)
    assert len(result.history) == 6


def test_only_two_checkpoints_are_kept_and_nothing_unfinished(tmp_path: Path) -> None:
    train(tmp_path, checkpoint_every=1e-9)
    assert [path.name for path in sorted((tmp_path / CHECKPOINTS).iterdir())] == ["step-000000029", "step-000000030"]
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dropout": 0.5}, r"differ: the flow's dropout was 0\.2 and is 0\.5$"),
        ({"dropout": 0.2, "width": 16}, r"differ: the flow's width was 8 and is 16$"),
        (
            {"dropout": 0.2, "couplings": 3, "depth": 1},
            "the flow's couplings was 2 and is 3, the flow's depth was 2 and",
        ),
    ],
)
def test_another_architecture_or_option_of_the_flow_is_refused_and_named(tmp_path: Path, options, said: str) -> None:
    with pytest.raises(Killed):
        train(tmp_path, die_after=1)
    flow = RealNVP(2, **{"couplings": 2, "width": 8, **options})
    with pytest.raises(ValueError, match=said):
        fit(flow, rows(), epochs=6, batch_size=50, progress=False, folder=tmp_path, resume=True)


def test_a_checkpoint_from_before_flows_were_described_is_gone_on_from(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "cut", die_after=3)
    for path in (tmp_path / "cut" / CHECKPOINTS).glob("step-*/state.json"):
        described = json.loads(path.read_text())
        state = described["state"]
        del state["setting"]["flow"], state["position"]["log"]
        described["sha256"]["state"] = checkpoint._checksum(state)
        path.write_text(json.dumps(described))
    same(whole, train(tmp_path / "cut", resume=True), tmp_path / "whole", tmp_path / "cut")


def test_lines_of_steps_that_are_damaged_are_counted_and_the_others_stay(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    for number, (way, said) in enumerate(
        (
            (lambda lines: [*lines[:6], "5,0.O5,1.0,0.001", *lines[7:]], r"line 7 is .*\"\): the loss of one step"),
            (lambda lines: lines[:6] + lines[9:], r"before step 8 a line is missing\): the losses of 3 steps"),
            (lambda lines: lines[1:], None),  # the header alone
            (lambda lines: lines[:6] + lines[1:], None),  # lines that stand there twice
            (lambda lines: [*lines[:3], lines[3][:5] + ("1" if lines[3][5] != "1" else "2") + lines[3][6:], *lines[4:]],
             "its numbers are not those that were written"),
        )
    ):  # fmt: skip
        folder = tmp_path / str(number)
        with pytest.raises(Killed):
            train(folder, die_after=4)
        path = folder / STEPS_FILE
        lines = path.read_text().splitlines()
        path.write_text("\n".join(way(lines)) + "\n")
        if said is None:
            same(whole, train(folder, resume=True), tmp_path / "whole", folder)
        else:
            with pytest.warns(UserWarning, match=said):
                train(folder, resume=True)
            assert set(path.read_text().splitlines()) - {lines[3][:5] + x + lines[3][6:] for x in "12"} <= set(
                (tmp_path / "whole" / STEPS_FILE).read_text().splitlines()
            )


def test_a_file_of_losses_that_was_removed_is_said_and_ends_nothing(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole")
    with pytest.raises(Killed):
        train(tmp_path / "cut", die_after=2)
    (tmp_path / "cut" / STEPS_FILE).unlink()
    with pytest.warns(UserWarning, match=r"steps\.csv has lost its lines: the losses of \d+ steps cannot be had again"):
        again = train(tmp_path / "cut", resume=True)
    assert [{**one, "seconds": 0} for one in again[1].history] == [{**one, "seconds": 0} for one in whole[1].history]
