"""What a step is: a batch, its gradient, and AdamW's move. All are functions of the step's number."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from diffeo.flow import Flow
from diffeo.training.ema import EMA
from diffeo.training.order import batch_noise, batch_rows, position_seed
from diffeo.training.precision import computing_in
from diffeo.training.processes import shares
from diffeo.training.randomness import drawn_from, draws_globally
from diffeo.training.task import Task


class Steps:
    """The steps of a training.

    Args:
        task: what the training is to do; its flow is initialized.

    Raises:
        ValueError: if nothing can be trained.
    """

    def __init__(self, task: Task):
        flow, options, accelerator = task.flow, task.options, task.accelerator
        self.flow, self.scale, self.accelerator, self.watch = flow, task.scale, accelerator, task.watch
        self.batch_size, self.clip, self.seed = task.batch_size, options.clip, options.seed
        self.x = task.train.x.to(flow.device)
        self.labels = None if task.train.labels is None else task.train.labels.to(flow.device)
        self.shares = shares(task.batch_size, accelerator.process_index, accelerator.num_processes, options.accumulate)
        self.parameters = [parameter for parameter in flow.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(parameter_groups(flow, options.weight_decay), fused=_can_fuse(flow))
        self.average = EMA(flow, options.ema)
        self.computing = computing_in(flow, task.precision)
        self.model = accelerator.prepare_model(self.computing) if accelerator.num_processes > 1 else self.computing
        self.draws_globally = draws_globally(flow)

    def batch(self, step: int, attempt: int) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
        """Rows, conditions and noise of a step, and the rows' numbers."""
        rows = batch_rows(step, len(self.x), self.batch_size, self.seed, attempt)
        on_device = rows.to(self.x.device)
        x = self.x[on_device]
        noise = None if self.flow.door is None else batch_noise(step, x, self.flow.dtype, self.seed, attempt)
        return x, None if self.labels is None else self.labels[on_device], noise, rows

    def gradients(self, step: int, attempt: int) -> tuple[Tensor, Tensor]:
        """Forward and backward: the loss, and the norm of its gradient before clipping; both stay on the device."""
        x, labels, noise, _ = self.batch(step, attempt)
        self.optimizer.zero_grad(set_to_none=True)
        loss = x.new_zeros((), dtype=self.flow.dtype)
        self.watch.lap("batches")
        for share in self.shares:
            last = share is self.shares[-1]
            with (
                nullcontext() if last else self.accelerator.no_sync(self.model),
                self.randomness(step, attempt, share),
            ):
                log_prob = self.model(x[share], *(None if t is None else t[share] for t in (labels, noise)))
                part = log_prob.sum() * (-self.scale / self.batch_size)
                self.watch.lap("forward")
                (part * self.accelerator.num_processes).backward()  # processes average their gradients
                self.watch.lap("backward")
            loss = loss + part.detach()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.clip)
        return self.accelerator.reduce(loss, "sum"), norm

    def randomness(self, step: int, attempt: int, share: slice) -> AbstractContextManager[None]:
        """Inside, what is random in the flow is a function of the step and the micro-batch."""
        seed = position_seed("dropout", self.seed, attempt, step, share.start)
        return drawn_from(seed, self.flow.device, globally=self.draws_globally)

    def update(self, step: int, lr: float, finite: Tensor) -> None:
        """AdamW's move and the average's; the weights stay where `finite` is false, which the device decides."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.found_inf = (~finite).to(torch.float32)  # type: ignore[attr-defined]
        self.optimizer.step()
        self.average.update(step)
        self.watch.lap("optimizer")


def parameter_groups(flow: Flow, decay: float) -> list[dict[str, Any]]:
    """Weights of linear and convolutional layers, which decay, and all other parameters, which do not."""
    weights = {id(module.weight) for module in flow.modules() if isinstance(module, (nn.Linear, nn.Conv2d))}
    trained = [parameter for parameter in flow.parameters() if parameter.requires_grad]
    if not trained:
        raise ValueError("fit: the flow has no parameters to train")
    return [
        {"params": [p for p in trained if id(p) in weights], "weight_decay": decay},
        {"params": [p for p in trained if id(p) not in weights], "weight_decay": 0.0},
    ]


def _can_fuse(flow: Flow) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps", "xpu") for p in flow.parameters())
