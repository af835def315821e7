"""What cannot be verified is refused before any work, with what to do."""

import math
import subprocess
import sys

import pytest
import torch

from diffeo import MLP, NICE, ActNorm, Coupling, RealNVP, verify

pytestmark = pytest.mark.whole

X = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))


def flow(**options) -> NICE:
    return NICE(3, width=8, depth=1, **options)


def conditioned() -> Coupling:
    return Coupling(3, MLP(1, 4, width=8, condition_shape=(2,)))


@pytest.mark.parametrize(
    ("item", "x", "options", "error"),
    [
        (torch.nn.Linear(3, 3), X, {}, r"diffeo.Flow or diffeo.Bijection is needed, got Linear"),
        (flow(), X.tolist(), {}, r"x must be a tensor, got list. Use torch.as_tensor"),
        (flow(), X.numpy(), {}, r"x must be a tensor, got ndarray"),
        (ActNorm(3), X[0], {}, r"x must be rows, of shape \(N, ..\), got \(3,\)"),
        (flow(), X, {"rows": 1}, r"rows must be a whole number of at least 2, got 1"),
        (flow(), X, {"rows": 2.5}, r"rows must be a whole number of at least 2, got 2.5"),
        (flow(), X, {"ascent": -1}, r"ascent must be a whole number of at least 0, got -1"),
        (flow(), X, {"exact_up_to": -1}, r"exact_up_to must be a whole number of at least 0"),
        (flow(), X, {"radius": math.nan}, r"radius must be a positive number of standard deviations, got nan"),
        (flow(), X, {"accept": -1.0}, r"accept must be a positive number of standard deviations"),
        (flow(), X, {"condition": torch.zeros(30, 2)}, r"got a condition, but takes none"),
        (flow(), None, {"condition": 1}, r"got a condition, but takes none"),
        (flow(classes=3), None, {"condition": [0, 9]}, r"classes are 0 to 2, got 0 to 9"),
        (flow(condition_shape=2), X, {"condition": torch.zeros(30, 5)}, r"\(N, 2\) is needed, or \(2\).*\(30, 5\)"),
        (flow(condition_shape=2), None, {"condition": torch.zeros(5)}, r"\(N, 2\) is needed, or \(2\).*\(5,\)"),
        (flow(condition_shape=2), X, {"condition": torch.full((30, 2), math.nan)}, r"condition holds NaN"),
        (conditioned(), X, {"condition": torch.zeros(7, 2)}, r"expected 30 rows of conditions, or one for all, got 7"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(item, x, options, error: str) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        verify(item, x, **options)


def test_conditions_that_fit_are_taken() -> None:
    for condition in (torch.zeros(2), torch.zeros(1, 2), torch.zeros(30, 2)):
        assert verify(flow(condition_shape=2), X, condition, rows=8).ok
    for condition in (1, [1], torch.arange(30) % 3):
        assert verify(flow(classes=3), X, condition, rows=8).ok
    assert verify(RealNVP(3, couplings=2, width=8), X, rows=8, ascent=0).ok


def test_the_command_verifies_a_flow_in_float64_on_data_in_float32(tmp_path) -> None:
    RealNVP(2, couplings=2, width=8).double().save_pretrained(tmp_path / "flow")
    code = "from diffeo.cli import main; main(['verify', 'flow', 'moons', '--rows', '8'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RealNVP, 2 dimensions, float64" in done.stdout
