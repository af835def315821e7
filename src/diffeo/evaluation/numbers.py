"""Numbers as people write them: 1,234,567 and not 1.23e+06."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 1e15  # whole numbers beyond are written with powers of ten
WORDS = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))


def grouped(value: float, decimals: int = 0) -> str:
    """A number with commas from 10,000 on, and a true minus sign.

    Example:
        >>> grouped(1234567.0), grouped(-2013.25, 1), grouped(12345.678, 2), grouped(-0.001, 1)
        ('1,234,567', '−2013.2', '12,345.68', '0.0')
    """
    text = f"{abs(value):,.{decimals}f}" if abs(value) >= 9999.5 else f"{abs(value):.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.") else text


def short(value: float, digits: int) -> str:
    """A number with so many digits; a large one in full.

    Example:
        >>> short(1234567.0, 3), short(0.00123456, 3), short(-8192.4, 2), short(1.5e-9, 2)
        ('1,234,567', '0.00123', '−8192', '1.5e-09')
    """
    if 10**digits - 0.5 <= abs(value) < MOST:
        return grouped(value)
    return f"{value:.{digits}g}".replace("-", "−", 1) if value < 0 else f"{value:.{digits}g}"


def beside(value: float, spread: float) -> str | None:
    """A number with as many decimals as three digits of `spread` need; None where that takes too many.

    Example:
        >>> beside(1000003.25, 20.0), beside(1234567.8, 300000.0), beside(0.05, 0.001), beside(5.0, 1e-9)
        ('1,000,003.2', '1,234,568', '0.05000', None)
    """
    if not (math.isfinite(value) and 1e-4 <= spread < MOST and abs(value) < MOST):
        return None
    return grouped(value, max(0, 2 - math.floor(math.log10(spread))))


def plain_numbers(axes: "Axes") -> None:
    """Let the numbers at an axis that has no labels of its own be written out, without a factor at its end."""
    from matplotlib.ticker import Formatter, ScalarFormatter

    class Plain(Formatter):
        def format_ticks(self, values: Sequence[float]) -> list[str]:
            steps = [abs(b - a) for a, b in pairwise(values)]
            return [tick(value, min(steps, default=abs(value))) for value in values]

        def __call__(self, x: float, pos: int | None = None) -> str:  # one by itself
            return tick(x, abs(x))

    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(Plain())


def tick(value: float, step: float) -> str:
    """A number at an axis whose neighbours are `step` away.

    Example:
        >>> tick(1500000.0, 500000.0), tick(1000010.0, 5.0), tick(0.25, 0.25), tick(2e9, 1e9), tick(3e-7, 1e-7)
        ('1.5 million', '1,000,010', '0.25', '2 billion', '3e-7')
    """
    if value == 0 or not step > 0:
        return "0" if value == 0 else f"{value:g}"
    unit, word = next(((size, word) for size, word in WORDS if size <= 4 * step), (1.0, ""))
    if step / unit < 1e-6 or abs(value / unit) >= MOST:
        number, _, power = f"{value:.3g}".partition("e")
        return f"{number}e{int(power)}" if power else number
    decimals = next((n for n in range(9) if math.isclose(round(step / unit, n), step / unit, rel_tol=1e-3)), 3)
    return grouped(value / unit, decimals) + word
