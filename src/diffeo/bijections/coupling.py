"""Coupling: one part of the input says how the other is transformed."""

from typing import Literal

from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.bijections.partition import PARTITIONS, Partition
from diffeo.elementwise import Affine, Elementwise, expect_elementwise
from diffeo.networks.conditioner import ask, takes_condition
from diffeo.saving.registry import register


@register
class Coupling(Bijection):
    r"""Keep `a`, transform `b` by an elementwise map whose parameters depend on `a`.

    .. math:: z_a = a, \qquad z_b = g(b;\ \theta(a, c))

    The Jacobian is triangular, so its determinant is a product and needs no derivative of the
    conditioner :math:`\theta`, which may be any network that is called as ``network(a, condition)``, or as
    ``network(a)`` if its forward takes no more: a ``torch.nn.Sequential`` will do.

    log-det: the sum of the elementwise map's.   Cost: one pass of the conditioner, in either direction.

    Args:
        channels: size of dimension 1.
        conditioner: a network from ``(a, condition)`` to the map's parameters. It gets
            ``halves(channels, swap)[0]`` channels and returns ``parameters_per_dimension`` for each changed
            one; for the checkerboard it gets the whole image with the changed pixels at 0, and
            returns ``parameters_per_dimension * channels`` channels. End it with zeros to start as the identity.
        elementwise: the map, :class:`~diffeo.Affine` if not given.
        partition: ``"halves"`` of dimension 1 or, for images, the ``"checkerboard"``.
        swap: keep the second part and change the first.

    Shapes:
        x, z: ``(B, C)`` or ``(B, C, H, W)``.

    Raises:
        TypeError: if the conditioner is no network, or the elementwise map lacks a part.
        ValueError: if `x` or what the conditioner or the map says has another shape, or the condition is missing
            or of another shape.

    References:
        Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP, 2017, sections 3.2 to 3.4.
        https://arxiv.org/abs/1605.08803

    Example:
        >>> import diffeo
        >>> layer = Coupling(5, diffeo.MLP(2, 2 * 3))
        >>> z, log_det = layer.encode(torch.randn(8, 5))
        >>> z.shape, log_det.shape
        (torch.Size([8, 5]), torch.Size([8]))
    """

    encode_passes = 1
    decode_passes = 1

    def __init__(
        self,
        channels: int,
        conditioner: nn.Module,
        *,
        elementwise: Elementwise | None = None,
        partition: Literal["halves", "checkerboard"] = "halves",
        swap: bool = False,
    ):
        super().__init__()
        if partition not in PARTITIONS:
            raise ValueError(f"Coupling: partition must be 'halves' or 'checkerboard', got {partition!r}")
        self.channels, self.swap = channels, swap
        self.partition: Partition = PARTITIONS[partition](channels, swap)
        self.elementwise: Elementwise = Affine() if elementwise is None else expect_elementwise(elementwise, "Coupling")
        outputs = self.elementwise.parameters_per_dimension * self.partition.changed
        self.with_condition = takes_condition(
            conditioner, "Coupling: the conditioner", inputs=self.partition.kept, outputs=outputs
        )
        self.who = f"Coupling ({self._map} for {self.partition.changed} of {channels} channels)"
        self.conditioner = conditioner
        self.condition_shape = getattr(conditioner, "condition_shape", None)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self._check(x, condition)
        kept, changed = self.partition.split(x)
        return self._merge(kept, changed, *self.elementwise.encode(changed, self.parameters_of(kept, condition)))

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self._check(z, condition)
        kept, changed = self.partition.split(z)
        return self._merge(kept, changed, *self.elementwise.decode(changed, self.parameters_of(kept, condition)))

    def parameters_of(self, kept: Tensor, condition: Tensor | None) -> Tensor:
        """What the conditioner says of the changed part."""
        outputs = self.elementwise.parameters_per_dimension * self.partition.changed
        return ask(self.conditioner, self.with_condition, kept, condition, outputs, self.who)

    def _merge(self, kept: Tensor, changed: Tensor, found: Tensor, log_det: Tensor) -> tuple[Tensor, Tensor]:
        for name, tensor in (("result", found), ("log_det", log_det)):
            if tensor.shape != changed.shape:
                raise ValueError(
                    f"{self.who}: the {name} of an elementwise map must have the shape of what it changes, "
                    f"{tuple(changed.shape)}, got {tuple(tensor.shape)}"
                )
        return self.partition.merge(kept, found), self.partition.total(log_det)

    def _check(self, x: Tensor, condition: Tensor | None) -> None:
        self.expect(x, next(self.conditioner.parameters(), None), *self.partition.shapes)
        self.expect_condition(condition)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(f"Coupling: built for {self.channels} channels, not {shape[0]}")
        return shape

    input_shape = output_shape

    def extra_repr(self) -> str:
        kind = type(self.partition).__name__.lower()
        return f"{self.channels}, {kind}{', swapped' if self.swap else ''}, {self._map}"

    @property
    def _map(self) -> str:
        plain = type(self.elementwise).__repr__ is object.__repr__  # which would print where it lies in memory
        return type(self.elementwise).__name__ if plain else repr(self.elementwise)
