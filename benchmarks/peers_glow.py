"""Glow on MNIST side by side: normflows' documented example and ours, one core each at the same time.

    pip install diffeo[bench]
    DIFFEO_DATA=~/data python benchmarks/peers_glow.py --minutes 10

Both get the same training rows, the same noise inside the cells and the choice of the same preprocessing; both are
scored by the same code, on the whole test set with the same noise. normflows' Glow is that of its documentation's
example (K=16 blocks a level, 256 hidden channels, scale by a sigmoid, split by channels, Adam with a learning rate of
1e-3 and a weight decay of 1e-5, batches of 128) with two levels, since 28 is 4 * 7. Ours is the recipe glow-mnist.
Each process takes one thread. Prints a Markdown table.
"""

import argparse
import importlib.metadata
import json
import math
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

PAIRS = (("normflows:scale", "diffeo:gaussianize"), ("normflows:gaussianize", "diffeo:logit"))
SHAPE, LEVELS, BLOCKS, HIDDEN = (1, 28, 28), 2, 16, 256


def preprocessing(kind: str, points: Tensor) -> tuple[nn.Module | None, float]:
    """A bijection on the dequantized points, initialized; for plain scaling to [0, 1) the log-det of a row."""
    import diffeo

    if kind == "scale":
        return None, -math.prod(SHAPE) * math.log(256)
    layers = {"gaussianize": [diffeo.Gaussianize(SHAPE, 256)], "logit": [diffeo.Logit(256), diffeo.Standardize(SHAPE)]}
    chain = diffeo.Chain(layers[kind])
    with torch.no_grad():
        chain.initialize(points)
    return chain, 0.0


def normflows_glow() -> nn.Module:
    """The example of normflows' documentation, for one channel of 28x28 pixels."""
    import normflows as nf

    base, flows, merges = [], [], []
    for i in range(LEVELS):
        channels, side = SHAPE[0] * 2 ** (LEVELS + 1 - i), SHAPE[1] // 2 ** (LEVELS - i)
        blocks = [nf.flows.GlowBlock(channels, HIDDEN, split_mode="channel", scale=True) for _ in range(BLOCKS)]
        flows.append([*blocks, nf.flows.Squeeze()])
        if i:
            merges.append(nf.flows.Merge())
        base.append(nf.distributions.DiagGaussian((channels if i == 0 else channels // 2, side, side)))
    return nf.MultiscaleFlow(base, flows, merges, class_cond=False)


def train_normflows(train: Tensor, kind: str, seconds: float, seed: int) -> tuple[Callable[[Tensor], Tensor], int, int]:
    """Its example's loop; with the function that gives log p of dequantized points, steps and parameters."""
    generator = torch.Generator().manual_seed(seed)
    before, constant = preprocessing(kind, train + torch.rand(train.shape, generator=generator))
    model = normflows_glow()

    def log_p(points: Tensor) -> Tensor:
        if before is None:
            return model.log_prob(points / 256, None) + constant
        z, log_det = before.encode(points)
        return model.log_prob(z, None) + log_det

    parameters = [*model.parameters(), *(() if before is None else before.parameters())]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, weight_decay=1e-5)
    start, step = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        rows = train[torch.randint(len(train), (128,), generator=generator)]
        loss = -log_p(rows + torch.rand(rows.shape, generator=generator)).mean()
        optimizer.zero_grad()
        if bool(loss.isfinite()):  # as in the example
            loss.backward()
            optimizer.step()
        step += 1
    return log_p, step, sum(p.numel() for p in parameters)


def train_ours(
    train: Tensor, validation: Tensor, kind: str, seconds: float, seed: int
) -> tuple[Callable[[Tensor], Tensor], int, int]:
    """The recipe's settings by `fit`; returns as above."""
    import diffeo

    torch.manual_seed(seed)
    flow = diffeo.Glow(SHAPE, values=256, preprocessing=kind)
    done = diffeo.fit(
        flow,
        train.to(torch.uint8),
        validation=validation.to(torch.uint8),
        epochs=1000,
        patience=None,
        batch_size=64,
        lr=8e-3,
        precision="auto",
        time_budget=seconds,
        seed=seed,
        progress=False,
    )
    flow.eval()

    def log_p(points: Tensor) -> Tensor:
        z, log_det = flow.bijection.encode(points)
        return flow.base.log_prob(z) + log_det

    return log_p, done.steps, sum(p.numel() for p in flow.parameters())


@torch.no_grad()
def score(log_p: Callable[[Tensor], Tensor], test: Tensor) -> tuple[float, float]:
    """Bits a dimension over the test rows, and their standard error; the noise is the same for everyone."""
    noise = (torch.randint(2**15, test.shape, generator=torch.Generator().manual_seed(0)) + 0.5) / 2**15
    bits = torch.cat([-log_p(x + u) for x, u in zip(test.split(250), noise.split(250), strict=True)])
    bits = bits.double() / (math.prod(SHAPE) * math.log(2))
    return float(bits.mean()), float(bits.std() / len(bits) ** 0.5)


def one(who: str, minutes: float, seed: int) -> None:
    """Train and score one of them; prints a line of JSON."""
    import diffeo

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    library, _, kind = who.partition(":")
    data = diffeo.data.load("mnist")
    train, validation, test = (part.x.float() for part in (data.train, data.validation, data.test))
    if library == "normflows":
        log_p, steps, parameters = train_normflows(train, kind, 60 * minutes, seed)
    else:
        log_p, steps, parameters = train_ours(train, validation, kind, 60 * minutes, seed)
    mean, error = score(log_p, test)
    print(json.dumps({"who": who, "bits": mean, "error": error, "steps": steps, "parameters": parameters}))


def main() -> None:
    """Run the pairs, both of a pair at the same time."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.minutes, options.seed)
        return
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("normflows", "diffeo", "torch")]
    print(f"{', '.join(versions)}; {options.minutes:g} minutes, one thread each, seed {options.seed}\n")
    print("| Glow of | preprocessing | test bits/dim | standard error | steps | parameters |")
    print("| --- | --- | --- | --- | --- | --- |")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for pair in PAIRS:
        command = [sys.executable, str(Path(__file__).resolve()), "--minutes", str(options.minutes),
                   "--seed", str(options.seed), "--one"]  # fmt: skip
        running = [
            subprocess.Popen([*command, who], stdout=subprocess.PIPE, text=True, env=environment) for who in pair
        ]
        for process in running:
            told, _ = process.communicate()
            if process.returncode:
                sys.exit(f"{process.args} failed")
            found = json.loads(told.strip().splitlines()[-1])
            library, _, kind = found["who"].partition(":")
            print(f"| {library} | {kind} | {found['bits']:.4f} | {found['error']:.4f} | {found['steps']} "
                  f"| {found['parameters']:,} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
