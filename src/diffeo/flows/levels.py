"""How often an image can be squeezed, and what to say when it cannot."""

Shape = tuple[int, ...]

MOST_PADDED = 10  # levels more than fit for which padding is a way: 1024 times the size


def plan_levels(flow: str, shape: Shape, levels: int | None, *, squeezes_less: int = 0, most: int = 3) -> int:
    """The number of levels to build; the largest useful one if `levels` is None.

    A flow of L levels squeezes ``L - squeezes_less`` times, and every squeeze halves height and width.

    Raises:
        ValueError: if the image cannot be squeezed that often; it says what would fit.
    """
    _, height, width = shape
    allowed = squeezes_less
    while height % 2 ** (allowed - squeezes_less + 1) == 0 and width % 2 ** (allowed - squeezes_less + 1) == 0:
        allowed += 1
    if levels is None:
        useful = squeezes_less
        while useful < allowed and min(height, width) >> (useful - squeezes_less + 1) >= 4 and useful < most:
            useful += 1
        levels = max(useful, 1)
    if levels < 1:
        raise ValueError(f"{flow}: levels must be at least 1, got {levels}")
    if levels > allowed + MOST_PADDED:
        use = f". Use levels={allowed}" if allowed else ""
        raise ValueError(f"{flow}: {height}x{width} allows {allowed} levels, not {levels:,}{use}")
    if levels > allowed:
        unit = 2 ** (levels - squeezes_less)
        padded = "x".join(str(-(-n // unit) * unit) for n in (height, width))
        why = ", ".join(
            f"{n} is odd" if n % 2 else f"{n} = {n & -n} * {n // (n & -n)}" for n in sorted({height, width})
        )
        fits = f"Use levels={allowed}, or pad" if allowed else "Pad"
        raise ValueError(
            f"{flow}: {height}x{width} allows {allowed} level{'' if allowed == 1 else 's'}, "
            f"not {levels} ({why}). {fits} to {padded}."
        )
    return levels
