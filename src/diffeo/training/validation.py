"""The loss on held-out rows, by which the best weights are chosen."""

import math
from typing import Any

import torch

from diffeo.data import Part
from diffeo.flow import Flow
from diffeo.training.order import generator
from diffeo.training.processes import shares


@torch.no_grad()
def validation_loss(flow: Flow, part: Part, scale: float, seed: int, accelerator: Any) -> float:
    """The mean loss of a part, always with the same noise; every process takes a share of the rows."""
    flow.eval()
    noise = None if flow.door is None else flow.draw_noise(part.x, generator("validation", seed)).to(flow.device)
    mine = shares(len(part), accelerator.process_index, accelerator.num_processes, 1)[0]
    log_prob = flow.log_prob(
        part.x[mine].to(flow.device),
        None if part.labels is None else part.labels[mine].to(flow.device),
        None if noise is None else noise[mine],
        batch_size=max(1, 2**19 // math.prod(flow.shape)),
    )
    if accelerator.num_processes == 1:
        return -float(log_prob.cpu().double().mean()) * scale  # not every device has float64
    return -float(accelerator.reduce(log_prob.double().sum(), "sum")) / len(part) * scale
