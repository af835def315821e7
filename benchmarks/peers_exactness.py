"""The verifier and a few probes of the contract on layers of other libraries, and on our own.

    python benchmarks/peers_exactness.py [--table FILE]

Needs the extra ``bench`` (zuko, normflows, nflows, FrEIA, at the versions in pyproject.toml). Every layer has its
parameters redrawn by the same seed and is wrapped as a bijection that declares nothing; like stands beside like.
"""

import argparse
import importlib.metadata
import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import FrEIA.modules as freia
import nflows.flows
import nflows.transforms as nflows_transforms
import normflows
import torch
import zuko
from torch import Tensor, nn

import diffeo
from diffeo import Bijection

FEATURES = 4
TIMEOUT = 60  # seconds
PEERS = ("diffeo", "zuko", "normflows", "nflows", "FrEIA")


class Wrapped(Bijection):
    """Another library's layer as a bijection, by two functions."""

    def __init__(self, layer: nn.Module, encode: Callable[..., Any], decode: Callable[..., Any]):
        super().__init__()
        self.layer, self._encode, self._decode = layer, encode, decode

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._encode(self.layer, x)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._decode(self.layer, z)


def of_zuko(layer: nn.Module) -> Wrapped:
    """A lazy transform of zuko's."""
    return Wrapped(layer, lambda lazy, x: lazy(None).call_and_ladj(x), lambda lazy, z: lazy(None).inv.call_and_ladj(z))


def of_normflows(layer: nn.Module) -> Wrapped:
    """A flow layer of normflows, whose forward goes from noise to data."""

    def run(way: Callable[[Tensor], tuple[Tensor, Tensor]], x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = way(x)
        return z, _of_rows(log_det, x)

    return Wrapped(layer, lambda flow, x: run(flow.inverse, x), lambda flow, z: run(flow.forward, z))


def _of_rows(log_det: Any, x: Tensor) -> Tensor:
    """A log_det that is one number for all rows, as one number a row: a convention, not a fault."""
    return torch.as_tensor(log_det, dtype=x.dtype).expand(len(x)) if torch.as_tensor(log_det).dim() == 0 else log_det


def of_nflows(layer: nn.Module) -> Wrapped:
    """A transform of nflows."""
    return Wrapped(layer, lambda transform, x: transform(x), lambda transform, z: transform.inverse(z))


def of_freia(layer: nn.Module) -> Wrapped:
    """A module of FrEIA."""

    def run(module: nn.Module, x: Tensor, rev: bool) -> tuple[Tensor, Tensor]:
        (z,), log_det = module((x,), rev=rev)
        return z, _of_rows(log_det, x)

    return Wrapped(layer, lambda module, x: run(module, x, False), lambda module, z: run(module, z, True))


def estimated(layer: Wrapped) -> Wrapped:
    """A layer whose log_det is declared an estimate: its mean is compared with autograd."""
    layer.log_det_kind = "estimated"
    return layer


def lipschitz() -> nn.Module:
    """The contraction of normflows' residual layer."""
    return normflows.nets.LipschitzMLP([FEATURES, 16, FEATURES])


def network(inputs: int, outputs: int) -> nn.Module:
    """A small conditioner."""
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))


def layers() -> dict[str, dict[str, tuple[str, Callable[[], Bijection]]]]:
    """Layers by kind and library, so that like stands beside like: each with its library's name for it."""
    half, mask = FEATURES // 2, torch.tensor([0, 1, 0, 1])
    rows, net = [(FEATURES,)], nflows_residual
    return {
        "activation normalisation": {
            "diffeo": ("ActNorm", lambda: diffeo.ActNorm(FEATURES)),
            "normflows": ("ActNorm", lambda: of_normflows(normflows.flows.ActNorm(FEATURES))),
            "nflows": ("ActNorm", lambda: of_nflows(nflows_transforms.ActNorm(FEATURES))),
            "FrEIA": ("ActNorm", lambda: of_freia(freia.ActNorm(rows))),
        },
        "affine coupling": {
            "diffeo": ("Coupling", lambda: diffeo.Coupling(FEATURES, diffeo.MLP(half, 2 * half, width=16))),
            "zuko": ("RealNVP, 1 transform", lambda: of_zuko(zuko.flows.RealNVP(FEATURES, transforms=1).transform)),
            "normflows": (
                "AffineCouplingBlock",
                lambda: of_normflows(normflows.flows.AffineCouplingBlock(network(half, 2 * half))),
            ),
            "nflows": (
                "AffineCouplingTransform",
                lambda: of_nflows(nflows_transforms.AffineCouplingTransform(mask, net)),
            ),
            "FrEIA": (
                "RNVPCouplingBlock",
                lambda: of_freia(freia.RNVPCouplingBlock(rows, subnet_constructor=network)),
            ),
        },
        "linear map by LU": {
            "diffeo": ("InvertibleConv1x1", lambda: diffeo.InvertibleConv1x1(FEATURES)),
            "normflows": ("LULinearPermute", lambda: of_normflows(normflows.flows.LULinearPermute(FEATURES))),
            "nflows": ("LULinear", lambda: of_nflows(nflows_transforms.LULinear(FEATURES))),
        },
        "spline coupling": {
            "normflows": (
                "CoupledRationalQuadraticSpline",
                lambda: of_normflows(normflows.flows.CoupledRationalQuadraticSpline(FEATURES, 1, 16)),
            ),
            "nflows": (
                "PiecewiseRationalQuadraticCouplingTransform",
                lambda: of_nflows(
                    nflows_transforms.PiecewiseRationalQuadraticCouplingTransform(
                        mask, net, tails="linear", tail_bound=3.0
                    )
                ),
            ),
        },
        "affine autoregressive": {
            "zuko": ("MAF, 1 transform", lambda: of_zuko(zuko.flows.MAF(FEATURES, transforms=1).transform)),
            "normflows": (
                "MaskedAffineAutoregressive",
                lambda: of_normflows(normflows.flows.MaskedAffineAutoregressive(FEATURES, 16)),
            ),
            "nflows": (
                "MaskedAffineAutoregressiveTransform",
                lambda: of_nflows(nflows_transforms.MaskedAffineAutoregressiveTransform(FEATURES, 16)),
            ),
        },
        "spline autoregressive": {
            "zuko": ("NSF, 1 transform", lambda: of_zuko(zuko.flows.NSF(FEATURES, transforms=1).transform)),
            "normflows": (
                "AutoregressiveRationalQuadraticSpline",
                lambda: of_normflows(normflows.flows.AutoregressiveRationalQuadraticSpline(FEATURES, 1, 16)),
            ),
        },
        "constant shift": {
            "normflows": ("transforms.Shift", lambda: of_normflows(normflows.transforms.Shift(0.5))),
            "nflows": (
                "PointwiseAffineTransform",
                lambda: of_nflows(nflows_transforms.PointwiseAffineTransform(shift=0.5)),
            ),
        },
        "residual, log-det an estimate": {
            "normflows": ("Residual", lambda: estimated(of_normflows(normflows.flows.Residual(lipschitz())))),
            "FrEIA": ("IResNetLayer", lambda: estimated(of_freia(freia.IResNetLayer(rows)))),
        },
        "coupling, permutation and scale in one": {
            "FrEIA": ("AllInOneBlock", lambda: of_freia(freia.AllInOneBlock(rows, subnet_constructor=network))),
        },
    }


def nflows_residual(inputs: int, outputs: int) -> nn.Module:
    """A conditioner as nflows' couplings call it."""
    from nflows.nn.nets import ResidualNet

    return ResidualNet(inputs, outputs, hidden_features=16, num_blocks=1)


def verified(make: Callable[[], Bijection]) -> tuple[str, str]:
    """What the verifier says of a layer: the verdict and what it found."""
    torch.manual_seed(0)
    layer = make()
    with torch.no_grad():
        for parameter in layer.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn_like(parameter))
    try:
        report = diffeo.verify(layer, torch.randn(64, FEATURES), rows=64)
    except Exception as error:
        return "cannot be run", f"{type(error).__name__}: {str(error).splitlines()[0]}"
    found = "; ".join(
        f"{fault.promise}: {fault.found}" for fault in (*report.faults, *report.weaknesses, *report.unchecked)
    )
    return report.verdict.partition(":")[0], found or "-"


def made_actnorm(peer: str) -> Any:
    """An uninitialised ActNorm of a library in training mode, and how to initialise it from a batch."""
    if peer == "diffeo":
        layer: Any = diffeo.ActNorm(FEATURES)
        return layer, lambda x: layer.initialize(x)
    if peer == "normflows":
        layer = normflows.flows.ActNorm(FEATURES)
        return layer, lambda x: layer.inverse(x)
    if peer == "nflows":
        layer = nflows_transforms.ActNorm(FEATURES).train()
        return layer, lambda x: layer(x)
    layer = freia.ActNorm([(FEATURES,)])
    return layer, lambda x: layer((x,))


def first_batch(peer: str, batch: Tensor) -> str:
    """Whether ActNorm's parameters are finite after a first batch."""
    if peer == "zuko":
        return "no ActNorm"
    layer, start = made_actnorm(peer)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start(batch)
    except Exception as error:
        return f"{type(error).__name__}"
    numbers = [*layer.parameters(), *layer.buffers()]
    return "finite" if all(bool(n.isfinite().all()) for n in numbers if n.is_floating_point()) else "NaN or infinite"


def made_flow(peer: str) -> Any:
    """A RealNVP of a library, and its log density."""
    torch.manual_seed(0)
    if peer == "diffeo":
        flow: Any = diffeo.RealNVP(FEATURES, couplings=2, width=16)
        return flow, flow.log_prob
    if peer == "zuko":
        flow = zuko.flows.RealNVP(FEATURES, transforms=2)
        return flow, lambda x: flow().log_prob(x)
    if peer == "normflows":
        blocks = [normflows.flows.AffineCouplingBlock(network(2, 4)) for _ in range(2)]
        flow = normflows.NormalizingFlow(normflows.distributions.DiagGaussian(FEATURES), blocks)
        return flow, flow.log_prob
    if peer == "nflows":
        mask = torch.tensor([0, 1, 0, 1])
        transform = nflows_transforms.AffineCouplingTransform(mask, nflows_residual)
        flow = nflows.flows.Flow(transform, nflows.distributions.StandardNormal([FEATURES]))
        return flow, flow.log_prob
    flow = freia.RNVPCouplingBlock([(FEATURES,)], subnet_constructor=network)

    def log_prob(x: Tensor) -> Tensor:
        (z,), log_det = flow((x,))
        return -0.5 * z.square().sum(1) + log_det

    return flow, log_prob


def attempt(run: Callable[[], str]) -> str:
    """What a probe says, or which error ended it."""
    try:
        return run()
    except Exception as error:
        return f"{type(error).__name__}"


def precision(peer: str) -> str:
    """The type of the whole log-determinant of a float64 model."""
    flow, _ = made_flow(peer)
    flow.double()
    run = {
        "diffeo": lambda x: flow.bijection.encode(x)[1],
        "zuko": lambda x: flow().transform.call_and_ladj(x)[1],
        "normflows": lambda x: flow.inverse_and_log_det(x)[1],
        "nflows": lambda x: flow._transform(x)[1],
        "FrEIA": lambda x: flow((x,))[1],
    }[peer]
    return str(run(torch.randn(3, FEATURES, dtype=torch.float64)).dtype).removeprefix("torch.")


def callers_tensor(make: Callable[[], Bijection]) -> str:
    """What becomes of the tensor of zeros that is handed to a layer."""
    torch.manual_seed(0)
    x = torch.zeros(3, FEATURES)
    make().eval().encode(x)
    if bool((x != 0).any()):
        return f"changed to {float(x[0, 0]):g}"
    return "requires a gradient" if x.requires_grad else "as it was"


def empty(peer: str) -> str:
    """The log density of no rows."""
    return "right" if made_flow(peer)[1](torch.zeros(0, FEATURES)).shape == (0,) else "wrong shape"


def per_row_gradients(peer: str) -> str:
    """Gradients of single rows by vmap."""
    _, log_prob = made_flow(peer)
    x = torch.randn(3, FEATURES)
    torch.func.vmap(torch.func.grad(lambda row: log_prob(row[None])[0]))(x)
    return "works"


def generator(peer: str) -> str:
    """Whether samples can be drawn from a generator of one's own."""
    if peer == "FrEIA":
        return "no sample"
    flow, _ = made_flow(peer)
    sample = flow().sample if peer == "zuko" else flow.sample
    return "yes" if "generator" in inspect.signature(sample).parameters else "no"


def broken_row_of_a_solver() -> str:
    """Whether zuko's continuous flow ends when one row is NaN; in a process of its own, for TIMEOUT seconds."""
    code = """
import torch, zuko
flow = zuko.flows.CNF(2, hidden_features=(16,))
x = torch.zeros(4, 2)
flow().log_prob(x)
print("clean", flush=True)
x[1, 0] = float("nan")
flow().log_prob(x)
"""
    try:
        subprocess.run([sys.executable, "-c", code], timeout=TIMEOUT, capture_output=True, check=False)
    except subprocess.TimeoutExpired as error:
        return f"did not end in {TIMEOUT} s" if error.stdout and b"clean" in error.stdout else "too slow to tell"
    return "ended"


PROBES: dict[str, Callable[[str], str]] = {
    "ActNorm after a first batch of one row": lambda peer: first_batch(peer, torch.randn(1, FEATURES)),
    "ActNorm after a batch with a constant column": lambda peer: first_batch(
        peer, torch.randn(32, FEATURES) * torch.tensor([1.0, 0.0, 1.0, 1.0])
    ),
    "type of log-det of a float64 model": precision,
    "log p of an empty batch": empty,
    "gradients of single rows, vmap(grad(log p))": per_row_gradients,
    "samples from a generator of one's own": generator,
}


def report() -> str:
    """All tables, as Markdown."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", *PEERS))
    lines = [
        f"Versions: {versions}.",
        "",
        "| kind | layer | verdict | found | the caller's tensor, zeros, afterwards |",
    ]
    lines.append("| --- | --- | --- | --- | --- |")
    for kind, by_library in layers().items():
        for library, (name, make) in by_library.items():
            verdict, found = verified(make)
            after = attempt(lambda make=make: callers_tensor(make))  # type: ignore[misc]
            lines.append(f"| {kind} | {library} {name} | {verdict.lower()} | {found} | {after} |")
    lines += ["", f"| probe | {' | '.join(PEERS)} |", f"| --- |{' --- |' * len(PEERS)}"]
    for probe, run in PROBES.items():
        answers = [attempt(lambda peer=peer, run=run: run(peer)) for peer in PEERS]  # type: ignore[misc]
        lines.append(f"| {probe} | {' | '.join(answers)} |")
    lines += ["", f"A continuous flow (zuko CNF) with one row of NaN of four: {broken_row_of_a_solver()}.", ""]
    return "\n".join(lines)


def main() -> None:
    """Print the tables, or write them to a file."""
    parser = argparse.ArgumentParser(description="The verifier on layers of other libraries.")
    parser.add_argument("--table", type=Path, help="write to this file as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    text = report()
    print(text)
    if arguments.table is not None:
        arguments.table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
