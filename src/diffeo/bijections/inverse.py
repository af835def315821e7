"""Inverse: a bijection run the other way."""

from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape, expected_bijection
from diffeo.saving.registry import register


@register
class Inverse(Bijection):
    r"""The inverse of a bijection: encode is its decode, decode its encode.

    Data-dependent layers inside stay as they are when a flow is initialized: what they would see is noise.

    Args:
        bijection: what to run the other way.

    Example:
        >>> import diffeo
        >>> unsqueeze = Inverse(diffeo.Squeeze())
        >>> unsqueeze.output_shape((4, 2, 2))
        (1, 4, 4)
    """

    def __init__(self, bijection: Bijection):
        super().__init__()
        if not isinstance(bijection, Bijection):
            raise TypeError(f"Inverse: expected a Bijection, got {expected_bijection(bijection)}")
        self.bijection = bijection
        self.log_det_kind = bijection.log_det_kind
        self.inverse_kind = bijection.inverse_kind
        other = {"encode": "decode", "decode": "encode"}
        self.traces = tuple(other[direction] for direction in bijection.traces)
        self.tolerance = bijection.tolerance
        self.domain, self.codomain = bijection.codomain, bijection.domain
        self.condition_shape = bijection.condition_shape
        self.encode_passes, self.decode_passes = bijection.decode_passes, bijection.encode_passes

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.bijection.decode(x, condition)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.bijection.encode(z, condition)

    def initialize(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        for name, buffer in self.named_buffers():
            if name.endswith("initialized"):
                buffer.fill_(True)
        return self.encode(x, condition)[0]

    def output_shape(self, shape: Shape) -> Shape:
        return self.bijection.input_shape(shape)

    def input_shape(self, shape: Shape) -> Shape:
        return self.bijection.output_shape(shape)
