"""Style transformation: an image of another class, while the rest stays."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from diffeo.bases import check_temperature
from diffeo.editing.directions import Direction
from diffeo.editing.holding import hold_attributes
from diffeo.editing.latent import as_rows, decode_images, encode_images
from diffeo.flow import Flow


def change_class(
    flow: Flow,
    x: Tensor,
    labels: Tensor,
    targets: Tensor,
    *,
    temperature: float = 0.6,
    hold: Sequence[Direction] = (),
    generator: torch.Generator | None = None,
) -> Tensor:
    """Encode under one class, decode under another: ``(B, C, H, W)``, for flows conditioned on classes.

    What the class says is not in the latent of such a flow, so the latent keeps the rest: width and lean of strokes,
    for digits. It keeps them in part, since classes differ in these as well; what `hold` names is held.

    Args:
        flow: conditioned on classes.
        x: ``(B, C, H, W)``.
        labels: their classes, ``(B,)``.
        targets: the classes to reach, ``(B,)``, or one for all.
        temperature: multiplies the latent: below 1 the class is reached more often, and less of the image is kept.
        hold: directions of attributes that should stay as in `x`, see :func:`hold_attributes`.
        generator: draws the noise inside the cells of integers; the middle is taken if not given.

    Raises:
        ValueError: if the flow is not conditioned on classes, a class is out of range, or the temperature is negative
            or not finite.

    References:
        Kingma et al., Semi-supervised learning with deep generative models, 2014, figure 1 (analogies).
        https://arxiv.org/abs/1406.5298

    Example:
        >>> import diffeo
        >>> flow, data = diffeo.Glow((1, 8, 8), values=17, classes=10, steps=1, width=8), diffeo.data.load("digits")
        >>> x, labels = data.test.x[:3], data.test.labels[:3]
        >>> change_class(flow, x, labels, (labels + 1) % 10).shape
        torch.Size([3, 1, 8, 8])
    """
    check_classes(flow)
    check_temperature(temperature)
    wanted = as_rows(flow, targets, len(x))
    flow.check(x, wanted)
    z = temperature * encode_images(flow, x, labels, generator=generator)
    return decode_images(flow, hold_attributes(flow, z, x, hold, condition=wanted), wanted)


def check_classes(flow: Flow) -> int:
    """How many classes a flow is conditioned on.

    Raises:
        ValueError: if it is not.
    """
    check_class_edit(flow)
    classes = getattr(flow.embedding, "classes", None)
    if classes is None:
        raise ValueError(
            "this flow is not conditioned on classes. Train one with --conditional, or move along a direction: "
            "diffeo edit direction"
        )
    return int(classes)


def check_class_edit(flow: Flow) -> None:
    """Refuse a flow of which no edit can change the class: one with a condition that is not the class.

    Raises:
        ValueError: saying of which flows the class can be changed.
    """
    if flow.conditional and not hasattr(flow.embedding, "classes"):
        shape = tuple(getattr(flow.embedding, "shape", flow.bijection.condition_shape or ()))
        raise ValueError(
            f"this flow is conditioned on rows of shape {shape}, and what they show of the class stays as it is. "
            f"The class can be changed with a flow trained with --conditional, or without any condition"
        )


def check_strength(strength: float) -> None:
    """Refuse what cannot multiply a step.

    Raises:
        ValueError: if it is not finite.
    """
    if not math.isfinite(strength):
        raise ValueError(f"strength must be a finite number, got {strength}")


def _check_range(labels: Tensor, classes: int, named: str) -> None:
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"{named} must be integers from 0 to {classes - 1}, got {labels.dtype}. Use {named}.long()")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"{named} must be from 0 to {classes - 1}, got {int(labels.min())} to {int(labels.max())}")


def class_means(z: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The mean latent of every class, ``(classes, D)``.

    Raises:
        ValueError: if a class has no image, or a label is out of range.
    """
    _check_range(labels, classes, "labels")
    counts = labels.bincount(minlength=classes)
    if bool((counts == 0).any()):
        raise ValueError(f"class {int((counts == 0).nonzero()[0])} has no image, so its mean is unknown")
    sums = z.new_zeros(classes, z.shape[1]).index_add_(0, labels.to(z.device), z)
    return sums / counts[:, None].to(z)


def move_to_class(
    flow: Flow,
    x: Tensor,
    labels: Tensor,
    targets: Tensor,
    means: Tensor,
    *,
    strength: float = 2.0,
    hold: Sequence[Direction] = (),
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Move along the difference of class means, :math:`z + s (m_{target} - m_{label})`: ``(B, C, H, W)``.

    For flows without classes: in their latents classes lie apart.

    Args:
        flow: without a condition.
        x: ``(B, C, H, W)``.
        labels: their classes, ``(B,)``.
        targets: the classes to reach, ``(B,)``.
        means: of every class, by :func:`class_means`.
        strength: s. At 1 many images stay between both classes.
        hold: directions of attributes that should stay as in `x`, see :func:`hold_attributes`.
        generator: draws the noise inside the cells of integers; the middle is taken if not given.

    Raises:
        ValueError: if the flow is conditioned, there is no mean of a class, or the strength is not finite.

    References:
        Kingma and Dhariwal, Glow, 2018, section 6. https://arxiv.org/abs/1807.03039

    Example:
        >>> import diffeo
        >>> flow, data = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8), diffeo.data.load("digits")
        >>> means = class_means(encode_images(flow, data.train.x), data.train.labels, 10)
        >>> x, labels = data.test.x[:3], data.test.labels[:3]
        >>> bool((move_to_class(flow, x, labels, labels, means) == x).all())
        True
    """
    check_class_edit(flow)
    if flow.conditional:
        raise ValueError(
            "this flow is conditioned on classes, so its latent says little of the class. Use change_class"
        )
    check_strength(strength)
    for named, given in (("labels", labels), ("targets", targets)):
        _check_range(given, len(means), named)
    z = encode_images(flow, x, generator=generator)
    moved = z + strength * (means[targets] - means[labels]).to(z)
    return decode_images(flow, hold_attributes(flow, moved, x, hold))
