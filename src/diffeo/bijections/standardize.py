"""Standardize: zero mean and unit variance of the training data, as a layer."""

import torch
from torch import Tensor

from diffeo.bijections.bijection import Bijection, Shape
from diffeo.moments import claim, moments
from diffeo.saving.registry import register


@register
class Standardize(Bijection):
    r"""Subtract the training mean and divide by the training scale, :math:`z = (x - \mu) / \sigma`.

    Every dimension has its own :math:`\mu, \sigma`: buffers, set by :meth:`initialize` from the whole
    training split and saved with the model. A layer and not a preprocessing script, so that the
    log-determinant counts it and samples come out in the user's units. The identity until initialized.

    log-det: :math:`-\sum_i \log \sigma_i`.   Cost: nothing, in either direction.

    Args:
        shape: shape of a row.

    Shapes:
        x, z: ``(B, *shape)``.

    Example:
        >>> layer = Standardize((1,))
        >>> _ = layer.initialize(torch.tensor([[1.0], [3.0]]))
        >>> layer.encode(torch.tensor([[5.0]]))
        (tensor([[3.]]), tensor([-0.]))
    """

    fits_all_rows = True

    mean: Tensor
    scale: Tensor
    initialized: Tensor

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = tuple(shape)
        self.register_buffer("mean", torch.zeros(self.shape))
        self.register_buffer("scale", torch.ones(self.shape))
        self.register_buffer("initialized", torch.tensor(False))

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(x, self.mean, self.shape)
        return (x - self.mean) / self.scale, -self.scale.log().sum().expand(x.shape[0])

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect(z, self.mean, self.shape)
        return z * self.scale + self.mean, self.scale.log().sum().expand(z.shape[0])

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.shape:
            raise ValueError(f"Standardize: built for rows of shape {self.shape}, not {shape}")
        return shape

    input_shape = output_shape

    def set_from(self, x: Tensor) -> None:
        self.expect(x, self.mean, self.shape)
        mean, scale = moments(x, (0,), "Standardize")
        claim(self.initialized, "Standardize")
        with torch.no_grad():
            self.mean.copy_(mean)
            self.scale.copy_(scale)

    def extra_repr(self) -> str:
        return f"{self.shape}"
