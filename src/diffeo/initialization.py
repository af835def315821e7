"""What a flow takes from data before it is trained: means, scales, distributions."""

from typing import cast

import torch
from torch import Generator, Tensor

from diffeo.bijections.chain import INITIAL_ROWS, Chain
from diffeo.inputs import Condition, Inputs
from diffeo.networks import StandardizeCondition
from diffeo.system.warning import warn


class Initialization(Inputs):
    """How a flow is set from data, and noticed where it was not. :class:`~diffeo.Flow` builds on it."""

    @torch.no_grad()
    def initialize(
        self,
        x: Tensor,
        condition: Condition = None,
        noise: Tensor | None = None,
        *,
        generator: Generator | None = None,
        force: bool = False,
        rows: int = INITIAL_ROWS,
    ) -> None:
        """Set what depends on data: Standardize, of conditions too, from all rows given, ActNorms from the first 512.

        Give the training split in random order. Rows that are not finite are left out and counted, in a
        warning. If anything fails the flow is as before.

        Raises:
            RuntimeError: if it was initialized before, unless `force` is set.
            ValueError: if x or the condition does not fit, or is empty.
        """
        if not x.shape[0]:
            raise ValueError(f"{self._name}: cannot initialize from no rows")
        self.check(x, condition)
        row_condition = self._condition(condition, x.shape[0])
        if row_condition is not None and not bool(row_condition.isfinite().all()):
            raise ValueError(f"{self._name}: the condition holds NaN or infinity")
        conditions = row_condition  # of all rows
        if not self.bijection.fits_all_rows:
            x, noise = x[:rows], None if noise is None else noise[:rows]
            row_condition = None if row_condition is None else row_condition[:rows]
        if x.is_floating_point():
            finite = x.isfinite().flatten(1).all(1)
            left_out = int((~finite).sum())
            if left_out == len(x):
                raise ValueError(
                    f"{self._name}: none of {len(x)} rows is finite, so there is nothing to initialize from"
                )
            if left_out:
                warn(f"{self._name}: {left_out} of {len(x)} rows are not finite and were left out")
                x, row_condition = x[finite], None if row_condition is None else row_condition[finite]
        elif noise is None and self.door is not None:
            noise = self.draw_noise(x, generator)
        before = {name: tensor.clone() for name, tensor in self.state_dict().items()}
        training = [module for module in self.modules() if module.training]
        try:
            if force:
                for _, buffer in self._set_from_data():
                    buffer.fill_(False)
            self.eval()  # its owner's to do: what a layer sets may be more than tensors, so no view would do
            for part in [] if self.embedding is None else self.embedding.modules():
                if isinstance(part, StandardizeCondition):
                    part.initialize(cast(Tensor, conditions))
            at_most = {"rows": rows} if isinstance(self.bijection, Chain) else {}
            self.bijection.initialize(self._enter(x, noise), self._embed(row_condition), **at_most)
        except BaseException:
            self.load_state_dict(before)
            raise
        finally:
            for module in training:
                module.training = True
        self._told = True

    @property
    def initialized(self) -> bool:
        """Whether nothing that depends on data is left to set."""
        return all(bool(buffer) for _, buffer in self._set_from_data())

    def _set_from_data(self) -> list[tuple[str, Tensor]]:
        """Name and value of every buffer that says whether a part was set from data."""
        return [(name, buffer) for name, buffer in self.named_buffers() if name.endswith("initialized")]

    def _expect_initialized(self) -> None:
        """Warn, once, where a flow is trained of which something is still to be set from data."""
        if torch.compiler.is_compiling() or self._told or not self.training or not torch.is_grad_enabled():
            return
        try:
            waiting = [name for name, buffer in self._set_from_data() if not bool(buffer)]
        except RuntimeError:  # inside vmap, or traced: nobody trains by that alone
            return
        self._told = True
        if waiting:
            condition = ", condition" if self.conditional else ""
            layers = sorted({type(self.get_submodule(name.rpartition(".")[0])).__name__ for name in waiting})
            warn(
                f"{self._name}: log_prob with gradients in training mode, but what {' and '.join(layers)} should "
                f"take from data is not set yet. Call flow.initialize(x{condition}) with the training rows before the "
                f"first step; diffeo.fit does it by itself. For densities of an untrained flow call flow.eval()"
            )
