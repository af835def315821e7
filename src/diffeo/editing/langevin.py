"""Langevin sampling: a random walk in latent space that visits what explains an image, as often as it is likely."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.editing.posterior import Posterior

TARGET = 0.57  # share of accepted steps at which a Langevin walk moves fastest (Roberts and Rosenthal, 1998)
STAGES = 20  # how often a step's shape is fitted to the density again


@dataclass(frozen=True)
class Walk:
    """Where a walk ended.

    Attributes:
        z: the latents, ``(B, D)``.
        accepted: share of the steps at the posterior's own sigma that were accepted, ``(B,)``.
    """

    z: Tensor
    accepted: Tensor


def langevin(posterior: Posterior, *, steps: int = 400, generator: torch.Generator | None = None) -> Walk:
    r"""One sample of the posterior for each of its rows, by a Metropolis-adjusted Langevin walk from the prior.

    A step proposes :math:`z' = z + \tfrac\epsilon2 M \nabla \log p(z \mid y) + \sqrt{\epsilon M}\, \xi` and accepts it
    with the probability of Metropolis and Hastings, so that a step that is too long costs time, not truth.
    M is diagonal, :math:`1 / (1 / T^2 + (J^T m J)_{ii} / \sigma^2)`: what the known pixels hold fast is moved a
    little, the rest as much as the prior allows. Sigma falls from half of the range of values to the posterior's own
    in the first half of the steps. M and every row's step size follow in that half, and are fixed afterwards.

    Args:
        posterior: see :class:`~diffeo.editing.posterior.Posterior`.
        steps: each is one decoding with its gradient. More of them forget the start better.
        generator: source of everything random.

    Raises:
        ValueError: if there are fewer than 2 steps.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> posterior = Posterior(flow, diffeo.data.load("digits").test.x[:3], sigma=2.0, copies=2)
        >>> posterior.images(langevin(posterior, steps=4).z).shape
        torch.Size([3, 2, 1, 8, 8])

    References:
        Welling and Teh, Bayesian learning via stochastic gradient Langevin dynamics, 2011.
        Roberts and Rosenthal, Optimal scaling of discrete approximations to Langevin diffusions, 1998.
        Song and Ermon, Generative modeling by estimating gradients of the data distribution, 2019 (annealing).
        https://arxiv.org/abs/1907.05600
    """
    if steps < 2:
        raise ValueError(f"at least two steps are needed, got {steps}")
    z = posterior.flow.base.draw(posterior.rows, generator) * posterior.temperature
    features = z.shape[1]
    log_step = torch.full((len(z),), 2 * math.log(1.65) - math.log(features) / 3, dtype=z.dtype, device=z.device)
    sigmas = posterior.annealing(steps)
    own = sigmas.index(posterior.sigma) if posterior.sigma in sigmas else 0
    every = max(1, steps // (2 * STAGES))
    accepted, counted = torch.zeros_like(log_step), 0
    scale = torch.ones_like(z)
    for step, sigma in enumerate(sigmas):
        falling = step < steps // 2
        if falling and step % every == 0:
            scale = 1 / (posterior.temperature**-2 + posterior.curvature(z, generator=generator) / sigma**2)
        if step == 0 or sigma != sigmas[step - 1]:
            value, gradient = posterior.slope(z, sigma)
        size = log_step.exp()[:, None] * scale  # (B, D)
        noise = posterior.flow.base.draw(len(z), generator)
        there = z + 0.5 * size * gradient + size.sqrt() * noise
        value_there, gradient_there = posterior.slope(there, sigma)
        back = (z - there - 0.5 * size * gradient_there).square() / size
        log_ratio = value_there - value + 0.5 * (noise.square() - back).sum(1)
        chance = log_ratio.nan_to_num(-math.inf, math.inf, -math.inf).clamp(max=0).exp()
        draw = torch.rand(len(z), generator=generator).to(chance)
        taken = (draw < chance)[:, None]
        z = torch.where(taken, there, z)
        value, gradient = torch.where(taken[:, 0], value_there, value), torch.where(taken, gradient_there, gradient)
        if falling:
            log_step = log_step + 0.3 * (chance - TARGET)
        elif step >= own:
            accepted, counted = accepted + taken[:, 0], counted + 1
    return Walk(z, accepted / max(1, counted))
