"""A signal that comes before the first step, or after the last."""

from pathlib import Path

import pytest
from command import together

pytestmark = pytest.mark.whole

STOPPED = """
import os, signal
import diffeo.runs.train
from diffeo.flow import Flow
initialize, conclude, count = Flow.initialize, diffeo.runs.train.conclude, [0]
def stopped_in(real, *numbers):
    def called(*given, **more):
        count[0] += 1
        if count[0] in {stops}:
            for number in numbers:
                os.kill(os.getpid(), number)
            raise AssertionError("it went on")
        return real(*given, **more)
    return called
Flow.initialize = stopped_in(initialize, signal.SIGTERM)
diffeo.runs.train.conclude = stopped_in(conclude, {second})
diffeo.runs.train.samples_picture = lambda *given, **more: None
"""
TRAIN = ("train", "realnvp", "moons", "--out", "run", "--epochs", 1, "--model.couplings", 2, "--quiet")


def test_sigterm_in_preparation_and_in_the_report_ends_with_the_way_on(tmp_path: Path) -> None:
    before = STOPPED.format(stops=(1, 3), second="signal.SIGTERM")
    preparing, reporting = together(TRAIN, TRAIN, cwd=tmp_path, before=before)
    assert preparing.status == reporting.status == 143
    again = "diffeo: stopped by SIGTERM: it had not begun. Start it again with: diffeo "
    assert preparing.errors.startswith(again)
    assert reporting.errors == (
        "diffeo: stopped by SIGTERM: the training is done, but not its report. Go on with: diffeo train --resume run\n"
    )


def test_ctrl_c_twice_ends_with_one_line(tmp_path: Path) -> None:
    before = STOPPED.format(stops=(2,), second="signal.SIGINT, signal.SIGINT")
    (reporting,) = together(TRAIN, cwd=tmp_path, before=before)
    assert reporting.status == 130
    assert reporting.errors.count("\n") == 1
    assert "diffeo train --resume run" in reporting.errors


SWALLOWED = """
import os, signal
from diffeo.flow import Flow
initialize = Flow.initialize
def swallowing(*given, **more):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        pass
    return initialize(*given, **more)
Flow.initialize = swallowing
"""


def test_a_signal_that_python_swallowed_in_preparation_still_ends_the_training(tmp_path: Path) -> None:
    (stopped,) = together(TRAIN, cwd=tmp_path, before=SWALLOWED)
    assert stopped.status == 143
    assert "diffeo train --resume run" in stopped.errors
    assert len((tmp_path / "run" / "steps.csv").read_text().splitlines()) == 2
