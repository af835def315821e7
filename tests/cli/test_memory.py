"""What a command says when there is not enough memory."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import diffeo
from cli.command import DIFFEO, environment
from diffeo.cli import main
from diffeo.cli.memory import out_of_memory

pytestmark = pytest.mark.whole

TORCH = "[enforce fail at alloc_cpu.cpp:126] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to .."


def failed(*arguments: object) -> str:
    errors = io.StringIO()
    with (
        contextlib.redirect_stderr(errors),
        contextlib.redirect_stdout(io.StringIO()),
        pytest.raises(SystemExit) as end,
    ):
        main([str(one) for one in arguments])
    assert end.value.code in (1, 2)
    return errors.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((10**9,), np.dtype("f8")),
        RuntimeError(TORCH),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_whoever_says_it_a_command_says_in_a_sentence_what_needs_less(tmp_path, monkeypatch, error: Exception) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("diffeo.flow.Flow.encode", fail)
    said = failed("evaluate", "realnvp-moons")
    assert said == "diffeo: out of memory while evaluating. Less is needed with --samples 1 and by fewer rows"
    monkeypatch.setattr(sys.modules["diffeo.evaluation.verification.verify"], "Subject", fail)
    assert failed("verify", "realnvp-moons").startswith("diffeo: out of memory while verifying. Less is needed with")


def test_what_is_only_being_imported_is_starting() -> None:
    part = Path(diffeo.__file__).parent / "evaluation" / "part.py"
    with pytest.raises(MemoryError) as raised:
        exec(compile("raise MemoryError()", str(part), "exec"), {})  # as where its file is imported
    assert out_of_memory(raised.value).startswith("out of memory while starting. ")


def test_an_error_that_was_made_of_it_and_knows_more_is_said_as_it_is(tmp_path, monkeypatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ValueError("model/config.json: its options ask for more memory than there is") from MemoryError()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("diffeo.flow.Flow.encode", fail)
    monkeypatch.setattr(sys.modules["diffeo.evaluation.verification.verify"], "Subject", fail)
    for verb in ("evaluate", "verify"):
        said = failed(verb, "realnvp-moons")
        assert said == "diffeo: model/config.json: its options ask for more memory than there is"


def test_a_training_says_how_it_goes_on_once_it_has_a_checkpoint(tmp_path: Path, monkeypatch) -> None:
    from diffeo.training.steps import Steps

    plain, calls = Steps.gradients, []

    def gradients(self: Steps, step: int, attempt: int) -> tuple[torch.Tensor, torch.Tensor]:
        calls.append(step)
        if len(calls) == 3:
            raise RuntimeError(TORCH)
        return plain(self, step, attempt)

    monkeypatch.setattr(Steps, "gradients", gradients)
    run, options = tmp_path / "run", ("--batch-size", 10_000, "--threads", 1, "--model.width", 4, "--quiet")
    said = failed("train", "realnvp", "moons", "--epochs", 2, "--out", run, *options)
    assert said.startswith("diffeo: out of memory while training. Less is needed with --accumulate 4 or a smaller")
    assert said.endswith(f"With more memory the same training goes on by: diffeo train --resume {run}")
    with contextlib.redirect_stdout(io.StringIO()):
        main(["train", "--resume", str(run), "--quiet"])
    assert (run / "report.html").is_file()

    def start(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(diffeo.Flow, "initialize", start)
    said = failed("train", "realnvp", "moons", "--out", tmp_path / "other", *options)
    assert "out of memory while training" in said
    assert "--resume" not in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_under_a_limit_of_memory_no_traceback_is_shown(tmp_path: Path) -> None:
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); " + DIFFEO[2]
    done = subprocess.run(
        [*DIFFEO[:2], code, "sample", "glow-mnist", "-n", "300000", "--out", "x.npy"],
        cwd=tmp_path, capture_output=True, text=True, env=environment(PYTHONPATH=os.environ.get("PYTHONPATH", "")),
        check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == (
        "diffeo: out of memory while drawing samples. Fewer need less, such as -n 100"
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
