"""Images in and out of the latent: what every edit does first and last."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diffeo.flow import Flow
from diffeo.inputs import Condition, chunks
from diffeo.view import view


@torch.no_grad()
def encode_images(
    flow: Flow, x: Tensor, condition: Condition = None, *, generator: torch.Generator | None = None
) -> Tensor:
    """Z of images, ``(B, D)``: of integers the middle of their cell, or with a `generator` a drawn point of it.

    The middle is the choice for editing: nothing of an image is left to chance. With drawn noise z is distributed as
    the flow says, and has the length of a sample's.

    Args:
        flow: of images.
        x: ``(B, C, H, W)``, integers where the flow has a door.
        condition: ``(B, ..)`` or one for all.
        generator: source of the noise inside the cells.

    Raises:
        ValueError: if the flow is not of images, or x or the condition does not fit.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> x = diffeo.data.load("digits").test.x[:5]
        >>> bool((decode_images(flow, encode_images(flow, x)) == x).all())
        True
    """
    check_images(flow)
    flow.check(x, condition)
    x = x.to(flow.device)
    row_condition = as_rows(flow, condition, len(x))
    noise = None if generator is None or flow.door is None else flow.draw_noise(x, generator)
    with flow._in_slices("encode", len(x)) as slices:
        return torch.cat([flow.encode(*rows)[0] for rows in chunks(slices, x, row_condition, noise)])


def decode_images(flow: Flow, z: Tensor, condition: Condition = None) -> Tensor:
    """Images of z, ``(B, C, H, W)``; see :func:`encode_images`.

    Args:
        flow: of images.
        z: ``(B, D)``.
        condition: ``(B, ..)`` or one for all.

    Raises:
        ValueError: if the flow is not of images, or z or the condition does not fit.
    """
    check_images(flow)
    return flow.sample(len(z), condition, noise=z)


@torch.no_grad()
def decode_embedded(flow: Flow, z: Tensor, embedded: Tensor | None) -> Tensor:
    """Images of z under what the flow's embedding gave, ``(B, ..)``: for mixtures of conditions."""
    still = view(flow, training=False)
    with still.frozen(), flow._in_slices("decode", len(z)) as slices:
        x: Tensor = torch.cat([still.bijection.decode(*rows)[0] for rows in chunks(slices, z, embedded)])
    return x if flow.door is None else flow.door.decode(x)


def check_images(flow: Flow) -> None:
    """Refuse a flow whose rows are not images.

    Raises:
        ValueError: naming the shape of its rows.
    """
    if len(flow.shape) != 3:
        raise ValueError(f"editing is of images, (C, H, W), and the rows of this flow have shape {flow.shape}")


def chosen_levels(flow: Flow, levels: Sequence[int]) -> list[int]:
    """Numbers of levels, from 0 for the coarsest.

    Raises:
        ValueError: if the flow has no such level.
    """
    there = len(flow.level_shapes)
    for level in levels:
        if not 0 <= level < there:
            raise ValueError(f"the flow has levels 0 (the coarsest) to {there - 1}, got {level}")
    return sorted(set(levels))


def level_mask(flow: Flow, levels: Sequence[int]) -> Tensor:
    """Which entries of z belong to these levels, ``(D,)``."""
    chosen = chosen_levels(flow, levels)
    mask = torch.zeros(1, *flow.base.shape, dtype=torch.bool, device=flow.device)
    for level in chosen:
        flow.levels(mask)[level].fill_(True)
    return mask[0]


def as_rows(flow: Flow, condition: Condition, rows: int) -> Tensor | None:
    """A condition with one row for every image."""
    if condition is None:
        return None
    shape = tuple(getattr(flow.embedding, "shape", flow.bijection.condition_shape or ()))
    given = torch.as_tensor(condition, device=flow.device)
    return given.expand(rows, *shape) if given.dim() == len(shape) or len(given) == 1 else given
