"""Parts that are one object in two places: refused where they are put together."""

from collections.abc import Iterable

from torch import nn


def refuse_shared(owner: str, parts: Iterable[tuple[str, nn.Module | None]]) -> None:
    """Refuse parts that share parameters, or what is set from data; a layer without either may be used again.

    Raises:
        ValueError: naming both.
    """
    first: dict[int, tuple[str, nn.Module, str]] = {}
    for name, part in parts:
        if part is None:
            continue
        own = [*part.named_parameters(), *((n, b) for n, b in part.named_buffers() if n.endswith("initialized"))]
        for tensor_name, tensor in own:
            other = first.get(id(tensor))
            if other is None:
                continue
            if other[1] is part:
                what = f"{other[0]} and {name} are one {type(part).__name__} object"
            else:
                what = f"{other[0]} and {name} share parameters ({other[2]} is {tensor_name})"
            raise ValueError(
                f"{owner}: {what}, which can be neither set from data nor saved in two places. "
                "Build one for each: [layer for _ in range(3) for layer in (diffeo.ActNorm(4), diffeo.Flip())] builds "
                "new ones each time, and [..] * 3 does not. To share on purpose, write a bijection that runs its own "
                "layers several times"
            )
        first.update((id(tensor), (name, part, tensor_name)) for tensor_name, tensor in own)
