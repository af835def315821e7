"""How much a map changes volume at a point, from nothing but the map: exactly, or estimated with its error."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS_AT_A_TIME = 128  # of a Jacobian
PROBES, MOST_PROBES, LANCZOS_STEPS = 6, 48, 30
ENOUGH = 0.01  # nats a dimension: a standard error at which no more probes are needed

Map = Callable[[Tensor], Tensor]  # (1, *shape) to (1, ...)


@dataclass(frozen=True)
class Volume:
    """What the Jacobian at a point says.

    Attributes:
        log_det: log |det J|, nats; minus infinity where J is singular.
        error: standard error of an estimate; 0 where exact.
        condition: the largest singular value of J by the smallest; where estimated, a lower bound.
        low, high: between which log |det J| lies, if rounding has moved J: what float64 can tell.
    """

    log_det: float
    error: float
    condition: float
    low: float
    high: float


def volume(encode: Map, point: Tensor, *, exact_up_to: int, rounding: float = 1e-13, seed: int = 0) -> Volume:
    """The volume change of `encode` at `point`, a row without its batch dimension, in the point's precision.

    Up to `exact_up_to` dimensions from the whole Jacobian, whose cost grows with the cube of their number;
    beyond, by stochastic Lanczos quadrature of log(J^T J), for which only products with J and J^T are needed.
    Rounding of J, at most `rounding` times its largest singular value, moves no singular value by more (Weyl):
    one that is not larger may as well be zero. Derivatives that are not finite raise a RuntimeError.

    References:
        Ubaru, Chen and Saad, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature, 2017.
        https://doi.org/10.1137/16M1104974

    Example:
        >>> found = volume(lambda x: x * torch.tensor([2.0, 0.5]), torch.ones(2), exact_up_to=8)
        >>> found.log_det, found.error, found.condition
        (0.0, 0.0, 4.0)
    """
    if point.numel() > exact_up_to:
        return _estimate(encode, point, rounding, seed)
    matrix = jacobian(encode, point)
    if not bool(matrix.isfinite().all()):
        raise RuntimeError("derivatives of encode are not finite")
    values = torch.linalg.svdvals(matrix)
    moved = rounding * values[0]
    low, high = ((values + by).clamp(min=0).log().sum() for by in (-moved, moved))
    condition = float(values[0] / values[-1]) if values[-1] > 0 else math.inf
    return Volume(float(values.log().sum()), 0.0, condition, float(low), float(high))


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


def _estimate(encode: Map, point: Tensor, rounding: float, seed: int) -> Volume:
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
    found, gaps, ends, low, high = [], [], [], math.inf, 0.0
    for probes in range(1, MOST_PROBES + 1):
        probe = torch.randint(0, 2, (point.numel(),), generator=generator).to(point) * 2 - 1
        diagonal, beside = _lanczos(square, probe / probe.norm())
        weights, eigenvalues = _quadrature(diagonal, beside, point.numel())
        fewer = max(1, len(diagonal) * 3 // 4)
        few_weights, few = _quadrature(diagonal[:fewer], beside[: fewer - 1], point.numel())
        value = _logs(weights, eigenvalues)
        gaps.append(abs(value - _logs(few_weights, few)))
        found.append(value)
        moved = rounding * eigenvalues[-1]  # J^T J has the square of J's condition: so much less can be told
        ends.append([_logs(weights, eigenvalues + by) for by in (-moved, moved)])
        low, high = min(low, float(eigenvalues[0])), max(high, float(eigenvalues[-1]))
        values = torch.tensor(found, dtype=torch.float64)
        if probes >= PROBES:
            error = float(values.std()) / math.sqrt(probes) + sum(gaps) / probes
            if error <= ENOUGH * point.numel():
                break
    between = torch.tensor(ends, dtype=torch.float64).mean(0)
    condition = math.sqrt(high / low) if low > 0 else math.inf
    return Volume(float(values.mean()), error, condition, float(between[0]), float(between[1]))


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


def _quadrature(diagonal: list[float], beside: list[float], features: int) -> tuple[Tensor, Tensor]:
    """The eigenvalues of J^T J in a probe's space, ascending, and for how many of all each of them stands."""
    off = torch.tensor(beside, dtype=torch.float64)
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(off, 1) + torch.diag(off, -1)
    eigenvalues, vectors = torch.linalg.eigh(matrix)
    return features * vectors[0].square(), eigenvalues


def _logs(weights: Tensor, eigenvalues: Tensor) -> float:
    """The estimate of log |det J|; minus infinity where an eigenvalue is none."""
    return 0.5 * float(torch.special.xlogy(weights, eigenvalues.clamp(min=0)).sum())
