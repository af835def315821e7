"""Hand-ins with weights and claims: an honest one, trained here in seconds, and others that are made from it."""

import importlib.util
import json
import types
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from diffeo.data import load
from diffeo_course.handin.choice import seed_of
from diffeo_course.material import material
from grading.wrong_code import edited

ID = "20231234"
SMALL = edited(("hidden=128, layers=8", "hidden=16, layers=4"))
EPOCHS = 4


@dataclass(frozen=True)
class HandIn:
    """The files of a zip."""

    code: str
    weights: bytes | None
    metrics: list[dict[str, Any]]
    claims: dict[str, Any]

    def packed(self, path: Path) -> Path:
        """Write the zip."""
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("submission.py", self.code)
            if self.weights is not None:
                archive.writestr("weights.safetensors", self.weights)
            archive.writestr("metrics.jsonl", "".join(json.dumps(record) + "\n" for record in self.metrics))
            archive.writestr("report.json", json.dumps(self.claims))
        return path


def program(code: str) -> types.ModuleType:
    """A student's program as a module."""
    module = types.ModuleType("submission")
    exec(compile(code, "submission.py", "exec"), module.__dict__)
    return module


def trained(code: str) -> HandIn:
    """What run.py makes of a program."""
    spec = importlib.util.spec_from_file_location("run", material() / "assignment" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    seed = seed_of(ID)
    model, metrics, bits = run.train(program(code), load("digits"), EPOCHS, seed)
    claims = {"id": ID, "name": "홍길동", "bits_per_dim": bits, "values": 17, "epochs": EPOCHS, "seed": seed}
    return HandIn(code, save(model.state_dict()), metrics, claims)


@dataclass(frozen=True)
class Claim:
    """A hand-in made from the honest one, and the points of the analysis that it is to be given, out of 30.

    Another one has the same weights if they were `copied`.
    """

    name: str
    change: Callable[[HandIn], HandIn]
    points: float
    reasons: dict[str, str] = field(default_factory=dict)
    copied: bool = False


def _claims(**more: Any) -> Callable[[HandIn], HandIn]:
    return lambda honest: replace(honest, claims={**honest.claims, **more})


def _code(*changes: tuple[str, str]) -> Callable[[HandIn], HandIn]:
    return lambda honest: replace(honest, code=edited(*changes, base=honest.code))


def _better_curve(honest: HandIn) -> HandIn:
    metrics = [
        {**each, "train": each["train"] - 0.3, "validation": each["validation"] - 0.3} for each in honest.metrics
    ]
    return replace(honest, metrics=metrics)


def _untrained(honest: HandIn) -> HandIn:
    torch.manual_seed(0)
    return replace(honest, weights=save(program(honest.code).RealNVP().state_dict()))


FORWARD = ("        return z, log_det\n\n    def inverse(self, z):", "        return {}\n\n    def inverse(self, z):")


def returns(text: str) -> Callable[[HandIn], HandIn]:
    return _code((FORWARD[0], FORWARD[1].format(text)))


NOTHING = {"model": "weights-none", "claimed-bits": "weights-none", "density": "density-no-log-det"}
CLAIMS = [
    Claim("honest", lambda honest: honest, 30),
    Claim("forward works in float32 alone", returns("(z @ torch.eye(z.shape[1])), log_det"), 30),
    Claim("claims a better figure", _claims(bits_per_dim=1.9), 20, {"claimed-bits": "bits-differ"}),
    Claim("claims no figure", _claims(bits_per_dim="good"), 20, {"claimed-bits": "bits-not-claimed"}),
    Claim(
        "a number of values that no data set has",
        _claims(values=[17]),
        4,
        {
            "model": "model-values",
            "claimed-bits": "model-values",
            "density": "model-values",
            "curves": "curves-not-computed",
        },
    ),
    Claim("forged metrics", _better_curve, 24, {"curves": "curves-differ"}),
    Claim("no metrics", lambda honest: replace(honest, metrics=[]), 24, {"curves": "curves-none"}),
    Claim("fewer rows than epochs", _claims(epochs=60), 27.5, {"curves": "curves-epochs"}),
    Claim("the seed of another's id", _claims(seed=77777), 28, {"own-weights": "weights-seed"}),
    Claim(
        "another's id in the file's name and the seed",
        _claims(id="20239999", seed=seed_of(ID)),
        26,
        {"own-weights": "weights-ids-differ"},
    ),
    Claim(
        "no weights",
        lambda honest: replace(honest, weights=None),
        3,
        {**NOTHING, "curves": "curves-not-computed", "own-weights": "weights-none"},
    ),
    Claim(
        "weights of another architecture",
        _code(("hidden=16, layers=4", "hidden=24, layers=4")),
        7,
        {
            "model": "model-other-weights",
            "claimed-bits": "bits-not-computed",
            "density": "density-no-log-det",
            "curves": "curves-not-computed",
        },
    ),
    Claim(
        "what calls itself weights",
        lambda honest: replace(honest, weights=b"not a safetensors file"),
        3,
        {
            "model": "model-failed",
            "claimed-bits": "bits-not-computed",
            "density": "density-no-log-det",
            "curves": "curves-not-computed",
            "own-weights": "weights-unreadable",
        },
    ),
    Claim("weights of another hand-in", _claims(), 26, {"own-weights": "weights-of-another"}, copied=True),
    Claim(
        "weights of a new model",
        _untrained,
        8,
        {
            "claimed-bits": "bits-differ",
            "curves": "curves-differ",
            "own-weights": "weights-new",
            "model": "model-still",
        },
    ),
    Claim(
        "constant log_prob",
        returns("z * 0, 0 * log_det + 100.0"),
        4,
        {
            "model": "model-not-inverse",
            "claimed-bits": "bits-differ",
            "density": "density-mass-wrong",
            "curves": "curves-differ",
        },
    ),
    Claim(
        "log-det twice too large, and the figure to match",
        lambda honest: with_own_figures(returns("z, 2 * log_det")(honest)),
        14,
        {"claimed-bits": "bits-no-density", "density": "density-log-det-wrong"},
    ),
    Claim(
        "a better log-det in float32 alone, and the figure to match",
        lambda honest: with_own_figures(returns("z, log_det + 60.0 * (y.dtype == torch.float32)")(honest)),
        17,
        {"claimed-bits": "bits-no-density", "density": "density-depends"},
    ),
    Claim(
        "forward returns some rows only",
        returns("z[:5], log_det"),
        7,
        {
            "model": "model-rows",
            "claimed-bits": "bits-not-computed",
            "density": "density-no-log-det",
            "curves": "curves-not-computed",
        },
    ),
    Claim(
        "the model forgets to alternate its masks",
        lambda honest: with_own_figures(
            _code(("masks[layer], network)", "masks[0], network)"), ("masks[layer], self", "masks[0], self"))(honest)
        ),
        28,
        {"model": "model-still"},
    ),
    Claim(
        "no inverse",
        _code(("    def inverse(self, z):", "    def backwards(self, z):")),
        18,
        {"model": "model-no-inverse", "claimed-bits": "bits-not-inverted"},
    ),
    Claim(
        "the model never ends",
        _code(
            (
                "        x, log_det = logit(y.flatten(1))",
                "        while True:\n            pass\n        x, log_det = logit(y.flatten(1))",
            )
        ),
        7,
        {
            "model": "model-failed",
            "claimed-bits": "bits-not-computed",
            "density": "density-no-log-det",
            "curves": "curves-not-computed",
        },
    ),
]


def with_own_figures(hand_in: HandIn) -> HandIn:
    """The same with claims and records that its own code would give for these weights."""
    from safetensors.torch import load as tensors

    spec = importlib.util.spec_from_file_location("run", material() / "assignment" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    assert hand_in.weights is not None
    code, data = program(hand_in.code), load("digits")
    model = code.RealNVP()
    model.load_state_dict(tensors(hand_in.weights))
    figures = {name: run.measure(code, model, data, getattr(data, name)) for name in ("train", "validation", "test")}
    last = {"train": figures["train"], "validation": figures["validation"]}
    first = {name: value + 1 for name, value in last.items()}
    metrics = [{"epoch": n + 1, **(last if n == EPOCHS - 1 else first)} for n in range(EPOCHS)]
    return replace(hand_in, metrics=metrics, claims={**hand_in.claims, "bits_per_dim": figures["test"]})
