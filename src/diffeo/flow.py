"""Flow: a door, one bijection and a base make a density."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor

from diffeo.bases import check_n, check_temperature
from diffeo.bijections import Bijection
from diffeo.initialization import Initialization
from diffeo.inputs import Condition, chunks, in_evaluation
from diffeo.plan import describe
from diffeo.saving.pretrained import Pretrained
from diffeo.saving.registry import register
from diffeo.system.warning import warn

_freezing = threading.Lock()  # while frozen() counts


@register
class Flow(Initialization, Pretrained):
    r"""A density from a bijection: :math:`\log p(x) = \log p_Z(f(x)) + \log |\det \partial f / \partial x|`.

    Integers enter by a `door` that adds noise inside their cell; the log density of the noisy point is
    then, on average over the noise, a lower bound on :math:`\log P(x)` (a sum over cells of volume one).
    Continuous data has no door. What the density is conditioned on passes through `embedding`, a network
    trained with the flow.

    Args:
        bijection: from data to noise, preprocessing included.
        base: the density of the noise, :class:`~diffeo.StandardNormal` or one of your own (:class:`~diffeo.Base`).
        door: :class:`~diffeo.Quantizer` for integers; None for continuous data.
        embedding: from conditions to what the bijection takes. None hands them on as they are, in their own units:
            :class:`~diffeo.StandardizeCondition` takes out their training mean and spread.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, D)``; log_prob: ``(B,)``, nats in the data's units.

    What methods take:
        condition: ``(B, ..)`` or one row for all; class labels ``(B,)``, or one integer.
        noise: where x is given, for integers: numbers in (0, 1) of its shape. Of samples: z before the temperature,
            ``(n, D)``. Drawn from `generator` if not given.
        temperature: multiplies z; below 1 gives safer, less varied samples.
        generator: source of what is drawn; the same one gives the same, whatever the `batch_size`.
        batch_size: rows at a time; if not given, densities take all at once, samples as many as are fast.

    Raises:
        TypeError: if a part is not what it should be.
        ValueError: if the shapes of bijection and base do not fit, or parts share parameters.

    Example:
        >>> import diffeo
        >>> layers = [diffeo.Coupling(2, diffeo.MLP(1, 2), swap=bool(i % 2)) for i in range(4)]
        >>> flow = Flow(diffeo.Chain(layers), diffeo.StandardNormal(2))
        >>> flow.log_prob(torch.zeros(3, 2)).exp()
        tensor([0.1592, 0.1592, 0.1592], grad_fn=<ExpBackward0>)
        >>> flow.sample(5).shape
        torch.Size([5, 2])
    """

    # ---- densities

    def forward(self, x: Tensor, condition: Condition = None, noise: Tensor | None = None) -> Tensor:
        """The same as :meth:`log_prob`."""
        return self.log_prob(x, condition, noise)

    def log_prob(
        self,
        x: Tensor,
        condition: Condition = None,
        noise: Tensor | None = None,
        *,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Log density of every row in nats, ``(B,)``; for integers one draw of a lower bound on log P(x)."""
        self._check_shape(x)
        if self.door is not None and noise is None:
            noise = self.draw_noise(x, generator)
        row_condition = self._condition(condition, x.shape[0])
        if batch_size is None:
            found = self._log_prob(x, row_condition, noise)
        else:
            with self._in_slices("encode", len(x), batch_size) as slices:
                found = torch.cat([self._log_prob(*rows) for rows in chunks(slices, x, row_condition, noise)])
        self._expect_initialized()
        return found

    def _log_prob(self, x: Tensor, condition: Tensor | None, noise: Tensor | None) -> Tensor:
        z, log_det = self.bijection.encode(self._enter(x, noise), self._embed(condition))
        log_prob = self.base.log_prob(z)
        if log_prob.shape != log_det.shape:
            raise ValueError(
                f"{self._name}: the base's log_prob has shape {tuple(log_prob.shape)}, not "
                f"{tuple(log_det.shape)}: one number a row. Sum it over the row's dimensions"
            )
        return log_prob + log_det

    @torch.no_grad()
    def bits_per_dim(
        self,
        x: Tensor,
        condition: Condition = None,
        *,
        samples: int = 1,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        r"""An upper bound on :math:`-\log_2 P(x) / D` of every row of integers, ``(B,)``.

        :math:`-\frac{1}{D \ln 2} \log \frac1K \sum_k p(x + u_k)` with K = `samples` draws of noise: unbiased
        for a bound, which is tight as K grows (Burda et al., Importance weighted autoencoders, 2016).
        """
        if self.door is None:
            raise ValueError(
                f"{self._name}: bits per dimension are of integers, and this flow is continuous. Use log_prob"
            )
        if samples < 1:
            raise ValueError(f"bits_per_dim: samples must be at least 1, got {samples}")
        self.check(x, condition)
        flow, rows = self._evaluating(), self._rows_at_a_time() if batch_size is None else batch_size
        draws = [flow.log_prob(x, condition, generator=generator, batch_size=rows) for _ in range(samples)]
        log_p = torch.stack(draws).logsumexp(0) - math.log(samples)
        return -log_p / (math.prod(self.shape) * math.log(2))

    def class_log_prob(
        self,
        x: Tensor,
        noise: Tensor | None = None,
        *,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """Log p(x | class) for every class, ``(B, classes)``, with the same noise for all."""
        classes = getattr(self.embedding, "classes", None)
        if classes is None:
            raise ValueError(f"{self._name}: not conditioned on classes. Build it with classes=")
        if self.door is not None and noise is None:
            noise = self.draw_noise(x, generator)
        return torch.stack([self.log_prob(x, c, noise, batch_size=batch_size) for c in range(classes)], 1)

    def marginal_log_prob(
        self,
        x: Tensor,
        noise: Tensor | None = None,
        *,
        prior: Tensor | None = None,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        r""":math:`\log \sum_c P(c)\, p(x | c)`, ``(B,)``; `prior` holds P(c), uniform if not given."""
        log_prob = self.class_log_prob(x, noise, generator=generator, batch_size=batch_size)
        return (log_prob + self._log_prior(prior, log_prob)).logsumexp(1)

    def class_posterior(
        self,
        x: Tensor,
        noise: Tensor | None = None,
        *,
        prior: Tensor | None = None,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """P(class | x) by Bayes' rule, ``(B, classes)``; `prior` holds P(c), uniform if not given."""
        log_prob = self.class_log_prob(x, noise, generator=generator, batch_size=batch_size)
        return (log_prob + self._log_prior(prior, log_prob)).softmax(1)

    def _log_prior(self, prior: Tensor | None, log_prob: Tensor) -> Tensor:
        classes = log_prob.shape[1]
        if prior is None:
            return log_prob.new_full((classes,), -math.log(classes))
        if (
            prior.shape != (classes,)
            or bool((prior < 0).any())
            or not math.isclose(float(prior.sum()), 1.0, abs_tol=1e-4)
        ):
            raise ValueError(f"prior must hold {classes} probabilities that add up to 1, got {prior}")
        return prior.to(log_prob).log()

    # ---- samples

    @torch.no_grad()
    def sample(
        self,
        n: int,
        condition: Condition = None,
        *,
        temperature: float = 1.0,
        noise: Tensor | None = None,
        generator: Generator | None = None,
        batch_size: int | None = None,
    ) -> Tensor:
        """`n` samples in the data's units, ``(n, *shape)``; integers where the flow has a door."""
        z = self._latents(n, temperature, noise, generator)
        n = z.shape[0]
        row_condition = self._condition(condition, n, check=True)
        flow = self._evaluating()
        with flow.frozen(), self._in_slices("decode", n, batch_size) as slices:
            parts = [
                flow._leave(flow.bijection.decode(rows, flow._embed(c))[0])
                for rows, c in chunks(slices, z, row_condition)
            ]
        x = torch.cat(parts)
        if x.is_floating_point():
            broken = int((~x.isfinite().flatten(1).all(1)).sum()) if n else 0
            if broken:
                warn(f"{self._name}: {broken} of {n} samples are not finite")
        return x

    @in_evaluation
    def rsample(
        self,
        n: int,
        condition: Condition = None,
        *,
        temperature: float = 1.0,
        noise: Tensor | None = None,
        generator: Generator | None = None,
    ) -> Tensor:
        """Samples with gradients, ``(n, *shape)``; of integers the continuous points before the floor."""
        z = self._latents(n, temperature, noise, generator)
        return self.bijection.decode(z, self.embed(condition, z.shape[0]))[0]

    @in_evaluation
    def sample_and_log_prob(
        self,
        n: int,
        condition: Condition = None,
        *,
        temperature: float = 1.0,
        noise: Tensor | None = None,
        generator: Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Samples as of :meth:`rsample` and their log density under the flow (at temperature 1), with gradients."""
        z = self._latents(n, temperature, noise, generator)
        x, log_det = self.bijection.decode(z, self.embed(condition, z.shape[0]))
        return x, self.base.log_prob(z) - log_det

    def _latents(self, n: int, temperature: float, noise: Tensor | None, generator: Generator | None) -> Tensor:
        self._check_precision()
        wanted = (check_n(n), *self.base.shape)
        check_temperature(temperature)
        if noise is not None and noise.shape != wanted:
            raise ValueError(f"noise must have shape {wanted}, got {tuple(noise.shape)}")
        z = self.base.sample(wanted[0], temperature=temperature, noise=noise, generator=generator)
        if z.shape != wanted:
            raise ValueError(f"{self._name}: the base's sample has shape {tuple(z.shape)}, not {wanted}")
        return z

    # ---- the map itself

    @in_evaluation
    def encode(self, x: Tensor, condition: Condition = None, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Data to noise: ``(z, log_det)``, ``(B, D)`` and ``(B,)``.

        Integers without `noise` go in at the middle of their cell: right for reconstruction and editing,
        but then z is no draw of the latent, and log_det belongs to no likelihood.
        """
        if self.door is not None and noise is None:
            noise = torch.full(x.shape, 0.5, dtype=self.dtype, device=x.device)
        return self.bijection.encode(self._enter(x, noise), self.embed(condition, x.shape[0]))

    @in_evaluation
    def decode(self, z: Tensor, condition: Condition = None) -> tuple[Tensor, Tensor]:
        """Noise to data: ``(x, log_det)``; with a door x is the integer in whose cell the point lies."""
        self._check_precision()
        if z.shape[1:] != self.base.shape:
            wanted = "(" + ", ".join(["B", *map(str, self.base.shape)]) + ")"
            raise ValueError(f"{self._name}: expected z of shape {wanted}, got {tuple(z.shape)}")
        x, log_det = self.bijection.decode(z, self.embed(condition, z.shape[0]))
        return self._leave(x), log_det

    def levels(self, z: Tensor) -> list[Tensor]:
        """The parts of z by scale, coarsest first, each ``(B, C, H, W)``; for flows without scales z itself."""
        shapes = self.level_shapes
        parts = z.split([math.prod(shape) for shape in shapes], 1)
        return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]

    @property
    def level_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of what :meth:`levels` returns."""
        return self.bijection.level_shapes(self.shape)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, decoding uses inverses computed once, which samples many batches faster.

        They serve only as long as they are right: where weights were trained or loaded since, where a gradient is to
        reach them, and in copies, decoding computes as it does outside. Contexts may be nested, and threads may share
        a flow. As for autograd, what is written through ``parameter.data`` is not noticed.
        """
        layers = [module for module in self.modules() if isinstance(module, Bijection)]
        try:
            with _freezing:
                self._frozen += 1
                if self._frozen == 1:
                    for layer in layers:
                        layer.freeze()
            yield
        finally:
            with _freezing:
                self._frozen -= 1
                if not self._frozen:
                    for layer in layers:
                        layer.thaw()

    def __repr__(self) -> str:
        values = "" if self.door is None else f", {self.door.values} values"
        return describe(f"{self._name} {self.shape}{values}", self.bijection, self.embedding, self.shape)
