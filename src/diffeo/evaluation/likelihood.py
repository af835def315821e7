"""How likely held-out rows are under a flow, and with which error."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.data import Part
from diffeo.flow import Flow


@dataclass(frozen=True)
class Estimate:
    """A mean over rows with its standard error."""

    mean: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.standard_error:.4f}"


def estimate(per_row: Tensor) -> Estimate:
    """Mean and standard error of one number a row."""
    numbers = per_row.double()
    error = float(numbers.std()) / math.sqrt(len(numbers)) if len(numbers) > 1 else math.nan
    return Estimate(float(numbers.mean()), error)


def likelihood(flow: Flow, part: Part, *, samples: int = 1, seed: int = 0) -> Estimate:
    """Bits a dimension of integers (an upper bound, with `samples` draws of noise), log-likelihood in nats otherwise.

    A flow that takes classes is given the labels.
    """
    log_prob = row_log_probs(flow, part, samples=samples, seed=seed)
    return estimate(log_prob if flow.door is None else log_prob * bits_per_nat(flow))


@torch.no_grad()
def row_log_probs(flow: Flow, part: Part, *, samples: int = 1, seed: int = 0) -> Tensor:
    """Log-likelihood of every row in nats, ``(N,)``, float64 on the CPU.

    For integers it is the lower bound on log P(x) by `samples` draws of noise (:meth:`~diffeo.Flow.bits_per_dim`).
    A flow that takes classes is given the labels.
    """
    x = part.x.to(flow.device)
    labels = condition_for(flow, part)
    if flow.door is None:
        flow.check(x, labels)
        return flow.log_prob(x, labels, batch_size=max(1, 2**19 // math.prod(flow.shape))).double().cpu()
    generator = torch.Generator().manual_seed(seed)
    return flow.bits_per_dim(x, labels, samples=samples, generator=generator).double().cpu() / bits_per_nat(flow)


def bits_per_nat(flow: Flow) -> float:
    """What turns a row's log-likelihood in nats into bits a dimension."""
    return -1 / (math.prod(flow.shape) * math.log(2))


def condition_for(flow: Flow, part: Part) -> Tensor | None:
    """What a part's rows are conditioned on, where the flow is: the part's condition, or else its labels.

    It is on the flow's device, and in its dtype where it is not of integers.

    Raises:
        ValueError: if it is, and there are none.
    """
    if not flow.conditional:
        return None
    given = part.labels if part.condition is None else part.condition
    if given is None:
        raise ValueError("this flow is conditioned, and the data set has no labels and no other condition")
    return given.to(flow.device, flow.dtype if given.is_floating_point() else given.dtype)
