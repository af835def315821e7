r"""Are a base's samples of the density that its log_prob says? By Stein's identities, in any number of dimensions.

For a density p on R^D that falls off to zero, E[f(z_i) d/dz_i log p(z) + f'(z_i)] = 0 for every bounded smooth f, and
for the identity; so the mean over samples must be zero, to its standard error, if they are of the density that is
differentiated. A constant factor of p is not seen: it is looked for where p is a Gaussian, or can be integrated.

References:
    Gorham and Mackey, Measuring sample quality with Stein's method, 2015. https://arxiv.org/abs/1506.03039
"""

import dataclasses
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor

from diffeo.evaluation.verification.mass import MOST_FEATURES, mass
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.subject import Subject
from diffeo.evaluation.verification.whole import mass_faults

FEWEST, MOST, NUMBERS = 1024, 8192, 2**22  # samples, and numbers in them
PAIRS_OF = 1024  # dimensions whose pairs are tried
CHANCE = 1e-6  # of a false alarm, were the means normal
ADVICE = "sample and log_prob must be of one density: compare their location, scale and shape"

FUNCTIONS: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {  # of standardized z, with their derivatives
    "1": lambda t: (torch.ones_like(t), torch.zeros_like(t)),
    "z": lambda t: (t, torch.ones_like(t)),
    "exp(-z^2/2)": lambda t: ((-t.square() / 2).exp(), -t * (-t.square() / 2).exp()),
    "z exp(-z^2/2)": lambda t: (t * (-t.square() / 2).exp(), (1 - t.square()) * (-t.square() / 2).exp()),
}


def check_base(subject: Subject, seed: int) -> tuple[list[Fault], list[str]]:
    """What is wrong with the base of a flow, and what could not be checked of it."""
    if not subject.flow:
        return [], []
    n = max(FEWEST, min(MOST, NUMBERS // subject.features))
    z = subject.own.base.sample(n, generator=torch.Generator().manual_seed(seed)).double().detach()
    base, flat = subject.wide.base, z.flatten(1)
    centre, deviation = flat.mean(0), flat.std(0)
    if _ends(base, z, centre):
        return [], ["the base is not checked: Stein's identities are of densities on R^D, and its support ends"]
    try:
        log_p, score = _score(base, z)
    except (ValueError, RuntimeError) as error:
        return [], [f"the base is not checked, since its log_prob cannot be differentiated: {error}"]
    if log_p.shape != (n,):
        return [_fault(f"log_prob has shape {tuple(log_p.shape)} of {n} samples", "Return one number a row")], []
    broken = ~(log_p.isfinite() & score.isfinite().all(1))
    if bool(broken.any()):
        told = f"log_prob of {int(broken.sum())} of {n} of its own samples is not finite, or has no finite gradient"
        return [_fault(told, ADVICE)], []
    if not bool((deviation > 0).all()):
        which = int((deviation <= 0).nonzero()[0])
        return [_fault(f"its samples do not vary in dimension {which}", "A base is a density on all of R^D")], []
    told = _disagreement((flat - centre) / deviation, score * deviation)
    if told:
        return [_fault(told, ADVICE)], []
    return _constant(subject, z, log_p, score, seed)


def _fault(found: str, advice: str) -> Fault:
    return Fault("base", "base", found, advice)


def _score(base: Any, z: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        x = z.clone().requires_grad_()
        log_p = base.log_prob(x)
        score = torch.autograd.grad(log_p.sum(), x)[0]
    return log_p.detach(), score.flatten(1)


def _ends(base: Any, z: Tensor, centre: Tensor) -> bool:
    """Whether points far out have no density, or are refused."""
    far = (centre + 4 * (z.flatten(1) - centre)).view_as(z)
    try:
        return not bool(base.log_prob(far).isfinite().all())
    except (ValueError, RuntimeError):
        return True


def _disagreement(t: Tensor, score: Tensor) -> str:
    """The identity that is most clearly broken, in words; empty if none is. Both arguments standardized, (N, D)."""
    n, features = t.shape
    some = torch.randperm(features, generator=torch.Generator().manual_seed(0))[:PAIRS_OF].to(t.device)
    tests = len(FUNCTIONS) * (features + 1) + len(some) ** 2
    limit = 1.25 * NormalDist().inv_cdf(1 - CHANCE / (2 * tests))  # of standard errors; the means are nearly normal
    worst, told = limit, ""
    for name, function in FUNCTIONS.items():
        f, slope = function(t)
        terms = f * score + slope
        terms = torch.cat([terms, terms.sum(1, keepdim=True)], 1)  # a small difference that all dimensions share
        mean, error = terms.mean(0), terms.std(0) / n**0.5 + 1e-9
        ratio = (mean / error).abs().nan_to_num(math.inf)
        if float(ratio.max()) > worst:
            worst, i = float(ratio.max()), int(ratio.argmax())
            where = f"in dimension {i}" if i < features else "summed over dimensions"
            told = (
                f"its samples are not of its log_prob: the mean of f(z) d/dz log p(z) + f'(z), f = {name}, "
                f"{where} is {float(mean[i]):.3g} ± {float(error[i]):.1g}, not 0 (z standardized)"
            )
    a, b = t[:, some], score[:, some]
    mean = a.T @ b / n
    error = ((a.square().T @ b.square() / n - mean.square()).clamp(min=0) / n).sqrt() + 1e-9
    ratio = (mean / error).abs().fill_diagonal_(0)
    if float(ratio.max()) > worst:
        i, j = divmod(int(ratio.argmax()), len(some))
        told = (
            f"its samples are not of its log_prob: they are dependent otherwise in dimensions {int(some[i])} and "
            f"{int(some[j])}, where the mean of z_i d/dz_j log p(z) is {float(mean[i, j]):.3g} ± "
            f"{float(error[i, j]):.1g}, not 0"
        )
    return told


def _constant(subject: Subject, z: Tensor, log_p: Tensor, score: Tensor, seed: int) -> tuple[list[Fault], list[str]]:
    """Whether the density of a Gaussian, which is known by its linear score, or of few dimensions, is normalised."""
    flat = z.flatten(1)
    centred = flat - flat.mean(0)
    slope = (centred * score).sum(0) / centred.square().sum(0)
    at_centre = score.mean(0)
    linear = bool(((score - at_centre - slope * centred).abs() <= 1e-6 * (1 + score.abs())).all())
    if linear and bool((slope < 0).all()):
        normal = torch.distributions.Normal(flat.mean(0) - at_centre / slope, (-1 / slope).sqrt())
        off = log_p - normal.log_prob(flat).sum(1)
        if bool((off.abs() <= 1e-6 * torch.maximum(log_p.abs(), log_p.new_tensor(float(flat.shape[1])))).all()):
            return [], []
        told = (
            f"log_prob is that of a Gaussian and {float(off.mean()):.4g} nats: it integrates to another number than 1"
        )
        return [_fault(told, "Check the constant: D/2 log(2 pi), and the log of every scale")], []
    if subject.door is None and subject.features <= MOST_FEATURES:
        return [], []  # integrated with the flow
    total = mass(lambda points: subject.wide.base.log_prob(points.view(-1, *z.shape[1:])), flat, seed=seed)
    if total is None or total.doubt:
        return [], ["the base is compared with its samples; whether its log_prob integrates to 1 is not checked"]
    return [dataclasses.replace(fault, layer="base") for fault in mass_faults(total, subject.features)], []
