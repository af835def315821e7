"""The short trainings behind the slides on RealNVP, and what its MNIST model remembers: course/measured/realnvp.json.

DIFFEO_DATA=~/data python course/figures/realnvp_measured.py            everything: a few minutes
python course/figures/realnvp_measured.py memory masks                 some of it
"""

import argparse
import json
import math
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import diffeo
from diffeo.system.writing import write_atomically

FILE = Path(__file__).parents[1] / "measured" / "realnvp.json"
COMMAND = "DIFFEO_DATA=~/data python course/figures/realnvp_measured.py"
Loss = Callable[[diffeo.Flow, Tensor, torch.Generator], Tensor]


def masks(*, steps: int = 300) -> dict[str, Any]:
    """Digits, six couplings: alternating halves, one half only, and alternating without dequantization.

    A row is the step, the loss of its batch, the same loss of the test images, and their bits/dim with noise.
    """
    data = diffeo.data.load("digits")
    train_x, test_x = data.train.x.flatten(1), data.test.x.flatten(1)
    scale = test_x.shape[1] * math.log(2)

    def likelihood(flow: diffeo.Flow, x: Tensor, generator: torch.Generator) -> Tensor:
        return -flow.log_prob(x, generator=generator).mean() / scale

    def no_noise(flow: diffeo.Flow, x: Tensor, generator: torch.Generator) -> Tensor:
        return -flow.log_prob(x, noise=torch.full(x.shape, 0.5)).mean() / scale

    found: dict[str, Any] = {"steps": steps}
    for name, alternate, loss in (
        ("alternating", True, likelihood),
        ("one_mask", False, likelihood),
        ("no_noise", True, no_noise),
    ):
        torch.manual_seed(0)
        flow = flow_of_halves(alternate)
        flow.initialize(train_x, generator=torch.Generator().manual_seed(0))
        curve = []

        def look(step: int, own: float, flow: diffeo.Flow = flow, curve: list[Any] = curve, loss: Loss = loss) -> None:
            generator = torch.Generator().manual_seed(1)
            with torch.no_grad():
                reported = float(loss(flow, test_x, generator))
            true = float(flow.bits_per_dim(test_x, generator=torch.Generator().manual_seed(1)).mean())
            curve.append([step, own, reported, true])

        train(flow, train_x, loss, steps=steps, look=look)
        found[name] = rounded(curve)
    return found


def flow_of_halves(alternate: bool) -> diffeo.Flow:
    """Logit, Standardize and six couplings of the upper and lower half of an 8x8 image of 17 values."""
    layers: list[diffeo.Bijection] = [diffeo.Logit(17, alpha=0.05), diffeo.Standardize((64,))]
    for i in range(6):
        swap = alternate and i % 2 == 1
        layers.append(diffeo.Coupling(64, diffeo.MLP(32, 64, width=256), swap=swap))
    return diffeo.Flow(diffeo.Chain(layers), diffeo.StandardNormal(64), door=diffeo.Quantizer(17))


def memory(*, steps: int = 20) -> dict[str, Any]:
    """Peak memory of training steps of the MNIST model, on random pixels; best in a process of its own."""
    flow = diffeo.load("realnvp-mnist")
    flow.train()
    x = torch.randint(0, 256, (64, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(flow.parameters(), lr=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        (-flow.log_prob(x).mean()).backward()
        optimizer.step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"batch_size": 64, "steps": steps, "peak_bytes": peak}


def memorisation() -> dict[str, Any]:
    """Whether samples of the MNIST model are copies of training images."""
    data = diffeo.data.load("mnist")
    return diffeo.evaluation.memorisation(diffeo.load("realnvp-mnist"), data).summary()


def train(flow: diffeo.Flow, x: Tensor, loss: Loss, *, steps: int, look: Callable[[int, float], None]) -> None:
    """Adam with batches of 128; `look` at the flow every twentieth step."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
    for step in range(steps + 1):
        rows = torch.randint(len(x), (128,), generator=generator)
        value = loss(flow, x[rows], generator)
        if step % 20 == 0:
            look(step, float(value.detach()))
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
        optimizer.step()


def rounded(rows: list[list[float]], digits: int = 4) -> list[list[float]]:
    """Numbers as they are written."""
    return [[round(value, digits) for value in row] for row in rows]


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    "memory": memory,  # first: the peak is the process's
    "masks": masks,
    "memorisation": memorisation,
}


def main() -> None:
    """Measure what is asked for, and keep the rest of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them if none is named")
    asked = parser.parse_args().parts or list(PARTS)
    torch.set_num_threads(1)
    found = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    found["command"] = COMMAND
    for name, measure in PARTS.items():
        if name in asked:
            found[name] = measure()
    FILE.parent.mkdir(exist_ok=True)
    write_atomically(FILE, (json.dumps(found, separators=(",", ":")) + "\n").encode())


if __name__ == "__main__":
    main()
