"""What a flow can be conditioned on that is made of the rows themselves."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from diffeo.data.dataset import Dataset, Part
from diffeo.data.typed_names import nearest

if TYPE_CHECKING:
    from torch import Tensor


def conditioned(data: Dataset, condition: str) -> Dataset:
    """A data set whose rows have a condition each, :attr:`~diffeo.data.Part.condition`.

    Args:
        data: the data set.
        condition: the name of one of :data:`CONDITIONS`.

    Raises:
        ValueError: if there is none of this name, or the rows are not of the kind that it is made of.

    Example:
        >>> import diffeo
        >>> data = diffeo.data.load("digits", condition="downscaled")
        >>> data.train.condition.shape, dict(data.options)
        (torch.Size([1257, 1, 4, 4]), {'condition': 'downscaled'})
    """
    train, validation, test = (
        with_condition(part, condition, values=data.values, source=data.name)
        for part in (data.train, data.validation, data.test)
    )
    options = {**data.options, "condition": condition}
    return replace(data, train=train, validation=validation, test=test, options=options)


def with_condition(part: Part, condition: str, *, values: int | None, source: str) -> Part:
    """The rows of a part with their condition; `source` is what an error calls them."""
    if condition not in CONDITIONS:
        known = ", ".join(CONDITIONS)
        raise ValueError(f"there is no condition {condition!r}.{nearest(condition, CONDITIONS)} There are: {known}")
    shape = tuple(part.x.shape[1:])
    if len(shape) != 3 or values is None:
        kind = f"rows of shape {shape}" + (", not of integers" if values is None else "")
        raise ValueError(
            f"the condition {condition} is for images of integers, and {source} has {kind}. Leave --condition out"
        )
    return replace(part, condition=CONDITIONS[condition](part.x, values))


def downscaled(x: "Tensor", values: int) -> "Tensor":
    """Images averaged over squares of 2x2 pixels and rounded to integers, as a picture of half the size holds them.

    Args:
        x: integers from 0 to ``values - 1``, ``(N, C, H, W)``.
        values: how many there are.

    Returns:
        ``(N, C, H/2, W/2)``, float32, divided by ``values - 1``: from 0 to 1.

    Raises:
        ValueError: if height or width are odd.

    Example:
        >>> import torch
        >>> downscaled(torch.tensor([[[[0, 8], [8, 16]]]]), 17)
        tensor([[[[0.5000]]]])
    """
    import torch.nn.functional as F

    height, width = x.shape[2:]
    if height % 2 or width % 2:
        raise ValueError(
            f"images of {height}x{width} pixels cannot be halved. Use an even size, for example --size {height + 1}"
        )
    return F.avg_pool2d(x.float(), 2).round() / (values - 1)


CONDITIONS: "dict[str, Callable[[Tensor, int], Tensor]]" = {"downscaled": downscaled}
