"""What makes flows on MNIST converge in minutes: each variant for the same time, one change at a time.

    DIFFEO_DATA=~/data python benchmarks/study_mnist.py --minutes 1
    DIFFEO_DATA=~/data python benchmarks/study_mnist.py --minutes 10 --seeds 3 --only glow realnvp

Every variant is the recipe (`Glow` or `RealNVP` with its defaults, batches of 64, a learning rate of 8e-3, conditioners
in bf16) with one thing changed, trained by `fit` in a process of its own with one thread, and scored on the validation
part. So that other work on the machine does not decide, a minute is 480 steps of the recipe `glow-mnist` (as many as it
did on an idle core), and a variant does as many steps as take that time: the cost of its step and of the recipe's are
measured in turns, and the medians' ratio counts. Two run at a time, or with `--at-once 1` one.
Conditioners that the library does not have are defined below. Prints a Markdown table.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {  # name: flow, what is changed
    "glow": ("Glow", {}),
    "glow, logit and standardisation": ("Glow", {"preprocessing": "logit"}),
    "glow, lr 1e-3": ("Glow", {"lr": 1e-3}),
    "glow, lr 4e-3": ("Glow", {"lr": 4e-3}),
    "glow, lr 16e-3": ("Glow", {"lr": 16e-3}),
    "glow, batches of 32": ("Glow", {"batch_size": 32}),
    "glow, batches of 128": ("Glow", {"batch_size": 128}),
    "glow, width 32": ("Glow", {"width": 32}),
    "glow, width 96": ("Glow", {"width": 96}),
    "glow, 4 steps a level": ("Glow", {"steps": 4}),
    "glow, 16 steps a level": ("Glow", {"steps": 16}),
    "glow, 4 steps, width 96": ("Glow", {"steps": 4, "width": 96}),
    "glow, no bias for every place": ("Glow", {"network": "no places"}),
    "glow, last layer no faster": ("Glow", {"network": "no gain"}),
    "glow, gated residual networks": ("Glow", {"network": "gated"}),
    "glow, depthwise networks": ("Glow", {"network": "depthwise"}),
    "glow, attention at 7x7": ("Glow", {"network": "attention"}),
    "glow, float32 conditioners": ("Glow", {"precision": "float32"}),
    "glow, average over 100 steps": ("Glow", {"ema": 0.99}),
    "realnvp": ("RealNVP", {}),
    "realnvp, logit and standardisation": ("RealNVP", {"preprocessing": "logit"}),
    "realnvp, lr 4e-3": ("RealNVP", {"lr": 4e-3}),
    "realnvp, width 32": ("RealNVP", {"width": 32}),
    "realnvp, width 64": ("RealNVP", {"width": 64}),
    "realnvp, 2 blocks": ("RealNVP", {"blocks": 2}),
}
TRAINING = ("lr", "batch_size", "precision", "ema")
STEPS_A_MINUTE = 480  # of the recipe glow-mnist, one thread: 4,811 in ten minutes


class Residual(nn.Module):
    """A ConvNet with a residual block in its middle: gated, depthwise, or with attention over places where few."""

    def __init__(self, channels: int, outputs: int, *, width: int, places: tuple[int, int], kind: str, **_: Any):
        from diffeo.networks.coordinates import PlaceBias
        from diffeo.networks.last_layer import OutputConv

        super().__init__()
        self.condition_shape, self.kind = None, kind
        self.first, self.places = nn.Conv2d(channels, width, 3, padding=1), PlaceBias(width, places)
        self.narrow = nn.Conv2d(width, width, 1)
        self.attend = kind == "attention" and places[0] * places[1] <= 49
        if kind == "gated":
            self.block = nn.Conv2d(width, 2 * width, 1)
        elif kind == "depthwise":
            self.block = nn.Conv2d(width, width, 5, padding=2, groups=width)
        elif self.attend:
            self.block = nn.Conv2d(width, 3 * width, 1)
        self.output = OutputConv(width, outputs)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = F.relu(self.narrow(F.relu(self.places(self.first(x)))))
        if self.kind == "gated":
            value, gate = self.block(h).chunk(2, 1)
            h = h + value * torch.sigmoid(gate)
        elif self.kind == "depthwise":
            h = h + F.relu(self.block(h))
        elif self.attend:
            q, k, v = (part.flatten(2).transpose(1, 2) for part in self.block(h).chunk(3, 1))
            h = h + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).view_as(h)
        return self.output(h)


@contextmanager
def changed_networks(kind: str | None) -> Iterator[None]:
    """Let Glow build other conditioners."""
    from diffeo.flows import glow
    from diffeo.networks import last_layer

    original, gain = glow.ConvNet, last_layer.GAIN
    if kind == "no gain":
        last_layer.GAIN = 1.0
    elif kind == "no places":
        glow.ConvNet = lambda *args, places, **kwargs: original(*args, **kwargs)  # type: ignore[assignment, misc]
    elif kind is not None:
        glow.ConvNet = functools.partial(Residual, kind=kind)  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        glow.ConvNet, last_layer.GAIN = original, gain


def build(name: str, seed: int) -> tuple[Any, dict[str, Any]]:
    """A variant's flow, and its options of training."""
    import diffeo

    flow_name, change = VARIANTS[name]
    training = {"lr": 8e-3, "batch_size": 64, "precision": "bf16", "patience": None, "seed": seed, "progress": False}
    training |= {key: value for key, value in change.items() if key in TRAINING}
    torch.manual_seed(seed)
    options = {key: value for key, value in change.items() if key not in (*TRAINING, "network")}
    return getattr(diffeo, flow_name)((1, 28, 28), values=256, **options), training


def step_seconds(name: str, rows: Tensor) -> float:
    """What a step of a variant takes, over ten of them."""
    import diffeo

    flow, training = build(name, 0)
    some = rows[: 10 * training["batch_size"]]
    done = diffeo.fit(flow, some, validation=rows[:64], epochs=1, **training)
    return sum(done.timings[part] for part in ("batches", "forward", "backward", "optimizer")) / done.steps


def one(name: str, minutes: float, seed: int) -> None:
    """Train and score a variant; prints a line of JSON."""
    import diffeo

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    data = diffeo.data.load("mnist")
    cost = 1.0
    flow_name, change = VARIANTS[name]
    if flow_name != "Glow" or not set(change) <= {"lr", "ema"}:
        base, variant = [], []
        for _ in range(5):
            base.append(step_seconds("glow", data.train.x))
            with changed_networks(change.get("network")):
                variant.append(step_seconds(name, data.train.x))
        cost = statistics.median(variant) / statistics.median(base)
    with changed_networks(change.get("network")):
        flow, training = build(name, seed)
        steps = round(STEPS_A_MINUTE * minutes / cost)
        epochs = -(-steps * training["batch_size"] // len(data.train.x))
        rows = data.train.x[: steps * training["batch_size"] // epochs]
        done = diffeo.fit(flow, rows, validation=data.validation.x[:500], epochs=epochs, **training)
        flow.eval()
        bits = flow.bits_per_dim(data.validation.x, generator=torch.Generator().manual_seed(0), batch_size=250).double()
    print(json.dumps({"bits": float(bits.mean()), "error": float(bits.std() / len(bits) ** 0.5), "steps": done.steps,
                      "cost": cost, "parameters": sum(p.numel() for p in flow.parameters())}))  # fmt: skip


def main() -> None:
    """Run the variants."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2, choices=(1, 2))
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], options.minutes, int(options.one[1]))
        return
    print(f"{options.minutes:g} minutes of the recipe each, one thread, validation part\n")
    print("| variant | seed | bits/dim | standard error | steps | cost of a step | parameters |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    jobs = [(name, seed) for name in options.only for seed in range(options.seeds)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    while jobs:
        some, jobs = jobs[: options.at_once], jobs[options.at_once :]
        command = [sys.executable, str(Path(__file__).resolve()), "--minutes", str(options.minutes), "--one"]
        running = [
            subprocess.Popen([*command, name, str(seed)], stdout=subprocess.PIPE, text=True, env=environment)
            for name, seed in some
        ]
        for (name, seed), process in zip(some, running, strict=True):
            told, _ = process.communicate()
            if process.returncode:
                sys.exit(f"{name} failed")
            found = json.loads(told.strip().splitlines()[-1])
            print(f"| {name} | {seed} | {found['bits']:.4f} | {found['error']:.4f} | {found['steps']:,} "
                  f"| {found['cost']:.2f} | {found['parameters']:,} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
