"""Attributes that stay while an image is edited: measured after the edit, and brought back along their directions."""

from collections.abc import Sequence

from torch import Tensor

from diffeo.data import Part
from diffeo.editing.attributes import ATTRIBUTES, grey
from diffeo.editing.directions import Direction, Method, find_direction
from diffeo.editing.latent import decode_images, encode_images
from diffeo.evaluation import condition_for
from diffeo.flow import Flow
from diffeo.inputs import Condition

PART_OF_THE_WAY = 0.7  # of what a step should bring: attributes are only about linear in the latent


def hold_attributes(
    flow: Flow,
    z: Tensor,
    x: Tensor,
    directions: Sequence[Direction],
    *,
    condition: Condition = None,
    rounds: int = 2,
) -> Tensor:
    r"""Edited latents, moved so that their images have the measured attributes of `x` again: ``(B, D)``.

    In every round :math:`z \leftarrow z + \kappa \sum_i \frac{a_i(x) - a_i(\mathrm{decode}(z))}{\sigma_i} v_i` with the
    directions :math:`v_i` of the attributes :math:`a_i`, their steps :math:`\sigma_i`, and :math:`\kappa = 0.7`.

    Args:
        flow: of images.
        z: latents after an edit, ``(B, D)``.
        x: images before it, ``(B, C, H, W)``.
        directions: of attributes that can be measured, by :func:`attribute_directions`. Without any z is returned.
        condition: what z is decoded under.
        rounds: how often the attributes are measured.

    Raises:
        ValueError: if a direction is of something that is not measured.

    Example:
        >>> import diffeo
        >>> flow, data = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8), diffeo.data.load("digits")
        >>> bold = attribute_directions(flow, data.train, ["brightness"])
        >>> z = hold_attributes(flow, flow.base.draw(20), data.test.x[:20], bold, rounds=6)
        >>> change = grey(decode_images(flow, z)) - grey(data.test.x[:20])
        >>> bool(change.mean((1, 2)).abs().mean() < 0.1)
        True
    """
    for direction in directions:
        if direction.attribute not in ATTRIBUTES:
            raise ValueError(
                f"{direction.attribute} is not measured, so it cannot be held: {', '.join(ATTRIBUTES)} are"
            )
    wanted = {direction.attribute: ATTRIBUTES[direction.attribute](grey(x.to(z.device))) for direction in directions}
    for _ in range(rounds if directions else 0):
        reached = grey(decode_images(flow, z, condition))
        for direction in directions:
            missing = (wanted[direction.attribute] - ATTRIBUTES[direction.attribute](reached)) / direction.step
            z = z + PART_OF_THE_WAY * missing.to(z)[:, None] * direction.vector.to(z)
    return z


def attribute_directions(
    flow: Flow,
    part: Part,
    attributes: Sequence[str] = ("slant", "thickness"),
    *,
    method: Method = "means",
    condition: Condition = None,
    rows: int = 2000,
) -> list[Direction]:
    """The directions of measured attributes, found from at most `rows` images of a part.

    Args:
        flow: of images.
        part: of a conditioned flow with what its rows are conditioned on: `part.condition`, or else labels.
        attributes: names.
        method: see :func:`find_direction`.
        condition: of the images, if it is another.
        rows: of the part, from the first.

    Raises:
        ValueError: if an attribute is not measured, or does not vary, or a condition is missing.

    Example:
        >>> import diffeo
        >>> flow, data = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8), diffeo.data.load("digits")
        >>> [direction.attribute for direction in attribute_directions(flow, data.train)]
        ['slant', 'thickness']
    """
    unknown = [name for name in attributes if name not in ATTRIBUTES]
    if unknown:
        raise ValueError(f"{unknown[0]} is not measured: {', '.join(ATTRIBUTES)} are")
    x = part.x[:rows]
    if condition is None and flow.conditional:
        given = condition_for(flow, part)
        condition = None if given is None else given[:rows]
    z = encode_images(flow, x, condition)
    return [find_direction(z, ATTRIBUTES[name](grey(x)), method=method, attribute=name) for name in attributes]
