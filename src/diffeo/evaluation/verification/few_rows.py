"""Which few rows to look at closely, where looking at all would take too long."""

import torch
from torch import Tensor

from diffeo.bijections import Bijection

AT_A_GLANCE = 32  # dimensions up to which the Jacobians of all rows are computed


def telling(x: Tensor, condition: Tensor | None, most: int, seed: int = 0) -> Tensor:
    """The numbers of up to `most` rows: the largest, those with the least and greatest entries, and some at random.

    Where there is a condition, rows of different conditions come first.
    """
    if len(x) <= most:
        return torch.arange(len(x), device=x.device)
    flat = x.flatten(1).double().nan_to_num(0.0, 0.0, 0.0)
    away = (flat - flat.mean(0)).abs()
    away = away / away.square().mean(0).sqrt().clamp(min=1e-30)  # of every dimension alike
    some = away.amax(0).argsort(descending=True)[: max(1, most // 4)]  # the dimensions with the furthest rows
    ends = torch.stack([flat[:, some].argmax(0), flat[:, some].argmin(0)], 1).flatten()
    chance = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    size = torch.stack([away.amax(1).argmax(), flat.square().sum(1).argmax()])
    order = list(dict.fromkeys([*size.tolist(), *ends.tolist(), *chance.tolist()]))
    if condition is not None:
        kinds = condition.reshape(len(x), -1).unique(dim=0, return_inverse=True)[1].tolist()
        met: dict[int, int] = {}
        turn = []
        for row in order:
            met[kinds[row]] = met.get(kinds[row], -1) + 1
            turn.append(met[kinds[row]])  # how many rows of its condition came before it
        order = [row for _, row in sorted(zip(turn, order, strict=True), key=lambda pair: pair[0])]
    return torch.tensor(order[:most], device=x.device)


def suspicious(layer: Bijection, x: Tensor, condition: Tensor | None, most: int = 2) -> Tensor:
    """The rows, if any, whose log_det is furthest from autograd's at a glance; few dimensions only."""
    if not 0 < x[:1].numel() <= AT_A_GLANCE or layer.log_det_kind != "exact":
        return torch.arange(0, device=x.device)
    point = x.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            z, log_det = layer.encode(point, condition)
            sums = z.flatten(1).sum(0)  # rows are independent: each gradient is of one row
            parts = [torch.autograd.grad(one, point, retain_graph=True)[0].flatten(1) for one in sums]
            jacobian = torch.stack(parts, 1)  # (B, D, D)
    except RuntimeError:  # the close look says why
        return torch.arange(0, device=x.device)
    apart = (torch.linalg.slogdet(jacobian)[1] - log_det.detach()).abs().nan_to_num(torch.inf, torch.inf)
    apart = torch.where(log_det.isfinite(), apart / log_det.abs().clamp(min=1.0), 0.0)
    worst = apart.argsort(descending=True)[:most]
    return worst[apart[worst] > 1e-8]
