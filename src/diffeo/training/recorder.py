"""The flight recorder: when a step has no finite gradient, which rows, which layer, which quantity."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from diffeo.bijections import Step
from diffeo.flow import Flow
from diffeo.system.writing import write_atomically

MOST_KEPT = 3  # batches of one training
LARGE = 8.0  # standard deviations
NOT_AGAIN = "gradient"  # where nothing was wrong when the step was run again


@dataclass(frozen=True)
class Incident:
    """What went wrong in a step.

    Attributes:
        step: its number.
        attempt: how often the training had been rolled back.
        lr: the learning rate.
        layer: the first layer where something was not finite, in the order of computation; None if only the
            gradient of a parameter was.
        quantity: what was not finite there.
        rows: numbers of the training rows of the batch in which it shows; all of the batch's where it is not of rows.
        largest: the largest absolute value that entered that layer.
        advice: what to try.
    """

    step: int
    attempt: int
    lr: float
    layer: str | None
    quantity: str
    rows: list[int]
    largest: float
    advice: str

    def __str__(self) -> str:
        some = ", ".join(map(str, self.rows[:5])) + (", .." if len(self.rows) > 5 else "")
        where = "" if self.layer is None else f" of layer {self.layer}"
        if self.quantity == NOT_AGAIN:
            return (
                f"step {self.step}: the gradient was not finite, but is when the step is run again (training rows "
                f"{some}). Something in the flow is not a function of its input: random numbers of its own, or a state"
            )
        entered = f"; the largest number that went in was {self.largest:.3g}" if math.isfinite(self.largest) else ""
        return (
            f"step {self.step}: the {self.quantity}{where} is not finite, in {len(self.rows)} rows of the batch "
            f"(training rows {some}){entered}. {self.advice}"
        )


def examine(
    flow: Flow, x: Tensor, condition: Tensor | None, noise: Tensor | None, rows: Tensor, *, step: int, attempt: int,
    lr: float, precision: str,
) -> Incident:  # fmt: skip
    """Run the step again, layer by layer, and name the first thing that is not finite."""
    points = flow._enter(x, noise)
    embedded = flow._embed(flow._condition(condition, len(x)))
    steps = list(flow.bijection.steps(points, embedded))
    layer, quantity, bad, largest = _forward(steps)
    if not quantity:
        log_prob = flow.base.log_prob(steps[-1].z if steps else points) + sum(s.log_det for s in steps)
        if bool(log_prob.isfinite().all()):
            layer, quantity, bad, largest = _backward(flow, steps, -log_prob.mean())
        else:
            quantity, bad = "log density under the base", ~log_prob.isfinite()
            largest = float(steps[-1].z.detach().abs().max())
    chosen = rows if bad is None else rows[bad.to(rows.device)]
    return Incident(
        step, attempt, lr, layer, quantity, chosen.tolist(), largest, _advice(quantity, largest, lr, precision)
    )  # fmt: skip


def _forward(steps: list[Step]) -> tuple[str | None, str, Tensor | None, float]:
    for done in steps:
        for name, tensor in (("output", done.z), ("log-determinant", done.log_det)):
            bad = ~tensor.isfinite().flatten(1).all(1) if tensor.dim() > 1 else ~tensor.isfinite()
            if bool(bad.any()):
                return done.name, name, bad, float(done.x.detach().abs().nan_to_num(math.inf).max())
    return None, "", None, math.nan


def _backward(flow: Flow, steps: list[Step], loss: Tensor) -> tuple[str | None, str, Tensor | None, float]:
    """The gradient runs from the noise to the data, so the last layer with a bad one is the first."""
    outputs = [done.z for done in steps if done.z.requires_grad]
    gradients = torch.autograd.grad(loss, outputs, retain_graph=True, allow_unused=True)
    named = [done for done in steps if done.z.requires_grad]
    for done, gradient in zip(reversed(named), reversed(gradients), strict=True):
        if gradient is not None and not bool(gradient.isfinite().all()):
            bad = ~gradient.isfinite().flatten(1).all(1)
            return done.name, "gradient of the output", bad, float(done.x.detach().abs().max())
    weights = dict(flow.named_parameters())
    trained = {name: weight for name, weight in weights.items() if weight.requires_grad}
    found = torch.autograd.grad(loss, list(trained.values()), allow_unused=True)
    for name, gradient in reversed(list(zip(trained, found, strict=True))):
        if gradient is not None and not bool(gradient.isfinite().all()):
            return None, f"gradient of {name}", None, float(trained[name].detach().abs().max())
    if not math.isfinite(sum(float(gradient.square().sum()) for gradient in found if gradient is not None)):
        return None, "norm of the gradient (each entry is finite, their squares overflow)", None, math.nan
    return None, NOT_AGAIN, None, math.nan


def _advice(quantity: str, largest: float, lr: float, precision: str) -> str:
    tries = []
    if precision == "bf16":
        tries.append("precision float32")
    if quantity in ("output", "log-determinant") and largest > LARGE:
        tries.append("to look at these rows: they lie far from the others, or the layers before have run away")
    tries += [f"a smaller lr (it was {lr:.2g} here)", "a longer warmup", "a smaller clip"]
    return "Try " + ", ".join(tries[:-1]) + ", or " + tries[-1] + "."


def keep(
    incident: Incident,
    flow: Flow,
    x: Tensor,
    condition: Tensor | None,
    noise: Tensor | None,
    rows: Tensor,
    folder: Path,
) -> Path | None:
    """Write the batch, the weights and the report to ``folder/step-N``; None when enough are there already."""
    from safetensors.torch import save

    target = folder / f"step-{incident.step:06d}"
    if len(list(folder.glob("step-*"))) >= MOST_KEPT and not target.exists():
        return None
    target.mkdir(parents=True, exist_ok=True)
    batch = {"x": x, "rows": rows, "noise": noise, "condition": condition}
    batch |= {f"model.{name}": tensor for name, tensor in flow.state_dict().items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in batch.items() if tensor is not None}
    write_atomically(target / "batch.safetensors", save(tensors))
    described = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(incident).items()}
    write_atomically(target / "report.json", (json.dumps(described, indent=1) + "\n").encode())
    write_atomically(target / "report.txt", f"{incident}\n".encode())
    return target
