"""Langevin sampling: a random walk in latent space that visits what explains an image, as often as it is likely."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.editing.posterior import Posterior, randomized

TARGET = 0.57  # share of accepted steps at which a Langevin walk moves fastest (Roberts and Rosenthal, 1998)
FITS = 10  # how often the shape of a step is fitted to the density


@dataclass(frozen=True)
class Walk:
    """Where a walk ended.

    Attributes:
        z: the latents, ``(B, D)``.
        accepted: share of the last steps, of fixed size, that were accepted, ``(B,)``.
    """

    z: Tensor
    accepted: Tensor


def langevin(posterior: Posterior, *, steps: int = 400, generator: torch.Generator | None = None) -> Walk:
    r"""One sample of the posterior for each of its rows, by a Metropolis-adjusted Langevin walk.

    The first half of the steps brings each row to a start of its own, by
    :func:`~diffeo.editing.posterior.randomized`. Then a step proposes
    :math:`z' = z + \tfrac\epsilon2 M \nabla \log p(z \mid y) + \sqrt{\epsilon M}\, \xi` and accepts it
    with the probability of Metropolis and Hastings, so that a step that is too long costs time, not truth.
    M is diagonal, :math:`1 / (1 / T^2 + (J^T m J)_{ii} / \sigma^2)`: what the known pixels hold fast is moved a
    little, the rest as much as the prior allows. M and every row's step size follow for half of the walk, and are
    fixed afterwards. A walk of a few hundred steps stays near its start; that samples differ is the starts' doing.

    Args:
        posterior: see :class:`~diffeo.editing.posterior.Posterior`.
        steps: each is one decoding with its gradient.
        generator: source of everything random.

    Raises:
        ValueError: if there are fewer than 4 steps.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> posterior = Posterior(flow, diffeo.data.load("digits").test.x[:3], sigma=2.0, copies=2)
        >>> posterior.images(langevin(posterior, steps=4).z).shape
        torch.Size([3, 2, 1, 8, 8])

    References:
        Welling and Teh, Bayesian learning via stochastic gradient Langevin dynamics, 2011.
        Roberts and Rosenthal, Optimal scaling of discrete approximations to Langevin diffusions, 1998.
        Girolami and Calderhead, Riemann manifold Langevin and Hamiltonian Monte Carlo methods, 2011 (M).
    """
    if steps < 4:
        raise ValueError(f"at least 4 steps are needed, half of them to a start, got {steps}")
    sigma, sources = posterior.sigma, posterior.flow.base
    z = randomized(posterior, steps=steps // 2, generator=generator)
    value, gradient = posterior.slope(z, sigma)
    log_step = value.new_full((len(z),), 2 * math.log(1.65) - math.log(z.shape[1]) / 3)
    walk = steps - steps // 2
    adapting = walk // 2
    every = max(1, adapting // FITS)
    accepted, scale = torch.zeros_like(log_step), torch.ones_like(z)
    for step in range(walk):
        if step < adapting and step % every == 0:
            curvature = posterior.curvature(z, generator=generator)
            scale = 1 / (posterior.temperature**-2 + curvature.nan_to_num(0.0) / sigma**2)
        size = log_step.exp()[:, None] * scale  # (B, D)
        noise = sources.sample(len(z), generator=generator)
        there = z + 0.5 * size * gradient + size.sqrt() * noise
        value_there, gradient_there = posterior.slope(there, sigma)
        back = (z - there - 0.5 * size * gradient_there).square() / size
        log_ratio = value_there - value + 0.5 * (noise.square() - back).sum(1)
        chance = log_ratio.nan_to_num(-math.inf, math.inf, -math.inf).clamp(max=0).exp()
        taken = torch.rand(len(z), generator=generator).to(chance) < chance
        z = torch.where(taken[:, None], there, z)
        value = torch.where(taken, value_there, value)
        gradient = torch.where(taken[:, None], gradient_there, gradient)
        if step < adapting:
            log_step = log_step + 0.3 * (chance - TARGET)
        else:
            accepted += taken
    return Walk(z, accepted / (walk - adapting))
