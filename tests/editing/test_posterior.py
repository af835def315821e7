"""The posterior of z on a linear flow, where everything about it is known: its mode, and what a walk ends in."""

import pytest
import torch
from torch import Tensor

import diffeo
from diffeo.editing import Posterior, langevin, mode

SIGMA, KNOWN = 0.7, torch.tensor([[[True, False], [True, True]]])
SEEN = torch.tensor([[[[1.5, 9.0], [-0.5, 2.0]]]])


@pytest.fixture(scope="module")
def flow() -> diffeo.Flow:
    """X = A z + b on images of 2x2 pixels."""
    torch.manual_seed(3)
    mixing, moving = diffeo.InvertibleConv1x1(4), diffeo.ActNorm(4)
    with torch.no_grad():
        for parameter in (*mixing.parameters(), *moving.parameters()):
            parameter.add_(0.4 * torch.randn_like(parameter))
    chain = diffeo.Chain([diffeo.Squeeze(), moving, mixing, diffeo.Flatten((4, 1, 1))])
    return diffeo.Flow(chain, diffeo.StandardNormal(4)).double()


def truth(flow: diffeo.Flow, temperature: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and covariance of z given the known pixels, and A: the textbook's formula."""
    zero = torch.zeros(1, 4, dtype=torch.float64)
    offset = flow.bijection.decode(zero)[0].flatten()
    a = torch.stack([flow.bijection.decode(row[None])[0].flatten() - offset for row in torch.eye(4).double()], 1)
    m = KNOWN.flatten().double()
    covariance = torch.linalg.inv(torch.eye(4) / temperature**2 + a.T @ (m[:, None] * a) / SIGMA**2)
    mean = covariance @ a.T @ (m * (SEEN.double().flatten() - offset)) / SIGMA**2
    return mean.detach(), covariance.detach(), a.detach()


def test_the_mode_is_that_of_the_formula(flow: diffeo.Flow) -> None:
    posterior = Posterior(flow, SEEN.double(), known=KNOWN, sigma=SIGMA)
    torch.testing.assert_close(mode(posterior, steps=600)[0], truth(flow)[0], atol=1e-3, rtol=0)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_walks_end_as_often_everywhere_as_the_density_says(flow: diffeo.Flow, temperature: float) -> None:
    generator = torch.Generator().manual_seed(0)
    posterior = Posterior(flow, SEEN.double(), known=KNOWN, sigma=SIGMA, temperature=temperature, copies=6000)
    walk = langevin(posterior, steps=80, generator=generator)
    mean, covariance, _ = truth(flow, temperature)
    deviation = covariance.diagonal().sqrt()
    assert float(((walk.z.mean(0) - mean) / deviation).abs().max()) < 0.06
    found = torch.cov(walk.z.T) / deviation / deviation[:, None]
    assert float((found - covariance / deviation / deviation[:, None]).abs().max()) < 0.08
    assert 0.3 < float(walk.accepted.mean()) < 0.95


def test_the_curvature_is_that_of_the_squared_misfit(flow: diffeo.Flow) -> None:
    posterior = Posterior(flow, SEEN.double(), known=KNOWN, sigma=SIGMA, copies=2000)
    z = torch.zeros(2000, 4, dtype=torch.float64)
    found = posterior.curvature(z, generator=torch.Generator().manual_seed(0)).mean(0)
    a = truth(flow)[2] * KNOWN.flatten()[:, None]
    torch.testing.assert_close(found, (a.T @ a).diagonal(), rtol=0.1, atol=0.05)


def test_annealing_ends_at_the_posteriors_own_noise() -> None:
    digits = diffeo.data.load("digits")
    flow = diffeo.Glow(digits.shape, values=17, steps=1, width=4)
    posterior = Posterior(flow, digits.test.x[:1], sigma=1.0)
    sigmas = posterior.annealing(40)
    assert len(sigmas) == 40
    assert sigmas[0] == 8.5
    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[20:] == [1.0] * 20
    assert Posterior(flow, digits.test.x[:1], sigma=100.0).annealing(3) == [100.0] * 3
    assert posterior.annealing(1) == [8.5]


def test_nothing_is_left_behind_in_the_flow() -> None:
    flow = diffeo.RealNVP((1, 4, 4), values=4, width=4, dropout=0.5).train()
    posterior = Posterior(flow, torch.ones(2, 1, 4, 4, dtype=torch.uint8), sigma=1.0)
    first, second = (langevin(posterior, steps=6, generator=torch.Generator().manual_seed(1)).z for _ in range(2))
    assert torch.equal(first, second)
    assert flow.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in flow.parameters())


def test_what_does_not_fit_is_named(flow: diffeo.Flow) -> None:
    seen = SEEN.double()
    for wrong, words in (
        (lambda: Posterior(flow, seen, sigma=0.0), "sigma must be a positive number"),
        (lambda: Posterior(flow, seen, sigma=1.0, temperature=0.0), "temperature must be"),
        (lambda: Posterior(flow, seen, sigma=1.0, copies=0), "at least one result"),
        (lambda: Posterior(flow, seen / 0, sigma=1.0), "NaN or infinity"),
        (lambda: Posterior(flow, seen[..., :1], sigma=1.0), r"expected shape \(B, 1, 2, 2\)"),
        (lambda: Posterior(diffeo.RealNVP(2, couplings=1), torch.zeros(1, 2), sigma=1.0), "editing is of images"),
        (lambda: mode(Posterior(flow, seen, sigma=1.0), steps=0), "at least one step"),
        (lambda: langevin(Posterior(flow, seen, sigma=1.0), steps=1), "at least 4 steps"),
    ):
        with pytest.raises(ValueError, match=words):
            wrong()
