"""The data sets by name."""

from collections.abc import Callable
from functools import partial

from diffeo.data.dataset import Dataset, named
from diffeo.data.digits import digits
from diffeo.data.mnist import fashion_mnist, mnist
from diffeo.data.toys import TOYS, toy

SOURCES: dict[str, Callable[[], Dataset]] = {
    "digits": digits,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    **{name: partial(toy, name) for name in TOYS},
}


def load(name: str) -> Dataset:
    """A data set by name, as tensors.

    Raises:
        ValueError: if there is none of this name, or its files are damaged.
        FileNotFoundError: if its files are not there.

    Example:
        >>> data = load("digits")
        >>> len(data.train), len(data.validation), len(data.test), data.shape, data.values
        (1257, 180, 360, (1, 8, 8), 17)
    """
    return named(SOURCES, name)()
