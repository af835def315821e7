"""Which latents explain what is left of an image: their posterior density, and its mode."""

import math

import torch
from torch import Tensor

from diffeo.editing.latent import as_rows, check_images
from diffeo.flow import Flow
from diffeo.inputs import Condition

START = 0.5  # of the range of values: the noise that annealing assumes at first
RATE = 0.1  # size of the first steps up the density, in units of z
TIGHT = 0.02  # of the range: the noise of pixels that have none, wide enough to walk in


class Posterior:
    r"""The density of z given pixels with Gaussian noise, :math:`y = m \odot (g(z) + \sigma \varepsilon)`.

    .. math:: \log p(z \mid y) = -\tfrac1{2 T^2} |z|^2 - \tfrac1{2 \sigma^2} |m \odot (g(z) - y)|^2 + \text{const}

    g decodes to the continuous side of the door, m is 1 where a pixel is known, and sigma is in the data's units
    (grey levels). Integers are taken at the middle of their cell. The temperature T is 1 for the flow's own density;
    below 1 its middle counts more, as in :meth:`~diffeo.Flow.sample`. All rows are decoded at once, with gradients: of
    many images give some at a time.

    Args:
        flow: of images; its parameters get no gradients.
        y: what was seen, ``(B, C, H, W)``.
        known: where it is known, booleans of y's shape; everywhere if not given.
        sigma: standard deviation of its noise, above 0; if not given, 2 % of the range of values (of continuous
            images: of their standard deviation), for pixels without noise.
        condition: ``(B, ..)`` or one for all.
        temperature: T, above 0.
        copies: how many latents are looked for, for every row of y; those of one row follow one another.

    Shapes:
        z: ``(B * copies, D)``; the density: ``(B * copies,)``.

    Raises:
        ValueError: if something does not fit.

    References:
        Asim, Daniels, Leong, Ahmed and Hand, Invertible generative models for inverse problems, 2020.
        https://arxiv.org/abs/1905.11672
        Whang, Lei and Dimakis, Solving inverse problems with a flow-based noise model, 2021.
        https://arxiv.org/abs/2003.08089

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> posterior = Posterior(flow, diffeo.data.load("digits").test.x[:3], sigma=2.0)
        >>> posterior.log_density(torch.zeros(3, 64), posterior.sigma).shape
        torch.Size([3])
    """

    def __init__(
        self,
        flow: Flow,
        y: Tensor,
        *,
        known: Tensor | None = None,
        sigma: float | None = None,
        condition: Condition = None,
        temperature: float = 1.0,
        copies: int = 1,
    ):
        check_images(flow)
        flow._check_shape(y)
        if sigma is not None and not (math.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be a positive number of grey levels, got {sigma}")
        if not (math.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature must be a finite number above 0, got {temperature}")
        if copies < 1:
            raise ValueError(f"at least one result is needed, got {copies}")
        if not bool(y.isfinite().all()):
            raise ValueError("the images hold NaN or infinity")
        self.flow, self.rows, self.copies, self.temperature = flow._evaluating(), len(y) * copies, copies, temperature
        self.range = float(flow.door.values) if flow.door is not None else float(y.std(correction=0)) or 1.0
        self.sigma = TIGHT * self.range if sigma is None else float(sigma)
        middle = 0.5 if flow.door is not None else 0.0
        self.y = (y.to(flow.device, flow.dtype) + middle).repeat_interleave(copies, 0)
        mask = torch.ones_like(y, dtype=torch.bool) if known is None else known.expand(y.shape)
        self.known = mask.to(flow.device).repeat_interleave(copies, 0)
        rows = as_rows(flow, condition, len(y))
        with torch.no_grad():
            self.condition = flow.embed(None if rows is None else rows.repeat_interleave(copies, 0), self.rows)

    def decode(self, z: Tensor) -> Tensor:
        """The images of z on the continuous side of the door, with gradients."""
        return self.flow.bijection.decode(z, self.condition)[0]

    def images(self, z: Tensor) -> Tensor:
        """The images of z in the data's units, integers where the flow has a door, ``(rows of y, copies, C, H, W)``."""
        with torch.no_grad():
            x = self.decode(z)
        x = x if self.flow.door is None else self.flow.door.decode(x)
        return x.view(len(x) // self.copies, self.copies, *self.flow.shape)

    def log_density(self, z: Tensor, sigma: float, *, centre: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """Of every row, up to a constant, ``(B,)``, for a noise of `sigma`; the prior's centre and y may be others."""
        misfit = ((self.decode(z) - (self.y if y is None else y)) * self.known).flatten(1).square().sum(1)
        away = (z if centre is None else z - centre).square().sum(1)
        return -0.5 * away / self.temperature**2 - 0.5 * misfit / sigma**2

    def slope(
        self, z: Tensor, sigma: float, *, centre: Tensor | None = None, y: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The log density and its gradient, ``(B,)`` and ``(B, D)``."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            value = self.log_density(z, sigma, centre=centre, y=y)
            (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient

    def curvature(self, z: Tensor, *, probes: int = 4, generator: torch.Generator | None = None) -> Tensor:
        r"""An estimate of the diagonal of :math:`J^T m J`, ``(B, D)``, J the Jacobian of g at z.

        The mean of :math:`(J^T m v)^2` over vectors v of random signs. Divided by sigma squared, and with
        :math:`1 / T^2` added for the prior, it says how narrow the posterior is along every entry of z (Gauss-Newton).
        """
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            x = self.decode(z)
            found = torch.zeros_like(z)
            for probe in range(probes):
                signs = torch.rand(x.shape, generator=generator).round().mul(2).sub(1).to(x) * self.known
                (row,) = torch.autograd.grad(x, z, signs, retain_graph=probe + 1 < probes)
                found += row.square() / probes
        return found

    def annealing(self, steps: int) -> list[float]:
        """Noises for `steps` steps: geometrically from half of the range down to sigma, which the last half keeps."""
        first, falling = max(self.sigma, START * self.range), max(1, steps // 2)
        down = [first * (self.sigma / first) ** (i / falling) for i in range(falling)]
        return (down + [self.sigma] * (steps - falling))[:steps]


def mode(posterior: Posterior, *, steps: int = 200) -> Tensor:
    """The latents of greatest posterior density that Adam finds from z = 0, the middle of the prior, ``(B, D)``.

    Args:
        posterior: see :class:`Posterior`.
        steps: each is one decoding with its gradient.

    Raises:
        ValueError: if `steps` is below 1.
    """
    if steps < 1:
        raise ValueError(f"at least one step is needed, got {steps}")
    return climb(
        posterior,
        torch.zeros(
            posterior.rows, *posterior.flow.base.shape, dtype=posterior.flow.dtype, device=posterior.flow.device
        ),
        steps,
    )


def randomized(posterior: Posterior, *, steps: int, generator: torch.Generator | None = None) -> Tensor:
    r"""Latents that are samples of the posterior where g is linear, and otherwise near to some, ``(B, D)``.

    The mode for a prior around :math:`z_0 \sim N(0, T^2)` and pixels :math:`y + \sigma \xi`: the noise that the
    formula assumes is drawn, and the best fit to it is found by Adam, from :math:`z_0`.

    References:
        Bardsley, Solonen, Haario and Laine, Randomize-then-optimize: a method for sampling from posterior distributions
        in nonlinear inverse problems, 2014. https://doi.org/10.1137/140964023
    """
    centre = posterior.flow.base.sample(posterior.rows, generator=generator) * posterior.temperature
    noise = torch.randn(posterior.y.shape, generator=generator, dtype=posterior.y.dtype).to(posterior.y)
    return climb(posterior, centre, steps, y=posterior.y + posterior.sigma * noise)


def climb(posterior: Posterior, centre: Tensor, steps: int, *, y: Tensor | None = None) -> Tensor:
    """Where Adam comes to from the prior's centre.

    Sigma falls to the posterior's own in the first half of the steps, the step size to zero in all of them, so that
    the start decides less.
    """
    z = centre.clone()
    optimizer = torch.optim.Adam([z], lr=RATE, betas=(0.9, 0.99))
    for step, sigma in enumerate(posterior.annealing(steps)):
        _, gradient = posterior.slope(z, sigma, centre=centre, y=y)
        for group in optimizer.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        z.grad = -gradient.nan_to_num(0.0, 0.0, 0.0)
        optimizer.step()
    return z
