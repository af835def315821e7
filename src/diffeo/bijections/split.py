"""Split: half of the channels leaves early, judged by what stays. The multi-scale architecture as a bijection."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape, Step, expected_bijection
from diffeo.bijections.sharing import refuse_shared
from diffeo.elementwise import Affine
from diffeo.networks.conditioner import ask, takes_condition
from diffeo.saving.registry import register


@register
class Split(Bijection):
    r"""Factor half of the channels out, with a learned prior given the other half.

    Halves `a`, `b` of dimension 1; `a` goes on through `rest`, and `b`, modelled as
    :math:`N(\mu(a, c), \sigma(a, c))`, is standardised by it, so that both are standard normal:

    .. math:: z = \left[\,\mathrm{rest}(a),\ (b - \mu(a, c)) / \sigma(a, c)\,\right]

    Without a `prior`, `b` leaves as it is, as in RealNVP. The result is one flat vector, the deepest
    (coarsest) part first.

    log-det: rest's, and :math:`-\sum \log \sigma`.   Cost: rest's, and one pass of the prior.

    Args:
        shape: shape of a row of x.
        rest: the bijection that goes on with `a`.
        prior: a network from ``(a, condition)``, or from ``a`` alone, to twice b's channels (:math:`\mu` and the raw
            :math:`\log \sigma`, which is bounded); None for N(0, I).

    Shapes:
        x: ``(B, *shape)``; z: ``(B, D)``.

    Raises:
        ValueError: if dimension 1 is odd, or `x` has another shape.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, section 3.6.
        https://arxiv.org/abs/1605.08803
        Kingma and Dhariwal, Glow, 2018 (the learned prior is in its published code, ``split2d``).
        https://arxiv.org/abs/1807.03039

    Example:
        >>> import diffeo
        >>> split = Split((4, 2, 2), diffeo.Flatten((2, 2, 2)))
        >>> split.output_shape((4, 2, 2)), split.level_shapes((4, 2, 2))
        ((16,), [(2, 2, 2), (2, 2, 2)])
    """

    def __init__(self, shape: Shape, rest: Bijection, prior: nn.Module | None = None):
        super().__init__()
        self.shape = tuple(shape)
        if self.shape[0] % 2:
            raise ValueError(f"Split: dimension 1 must be even to be halved, got {self.shape}")
        if not isinstance(rest, Bijection):
            raise TypeError(f"Split: rest must be a Bijection, got {expected_bijection(rest)}")
        refuse_shared("Split", [("rest", rest), ("prior", prior if isinstance(prior, nn.Module) else None)])
        self.half_shape = (self.shape[0] // 2, *self.shape[1:])
        self.rest = rest
        self.prior = prior
        half = self.half_shape[0]
        self.prior_with_condition = prior is not None and takes_condition(
            prior, "Split: the prior", inputs=half, outputs=2 * half
        )
        self.gaussian = Affine(bound=4.0)  # log sigma
        own = getattr(prior, "condition_shape", None)
        if own is not None and rest.condition_shape not in (None, own):
            raise ValueError(f"Split: prior and rest take conditions of shapes {own} and {rest.condition_shape}")
        self.condition_shape = own if own is not None else rest.condition_shape
        self.declare_as([rest])
        if prior is not None:
            self.encode_passes, self.decode_passes = rest.encode_passes + 1, rest.decode_passes + 1
        self.rest_features = math.prod(rest.output_shape(self.half_shape))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        a, b = self._halves(x, condition)
        z_b, log_det = self._encode_prior(a, b, condition)
        z_a, rest_log_det = self.rest.encode(a, condition)
        return torch.cat([z_a.flatten(1), z_b.flatten(1)], 1), rest_log_det + log_det

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, self._like, (math.prod(self.shape),))
        self.expect_condition(condition)
        z_a = z[:, : self.rest_features].unflatten(1, self.rest.output_shape(self.half_shape))
        z_b = z[:, self.rest_features :].unflatten(1, self.half_shape)
        a, rest_log_det = self.rest.decode(z_a, condition)
        if self.prior is None:
            return torch.cat([a, z_b], 1), rest_log_det
        b, log_sigma = self.gaussian.encode(z_b, self._prior_parameters(a, condition))
        return torch.cat([a, b], 1), rest_log_det + log_sigma.flatten(1).sum(1)

    @property
    def _like(self) -> Tensor | None:
        return None if self.prior is None else next(self.prior.parameters(), None)

    def _halves(self, x: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        self.expect(x, self._like, self.shape)
        self.expect_condition(condition)
        a, b = x.chunk(2, 1)
        return a, b

    def _encode_prior(self, a: Tensor, b: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.prior is None:
            return b, b.new_zeros(b.shape[:1])
        z_b, minus_log_sigma = self.gaussian.decode(b, self._prior_parameters(a, condition))
        return z_b, minus_log_sigma.flatten(1).sum(1)

    def _prior_parameters(self, a: Tensor, condition: Tensor | None) -> Tensor:
        """Raw log sigma and mu, ``(B, 2 C, ...)``."""
        assert self.prior is not None
        half = self.half_shape[0]
        return ask(self.prior, self.prior_with_condition, a, condition, 2 * half, "Split (mean and log-scale)")

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.shape:
            raise ValueError(f"Split: built for rows of shape {self.shape}, not {shape}")
        return (math.prod(shape),)

    def input_shape(self, shape: Shape) -> Shape:
        return self.shape

    def level_shapes(self, shape: Shape) -> list[Shape]:
        return [*self.rest.level_shapes(self.half_shape), self.half_shape]

    def initialize(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        a, b = self._halves(x, condition)
        z_a = self.rest.initialize(a, condition)
        z_b, _ = self._encode_prior(a[: len(z_a)], b[: len(z_a)], None if condition is None else condition[: len(z_a)])
        return torch.cat([z_a.flatten(1), z_b.flatten(1)], 1)

    def steps(self, x: Tensor, condition: Tensor | None = None, name: str = "") -> Iterator[Step]:
        a, b = self._halves(x, condition)
        z_a = a
        for step in self.rest.steps(a, condition, f"{name}{'.' if name else ''}rest"):
            yield step
            z_a = step.z
        z_b, log_det = self._encode_prior(a, b, condition)
        yield Step(name or "Split", self, x, torch.cat([z_a.flatten(1), z_b.flatten(1)], 1), log_det)

    def extra_repr(self) -> str:
        return f"{self.shape}"
