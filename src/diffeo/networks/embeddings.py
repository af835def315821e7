"""Embeddings: from what a user conditions on to what conditioners take."""

from typing import cast

import torch
from torch import Tensor, nn

from diffeo.networks.conditioning import Shape
from diffeo.networks.standardize_condition import StandardizeCondition
from diffeo.saving.registry import register


@register
class ClassEmbedding(nn.Module):
    """A learned vector for every class.

    Args:
        classes: how many; labels are 0 .. classes - 1.
        features: size of the vector.

    Shapes:
        labels: ``(B,)``, integers; result: ``(B, features)``.

    Raises:
        ValueError: if a label is not an integer from 0 to ``classes - 1``.

    Example:
        >>> ClassEmbedding(10, 4)(torch.tensor([3, 5])).shape
        torch.Size([2, 4])
    """

    shape: Shape = ()

    def __init__(self, classes: int, features: int = 32):
        super().__init__()
        if classes < 2:
            raise ValueError(f"ClassEmbedding: classes must be at least 2, got {classes}")
        self.classes = classes
        self.output_shape: Shape = (features,)
        self.table = nn.Embedding(classes, features)

    def forward(self, labels: Tensor) -> Tensor:
        self._expect_integers(labels)
        return cast(Tensor, self.table(labels.long()))

    def _expect_integers(self, labels: Tensor) -> None:
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise ValueError(
                f"class labels must be integers from 0 to {self.classes - 1}, got {labels.dtype}. Use labels.long()"
            )

    def check(self, labels: Tensor) -> None:
        """Refuse labels that are not integers, or out of range."""
        self._expect_integers(labels)
        if labels.numel() and (int(labels.min()) < 0 or int(labels.max()) >= self.classes):
            raise ValueError(
                f"class labels must be from 0 to {self.classes - 1}, got {int(labels.min())} to {int(labels.max())}"
            )


@register
class VectorEmbedding(nn.Module):
    """A hidden layer for vectors, each entry standardised by its training mean and spread first.

    Args:
        shape: ``(n,)``, shape of a row.
        features: size of the result.

    Shapes:
        condition: ``(B, n)``; result: ``(B, features)``.

    Example:
        >>> VectorEmbedding((3,), 8)(torch.randn(2, 3)).shape
        torch.Size([2, 8])
    """

    def __init__(self, shape: Shape, features: int = 64):
        super().__init__()
        self.shape = tuple(shape)
        self.output_shape: Shape = (features,)
        self.standardize = StandardizeCondition(self.shape)
        self.layers = nn.Sequential(nn.Linear(self.shape[0], features), nn.ReLU(), nn.Linear(features, features))

    def forward(self, condition: Tensor) -> Tensor:
        return cast(Tensor, self.layers(self.standardize(condition)))


@register
class ImageEmbedding(nn.Module):
    """Two convolutions for images; the result keeps its places, or with `vector` is averaged over them.

    Each channel is standardised by its training mean and spread first.

    Args:
        shape: ``(C, H, W)``, shape of a row.
        features: channels of the result.
        vector: average over places, for flows on vectors.

    Shapes:
        condition: ``(B, C, H, W)``; result: ``(B, features, H, W)``, or ``(B, features)``.

    Example:
        >>> ImageEmbedding((1, 14, 14), 8)(torch.randn(2, 1, 14, 14)).shape
        torch.Size([2, 8, 14, 14])
    """

    def __init__(self, shape: Shape, features: int = 32, *, vector: bool = False):
        super().__init__()
        self.shape = tuple(shape)
        self.vector = vector
        self.output_shape: Shape = (features,) if vector else (features, *self.shape[1:])
        self.standardize = StandardizeCondition(self.shape)
        self.layers = nn.Sequential(
            nn.Conv2d(self.shape[0], features, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(features, features, 3, padding=1),
        )

    def forward(self, condition: Tensor) -> Tensor:
        h = cast(Tensor, self.layers(self.standardize(condition)))
        return h.mean((2, 3)) if self.vector else h


def embedding_for(
    classes: int | None, condition_shape: Shape | int | None, *, spatial: bool
) -> ClassEmbedding | VectorEmbedding | ImageEmbedding | None:
    """The embedding that a recipe uses: for `classes`, for vectors or for images; None for no condition.

    Raises:
        ValueError: if both are given, or the shape is neither of a vector nor of an image.
    """
    if classes is not None and condition_shape is not None:
        raise ValueError("give either classes= or condition_shape=, not both")
    if classes is not None:
        return ClassEmbedding(classes)
    if condition_shape is None:
        return None
    shape = (condition_shape,) if isinstance(condition_shape, int) else tuple(condition_shape)
    if len(shape) == 1:
        return VectorEmbedding(shape)
    if len(shape) == 3:
        return ImageEmbedding(shape, vector=not spatial)
    raise ValueError(f"condition_shape must be (n,) for vectors or (C, H, W) for images, got {shape}")
