"""Inputs: what a flow takes, and how it is brought inside: shapes, types, noise and conditions."""

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from diffeo.bases import Base, expect_base
from diffeo.bijections import Bijection, refuse_shared
from diffeo.bijections.bijection import expected_bijection
from diffeo.doors import Quantizer
from diffeo.system import threads
from diffeo.view import view

Condition = Tensor | int | Sequence[int] | None
M = TypeVar("M", bound=Callable[..., Any])
F = TypeVar("F", bound="Inputs")

PRECISIONS = (torch.float32, torch.float64)
ENTRIES_AT_A_TIME = 2**19  # of a chunk where batch_size is not given


def in_evaluation(method: M) -> M:
    """Run a method without dropout, so that encode and decode are each other's inverse in training mode too."""

    @functools.wraps(method)
    def run(self: "Inputs", *args: Any, **kwargs: Any) -> Any:
        return method(self._evaluating(), *args, **kwargs)

    return cast(M, run)


class Inputs(nn.Module):
    """The parts of a flow, and the ways in and out of its bijection. :class:`~diffeo.Flow` builds on it."""

    def __init__(
        self,
        bijection: Bijection,
        base: Base,
        *,
        door: Quantizer | None = None,
        embedding: nn.Module | None = None,
    ):
        super().__init__()
        self._check_parts(bijection, base, door, embedding)
        self.bijection, self.base, self.door, self.embedding = bijection, base, door, embedding
        self.shape = tuple(bijection.input_shape(base.shape))
        reached = tuple(bijection.output_shape(self.shape))
        if reached != base.shape:
            raise ValueError(
                f"{self._name}: the bijection ends in rows of shape {reached}, the base is on {base.shape}"
            )
        taken = bijection.condition_shape
        given = taken if embedding is None else tuple(getattr(embedding, "output_shape", taken or ()))
        if given != taken:
            raise ValueError(
                f"{self._name}: the embedding gives {given}, the bijection takes {taken}. "
                f"Build its conditioners with condition_shape={given}"
            )
        self._frozen = 0  # how many frozen() are open
        self._told = False  # that it was never initialized, or that there is nothing to tell

    def _check_parts(self, bijection: object, base: object, door: object, embedding: object) -> None:
        """Refuse what cannot be a part, and parts that share parameters."""
        if not isinstance(bijection, Bijection):
            hint = ". Use Chain([..])" if isinstance(bijection, (list, tuple)) else ""
            raise TypeError(
                f"{self._name}: the bijection must be a Bijection, got {expected_bijection(bijection)}{hint}"
            )
        expect_base(base, self._name)
        if door is not None and not isinstance(door, Quantizer):
            raise TypeError(f"{self._name}: door must be a Quantizer or None, got {door!r}. Use diffeo.Quantizer(256)")
        if embedding is not None and not isinstance(embedding, nn.Module):
            raise TypeError(f"{self._name}: embedding must be a torch.nn.Module, got {expected_bijection(embedding)}")
        parts = {"bijection": bijection, "base": base, "embedding": embedding}
        refuse_shared(self._name, [(name, part) for name, part in parts.items() if isinstance(part, nn.Module)])

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made from: a copy of a frozen flow is not frozen."""
        return {**self.__dict__, "_frozen": 0}

    @property
    def conditional(self) -> bool:
        """Whether a condition is needed."""
        return self.embedding is not None or self.bijection.condition_shape is not None

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self._like.device

    @property
    def dtype(self) -> torch.dtype:
        """The parameters' floating-point type."""
        return self._like.dtype

    @property
    def _like(self) -> Tensor:
        """A tensor that has the flow's device and type."""
        origin = getattr(self.base, "origin", None)  # of diffeo's own bases
        if isinstance(origin, Tensor):
            return origin
        tensors = (t for t in (*self.parameters(), *self.buffers()) if t.is_floating_point())
        found = next(tensors, None)
        if found is None:
            raise ValueError(
                f"{self._name}: nothing says its precision. Register a buffer in the base, such as zeros(())"
            )
        return found

    def check(self, x: Tensor, condition: Condition = None) -> None:
        """Refuse data whose shape, type or values do not fit. Looks at every value."""
        self._check_shape(x)
        if self.door is not None:
            self.door.check(x)
        else:
            self._check_dtype(x)
        self._condition(condition, x.shape[0], check=True)

    def draw_noise(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Noise for the cells of `x`: uniform in (0, 1), of x's shape. Looks at every value of x."""
        self._check_shape(x)
        cast(Quantizer, self.door).check(x)
        device = x.device if generator is None else generator.device
        return torch.rand(x.shape, dtype=self.dtype, device=device, generator=generator).to(x.device)

    def _check_shape(self, x: Tensor) -> None:
        if not isinstance(x, Tensor):
            raise TypeError(f"{self._name}: expected a torch.Tensor, got {type(x).__name__}. Use torch.as_tensor(x)")
        if x.shape[1:] != self.shape:
            wanted = "(" + ", ".join(["B", *map(str, self.shape)]) + ")"
            hint = " For a single row use x[None]." if x.shape == self.shape else ""
            raise ValueError(f"{self._name}: expected shape {wanted}, got {tuple(x.shape)}.{hint}")

    def _check_dtype(self, x: Tensor) -> None:
        self._check_precision()
        if x.dtype != self.dtype and not torch.is_autocast_enabled(x.device.type):
            other = f", or flow.to({x.dtype})" if x.dtype in PRECISIONS else ""
            raise TypeError(f"{self._name}: parameters are {self.dtype}, x is {x.dtype}. Use x.to({self.dtype}){other}")

    def _check_precision(self) -> None:
        if self.dtype not in PRECISIONS:
            raise TypeError(
                f"{self._name}: densities in {self.dtype} are meaningless. Use flow.float() or flow.double()"
            )

    def _enter(self, x: Tensor, noise: Tensor | None) -> Tensor:
        self._check_shape(x)
        if self.door is None:
            self._check_dtype(x)
            if noise is not None:
                raise ValueError(f"{self._name}: noise is for integers, and this flow is continuous")
            return x
        if x.is_floating_point():
            self.door.check(x)
        noise = cast(Tensor, noise)
        if noise.shape != x.shape:
            raise ValueError(f"{self._name}: noise must have x's shape {tuple(x.shape)}, got {tuple(noise.shape)}")
        self._check_dtype(noise)
        return self.door.encode(x, noise)

    def _leave(self, x: Tensor) -> Tensor:
        return x if self.door is None else self.door.decode(x)

    def _condition(self, condition: Condition, rows: int, *, check: bool = False) -> Tensor | None:
        """The condition as a tensor of `rows` rows, its shape checked."""
        if condition is None:
            if self.conditional:
                classes = getattr(self.embedding, "classes", None)
                hint = f": labels from 0 to {classes - 1}; marginal_log_prob sums over them" if classes else ""
                raise ValueError(f"{self._name}: a condition is needed{hint}. Pass condition=")
            return None
        if not self.conditional:
            raise ValueError(
                f"{self._name}: got a condition, but takes none. Build it with classes= or condition_shape="
            )
        shape = tuple(getattr(self.embedding, "shape", self.bijection.condition_shape or ()))
        if not isinstance(condition, Tensor):
            condition = torch.as_tensor(condition, device=self.device)
            condition = condition.to(self.dtype) if shape else condition
        given = tuple(condition.shape)
        if shape == (1,) and condition.dim() <= 1:
            condition = condition.view(-1, 1)  # a number a row
        elif shape == () and condition.dim() == 2 and condition.shape[1] == 1:
            condition = condition[:, 0]  # a column of labels
        if condition.dim() == len(shape):
            condition = condition[None]
        if condition.shape[1:] != shape:
            hint = "" if shape or len(given) != 2 else ". Of ones and zeros a class: labels.argmax(1)"
            raise ValueError(f"{self._name}: expected a condition of shape {(rows, *shape)}, got {given}{hint}")
        if condition.shape[0] != rows:
            if condition.shape[0] != 1:
                raise ValueError(
                    f"{self._name}: expected {rows} rows of conditions, or one for all, got {condition.shape[0]}"
                )
            condition = condition.expand(rows, *shape)
        if shape and condition.dtype != self.dtype:
            raise TypeError(
                f"{self._name}: parameters are {self.dtype}, condition is {condition.dtype}. "
                f"Use condition.to({self.dtype})"
            )
        if check and hasattr(self.embedding, "check"):
            cast(Any, self.embedding).check(condition)
        return condition

    def embed(self, condition: Condition, rows: int) -> Tensor | None:
        """What the bijection takes for `condition`: `rows` rows of its embedding; None without a condition."""
        return self._embed(self._condition(condition, rows))

    def _embed(self, condition: Tensor | None) -> Tensor | None:
        if condition is None or self.embedding is None:
            return condition
        if torch.compiler.is_compiling():
            return cast(Tensor, self.embedding(condition))
        try:
            return cast(Tensor, self.embedding(condition))
        except IndexError as error:
            raise ValueError(f"{self._name}: a class label is out of range: {error}") from error

    def _rows_at_a_time(self) -> int:
        return max(1, ENTRIES_AT_A_TIME // math.prod(self.shape))

    def _in_slices(self, work: str, rows: int, most: int | None = None) -> AbstractContextManager[Iterator[slice]]:
        """The places of `rows` rows, at most so many at a time, with as many threads as are right for them."""
        most = self._rows_at_a_time() if most is None else most
        return threads.slices(self if self.device.type == "cpu" else None, work, rows, self.shape, most)

    def _evaluating(self: F) -> F:
        """The flow itself if it is in evaluation mode, else a view of it that is: it shares all tensors.

        The flow stays in training mode, for other threads too.
        """
        return view(self, training=False) if self.training else self

    @property
    def _name(self) -> str:
        return type(self).__name__


def chunks(places: Iterable[slice], *tensors: Tensor | None) -> Iterator[tuple[Any, ...]]:
    """The tensors, some rows at a time; what is None stays None."""
    for rows in places:
        yield tuple(None if tensor is None else tensor[rows] for tensor in tensors)
