"""What is verified: a flow, or a bijection by itself, in copies of its own and of double precision."""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from diffeo.bijections import Bijection, Step
from diffeo.evaluation.verification.report import Fault
from diffeo.flow import Flow

Condition = Tensor | None


@dataclass(frozen=True)
class Rows:
    """Rows on the continuous side of the door, with what they are conditioned on.

    Attributes:
        name: data, samples or adversarial.
        y: ``(B, *shape)``, in the flow's own precision.
        condition: as given to the flow, ``(B, ..)``, or None.
        latent: the noise that y was decoded from, of samples.
        numbers: of the rows in what the user gave.
    """

    name: str
    y: Tensor
    condition: Condition
    numbers: Tensor
    latent: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, which: Tensor | slice) -> "Rows":
        """Some of the rows."""
        some = [None if t is None else t[which] for t in (self.y, self.condition, self.numbers, self.latent)]
        return Rows(self.name, some[0], some[1], some[2], some[3])  # type: ignore[arg-type]


class Subject:
    """A flow or bijection in copies, so that verifying it changes nothing.

    ``own`` has the precision of the original, ``wide`` is float64 and ``narrow`` float32; ``fresh``, float64, is
    never run, and only copied.
    """

    def __init__(self, item: Flow | Bijection, x: Tensor | None):
        self.flow = isinstance(item, Flow)
        floating = [t.dtype for t in item.state_dict().values() if t.is_floating_point()]
        given = x.dtype if x is not None and x.is_floating_point() else torch.float32
        self.dtype = item.dtype if isinstance(item, Flow) else (floating[0] if floating else given)
        self.wide: Any = copy.deepcopy(item).double().eval()
        self.fresh: Any = copy.deepcopy(item).double().eval()
        self.own: Any = copy.deepcopy(item).eval()
        self.narrow: Any = self.own if self.dtype == torch.float32 else copy.deepcopy(item).float().eval()
        self.name = type(item).__name__
        self.door = item.door if isinstance(item, Flow) else None
        self.shape = tuple(item.shape) if isinstance(item, Flow) else tuple(() if x is None else x.shape[1:])
        self.features = math.prod(self.shape)
        self.device = item.device if isinstance(item, Flow) else torch.device("cpu") if x is None else x.device

    def bijection(self, item: nn.Module) -> Bijection:
        """The map of one of the copies."""
        return item.bijection if isinstance(item, Flow) else item  # type: ignore[return-value]

    def embedded(self, item: Any, rows: Rows) -> Condition:
        """What the map of one of the copies takes for the rows' condition."""
        condition = rows.condition
        if condition is not None and condition.is_floating_point():
            condition = condition.to(self.dtype_of(item), copy=True)  # a layer may change it
        return item.embed(condition, len(rows)) if self.flow else condition

    def dtype_of(self, item: Any) -> torch.dtype:
        """The precision of one of the copies."""
        return torch.float64 if item is self.wide else torch.float32 if item is self.narrow else self.dtype

    def log_density(self, item: Any, rows: Rows) -> Tensor:
        """Log density on the continuous side; of a bare bijection its log_det."""
        y = rows.y.to(self.dtype_of(item))
        z, log_det = self.bijection(item).encode(y, self.embedded(item, rows))
        return item.base.log_prob(z) + log_det if self.flow else log_det

    def steps(self, item: Any, rows: Rows) -> tuple[list[Step], Fault | None]:
        """The layers' steps in one of the copies and, where one of them raises, who did."""
        bijection, steps = self.bijection(item), []
        with recorded(bijection, "encode") as calls:
            try:
                for step in bijection.steps(rows.y.to(self.dtype_of(item)), self.embedded(item, rows)):
                    steps.append(step)
            except Exception as error:  # a user's layer may raise anything
                return steps, raised(failed(bijection, calls), "encode", error)
        return steps, None

    def noise(self, n: int, condition: Condition, seed: int, given: Rows | None = None) -> Rows | Fault:
        """What samples are decoded from: the base's; of a bare bijection points between encoded rows of `given`.

        Those lie in its codomain where that is convex, whatever it is. If a layer raises, the fault instead.
        """
        generator = torch.Generator().manual_seed(seed)
        if self.flow:
            return Rows("samples", self.own.base.sample(n, generator=generator), condition, torch.arange(n))
        assert given is not None
        bijection, turns = self.bijection(self.own), torch.arange(n, device=given.y.device) % len(given)
        with recorded(bijection, "encode") as calls:
            try:
                encoded = [bijection.encode(part.y, self.embedded(self.own, part))[0] for part in self.chunks(given)]
            except Exception as error:  # as above
                return raised(failed(bijection, calls), "encode", error)
        z = torch.cat(encoded)[turns]
        part = torch.rand(n, dtype=torch.float64, generator=generator).to(z).view(-1, *[1] * (z.dim() - 1))
        z = z + part * (z[torch.randperm(n, generator=generator).to(z.device)] - z)
        return Rows("samples", z, condition, torch.arange(n))

    def draw(self, rows: Rows) -> Rows | Fault:
        """Samples on the continuous side: integers in the middle of their cell, else with the noise they come from.

        If a layer raises, the fault instead.
        """
        bijection, z, condition, n = self.bijection(self.own), rows.y, rows.condition, len(rows)
        with recorded(bijection, "decode") as calls:
            try:
                parts = [bijection.decode(part.y, self.embedded(self.own, part))[0] for part in self.chunks(rows)]
            except Exception as error:  # as above
                return raised(failed(bijection, calls), "decode", error)
        y = torch.cat(parts)
        if self.door is not None:  # a sample is an integer; the point that it was is gone
            return Rows("samples", self.door.decode(y).to(self.dtype) + 0.5, condition, torch.arange(n))
        return Rows("samples", y, condition, torch.arange(n), z)

    def chunks(self, rows: Rows) -> Iterator[Rows]:
        """The rows, as many at a time as fit comfortably."""
        size = max(1, 2**18 // max(1, self.features))
        for start in range(0, max(1, len(rows)), size):
            yield rows.take(slice(start, start + size))


class Malformed(TypeError):
    """What a layer returned is nothing to go on with."""


def checked(result: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
    """What encode or decode returned for `rows`, if it is two tensors, the first with as many rows."""
    parts = result if isinstance(result, (tuple, list)) else (result,)
    if len(parts) != 2 or not all(isinstance(part, Tensor) for part in parts):
        kinds = ", ".join(type(part).__name__ for part in parts)
        raise Malformed(f"returned ({kinds}), not two tensors")
    if result[0].shape[:1] != rows.shape[:1]:
        raise Malformed(f"made {tuple(result[0].shape)} of {len(rows)} rows of shape {tuple(rows.shape[1:])}")
    return result[0], result[1]


def raised(layer: str, way: str, error: Exception) -> Fault:
    """The fault of a layer whose `way`, encode or decode, raised."""
    if isinstance(error, Malformed):
        return Fault(layer, "shape", f"{way} {error}", "Return the rows and one log-determinant a row: (z, log_det)")
    found = f"{way} raised {type(error).__name__}: {error}"
    return Fault(layer, "error", found, "Run this layer by itself on these rows")


def failed(bijection: Bijection, calls: dict[int, list[Any]]) -> str:
    """The name of the innermost layer whose recorded call raised."""
    return innermost(bijection, {key for key, results in calls.items() if isinstance(results[-1], Exception)})


def innermost(bijection: Bijection, ids: set[int]) -> str:
    """The name of the innermost of some layers, which are given by their ids."""
    paths = [(path, module) for path, module in bijection.named_modules() if id(module) in ids]
    path, layer = paths[-1] if paths else ("", bijection)
    parts = [part for part in path.split(".") if part and part != "layers"]
    return ".".join([*parts, type(layer).__name__])


def changed_state(subject: Subject, item: Flow | Bijection) -> list[Fault]:
    """Layers whose parameters or buffers are not what they were before anything was run."""
    now = dict(subject.own.named_parameters()) | dict(subject.own.named_buffers())
    before = dict(item.named_parameters()) | dict(item.named_buffers())
    owners = {path: module for path, module in item.named_modules() if isinstance(module, Bijection)}
    changed: dict[str, list[str]] = {}
    for name, tensor in before.items():
        if tensor.shape != now[name].shape or not torch.allclose(tensor, now[name], rtol=0, atol=0, equal_nan=True):
            path = max((path for path in owners if f"{name}.".startswith(f"{path}." if path else "")), key=len)
            parts = [part for part in path.split(".") if part not in ("", "bijection", "layers")]
            changed.setdefault(".".join([*parts, type(owners[path]).__name__]), []).append(name.rpartition(".")[2])
    advice = "Set what depends on data in initialize, and nowhere else"
    return [
        Fault(layer, "state", f"evaluation changes {', '.join(names[:3])}", advice) for layer, names in changed.items()
    ]


@contextmanager
def recorded(bijection: Bijection, way: str) -> Iterator[dict[int, list[Any]]]:
    """Inside, what `way` (encode or decode) of every layer takes and returns, or raises, is kept by its id."""
    calls: dict[int, list[Any]] = {}
    layers = [module for module in bijection.modules() if isinstance(module, Bijection)]

    def watch(layer: Bijection) -> None:
        run = getattr(layer, way)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = checked(run(*args, **kwargs), (*args, *kwargs.values())[0])
            except Exception as error:
                calls.setdefault(id(layer), []).append(error)
                raise
            calls.setdefault(id(layer), []).append(((*args, *kwargs.values())[0], result[0]))
            return result

        object.__setattr__(layer, way, call)

    for layer in layers:
        watch(layer)
    try:
        yield calls
    finally:
        for layer in layers:
            layer.__dict__.pop(way, None)
