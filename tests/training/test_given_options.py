"""What a training is told is looked at before anything is done, by the rules of whatever takes it."""

from typing import Any

import numpy as np
import pytest
import torch

import diffeo
from diffeo import RealNVP
from diffeo.training import fit

ROWS = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("seed", [-5, 2**64, 1.5, True, "3", None, [1], np.float32(1)])
def test_what_is_no_seed_is_refused_before_any_work(seed: Any) -> None:
    flow = RealNVP(2, couplings=2, width=4)
    digits = diffeo.data.load("digits")
    images = RealNVP((1, 8, 8), values=17, width=4, blocks=1)
    for taking in (
        lambda: fit(flow, ROWS, epochs=1, seed=seed, progress=False),
        lambda: diffeo.evaluation.evaluate(flow, diffeo.data.load("moons"), seed=seed),
        lambda: diffeo.verify(flow, ROWS, seed=seed),
        lambda: diffeo.evaluation.calibration(flow, diffeo.data.Part(ROWS), seed=seed),
        lambda: diffeo.evaluation.memorisation(images, digits, seed=seed),
        lambda: diffeo.editing.train_classifier(digits, seed=seed),
        lambda: diffeo.editing.known_pixels("50%", (1, 8, 8), seed=seed),
    ):
        with pytest.raises((TypeError, ValueError), match="seed must be a whole number"):
            taking()
    assert not flow.initialized


def test_a_seed_of_numpy_is_the_same_as_pythons() -> None:
    losses = []
    for seed in (3, np.int64(3), np.uint8(3)):
        torch.manual_seed(0)
        flow = RealNVP(2, couplings=2, width=4)
        losses.append(fit(flow, ROWS, epochs=1, seed=seed, progress=False, threads=1).history[0]["validation"])
    assert losses[0] == losses[1] == losses[2]
    large = fit(flow, ROWS, epochs=1, seed=2**64 - 1, progress=False, threads=1)
    assert np.isfinite(large.history[0]["validation"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 1.5}, "epochs must be a whole number, or None, got 1.5"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"batch_size": "128"}, "batch_size must be a whole number, or None, got '128'"),
        ({"accumulate": None}, "accumulate must be a whole number, got None"),
        ({"accumulate": 100}, "a batch of 54 rows cannot be computed in 100 parts. Use accumulate=54 or less"),
        ({"lr": "1e-3"}, "lr must be a number, or None, got '1e-3'"),
        ({"lr": float("nan")}, "lr must be positive, got nan"),
        ({"lr": float("inf")}, "lr must be positive, got inf"),
        ({"lr": -1}, "lr must be positive, got -1"),
        ({"clip": float("nan")}, "clip must be positive, got nan"),
        ({"ema": "x"}, "ema must be a number"),
        ({"time_budget": float("inf")}, "time_budget must be a positive number of seconds, got inf"),
        ({"time_budget": "10m"}, "time_budget must be a number, or None, got '10m'"),
        ({"patience": 0.5}, "patience must be a whole number, or None"),
        ({"warmup": float("nan")}, "warmup must be a whole number, or None"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_before_any_work(options: dict[str, Any], said: str) -> None:
    flow = RealNVP(2, couplings=2, width=4)
    with pytest.raises((TypeError, ValueError)) as refused:
        fit(flow, ROWS, progress=False, **{"epochs": 1, **options})
    assert said in str(refused.value)
    assert not flow.initialized
