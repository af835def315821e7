"""How much a map changes volume at a point, from nothing but the map: exactly, or estimated with its error."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_AT_A_TIME = 128  # of a Jacobian
PROBES, LANCZOS_STEPS = 6, 30

Map = Callable[[Tensor], Tensor]  # (1, *shape) to (1, ...)


@dataclass(frozen=True)
class Volume:
    """What the Jacobian at a point says.

    Attributes:
        log_det: log |det J|, nats.
        error: standard error of an estimate; 0 where exact.
        condition: the largest singular value of J by the smallest; where estimated, a lower bound.
    """

    log_det: float
    error: float
    condition: float


def volume(encode: Map, point: Tensor, *, exact_up_to: int, seed: int = 0) -> Volume:
    """The volume change of `encode` at `point`, a row without its batch dimension, in the point's precision.

    Up to `exact_up_to` dimensions from the whole Jacobian, whose cost grows with the cube of their number;
    beyond, by stochastic Lanczos quadrature of log(J^T J), for which only products with J and J^T are needed.

    References:
        Ubaru, Chen and Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, 2017.
        https://doi.org/10.1137/16M1104974

    Example:
        >>> found = volume(lambda x: x * torch.tensor([2.0, 0.5]), torch.ones(2), exact_up_to=8)
        >>> found.log_det, found.error, found.condition
        (0.0, 0.0, 4.0)
    """
    if point.numel() > exact_up_to:
        return _estimate(encode, point, seed)
    values = torch.linalg.svdvals(jacobian(encode, point))
    return Volume(float(values.log().sum()), 0.0, float(values[0] / values[-1]))


def jacobian(encode: Map, point: Tensor) -> Tensor:
    """Derivatives of every output, flattened, by every input: ``(D, D)``."""
    x = point.detach()[None].clone().requires_grad_()
    with torch.enable_grad():
        z = encode(x).flatten()
    unit = torch.eye(z.numel(), dtype=z.dtype, device=z.device)
    try:
        rows = [_pull(z, x, some, batched=True) for some in unit.split(ROWS_AT_A_TIME)]
    except RuntimeError:  # an operation that knows no batches of gradients
        rows = [_pull(z, x, one, batched=False)[None] for one in unit]
    return torch.cat(rows).flatten(1)


def _pull(z: Tensor, x: Tensor, cotangent: Tensor, *, batched: bool) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of operations that are slow in batches
        return torch.autograd.grad(z, x, cotangent, retain_graph=True, is_grads_batched=batched)[0]


def _estimate(encode: Map, point: Tensor, seed: int) -> Volume:
    x = point.detach()[None].clone().requires_grad_()
    with torch.enable_grad():
        z = encode(x).flatten()
        dummy = torch.zeros_like(z, requires_grad=True)
        pulled = torch.autograd.grad(z, x, dummy, create_graph=True)[0]  # J^T u is linear in u: its derivative is J

    def square(v: Tensor) -> Tensor:
        """J^T J v."""
        pushed = torch.autograd.grad(pulled, dummy, v.view_as(x), retain_graph=True)[0]
        return torch.autograd.grad(z, x, pushed, retain_graph=True)[0].flatten()

    generator = torch.Generator().manual_seed(seed)
    found, gaps, low, high = [], [], math.inf, 0.0
    for _ in range(PROBES):
        probe = torch.randint(0, 2, (point.numel(),), generator=generator).to(point) * 2 - 1
        diagonal, beside = _lanczos(square, probe / probe.norm())
        value, smallest, largest = _quadrature(diagonal, beside, point.numel())
        fewer = max(1, len(diagonal) * 3 // 4)
        gaps.append(abs(value - _quadrature(diagonal[:fewer], beside[: fewer - 1], point.numel())[0]))
        found.append(value)
        low, high = min(low, smallest), max(high, largest)
    values = torch.tensor(found, dtype=torch.float64)
    error = float(values.std()) / math.sqrt(PROBES) + sum(gaps) / PROBES
    return Volume(float(values.mean()), error, math.sqrt(high / low))


def _lanczos(square: Callable[[Tensor], Tensor], start: Tensor) -> tuple[list[float], list[float]]:
    """The tridiagonal matrix of a Krylov space, kept orthogonal against every earlier vector."""
    basis, diagonal, beside = [start], [], []
    for step in range(min(LANCZOS_STEPS, start.numel())):
        v = square(basis[-1])
        diagonal.append(float(v @ basis[-1]))
        known = torch.stack(basis)
        for _ in range(2):
            v = v - known.T @ (known @ v)
        length = float(v.norm())
        if step + 1 == min(LANCZOS_STEPS, start.numel()) or length <= 1e-10 * abs(diagonal[0]):
            break
        beside.append(length)
        basis.append(v / length)
    return diagonal, beside


def _quadrature(diagonal: list[float], beside: list[float], features: int) -> tuple[float, float, float]:
    """The estimate of log |det J| of a probe, and the smallest and largest eigenvalue of J^T J in its space."""
    off = torch.tensor(beside, dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(off, 1) + torch.diag(off, -1)
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    eigenvalues = eigenvalues.clamp(min=torch.finfo(torch.float64).tiny)
    value = 0.5 * features * float(vectors[0].square() @ eigenvalues.log())
    return value, float(eigenvalues[0]), float(eigenvalues[-1])
