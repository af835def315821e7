"""The end of an epoch: the averaged weights are scored, kept where they are the best so far, and recorded."""

import math
from collections.abc import Callable

from torch import Tensor

from diffeo.training.state import State
from diffeo.training.validation import validation_loss


class Epochs:
    """The epochs of a training, and what is done at the end of each.

    Args:
        state: of the training.
        on_epoch: called with each record, and whether it is the best so far, while the flow has the averaged weights.
    """

    def __init__(self, state: State, on_epoch: Callable[[dict[str, float], bool], None] | None):
        self.state, self.on_epoch = state, on_epoch

    @property
    def ended(self) -> bool:
        """Whether the last step was the last of its epoch, or of the training."""
        at = self.state.at
        return at.step % self.state.task.per_epoch == 0 or at.step == at.steps

    def end(self, norm: Tensor) -> None:
        """Score the averages, keep the best and record; `norm` is the last step's gradient's."""
        state, at, task = self.state, self.state.at, self.state.task
        task.watch.lap("other")
        with state.steps.average.swapped():
            record = self._record(norm)
            task.watch.lap("validation")
            better = record["validation"] < at.best.get("validation", math.inf)  # never true of NaN
            at.history.append(record)
            at.since_best = 0 if better else at.since_best + 1
            if better:
                at.best = record
                state.best = {name: tensor.clone() for name, tensor in task.flow.state_dict().items()}
            if self.on_epoch is not None and task.accelerator.is_main_process:
                self.on_epoch(record, better)
                task.watch.lap("pictures")
        task.accelerator.log({k: v for k, v in record.items() if k != "step"}, step=at.step)
        task.bar.epoch(record, better)
        task.flow.train()
        state.losses.zero_()
        patience = task.options.patience
        if patience is not None and at.since_best >= patience:
            at.stopped = f"no better validation loss in {patience} epochs"

    def _record(self, norm: Tensor) -> dict[str, float]:
        state, at, task = self.state, self.state.at, self.state.task
        whole, rest = divmod(at.step, task.per_epoch)
        return {
            "step": at.step,
            "epoch": at.step / task.per_epoch if rest else whole,
            "train": float(state.losses[0] / state.losses[1]),
            "validation": validation_loss(task.flow, task.held_out, task.scale, task.options.seed, task.accelerator),
            "lr": state.rate(at.step - 1),
            "gradient_norm": float(norm),
            "seconds": at.seconds,
            "attempt": at.attempt,
        }
