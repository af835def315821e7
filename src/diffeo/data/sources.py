"""The data sets by name: what they are, whether they are on this machine, and how they are loaded."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from diffeo.data.conditions import conditioned, with_condition
from diffeo.data.dataset import Dataset, Part
from diffeo.data.digits import digits
from diffeo.data.download import cache, folder_of
from diffeo.data.image_folder import FOLDER_OPTIONS, folder, read_folder
from diffeo.data.mnist import fashion_mnist, mnist
from diffeo.data.olivetti import olivetti
from diffeo.data.power import power, power_file
from diffeo.data.tables import TABLE_OPTIONS, read_table, table
from diffeo.data.toys import TOYS, toy
from diffeo.data.typed_names import check_options, nearest


@dataclass(frozen=True)
class Source:
    """A data set that has a name.

    Attributes:
        about: what it is.
        rows: of the train, validation and test part.
        shape: of a row.
        licence: of the data.
        load: gives it.
        place: where its files are on this machine, None if they are not; no function: it needs none.
        size: what is to be downloaded, in words.
    """

    about: str
    rows: tuple[int, int, int]
    shape: tuple[int, ...]
    licence: str
    load: Callable[[], Dataset]
    place: Callable[[], Path | None] | None = None
    size: str = ""

    def where(self) -> tuple[Literal["embedded", "found", "cached", "download", "absent"], Path | None]:
        """Whether it is on this machine, and in which place.

        ``download``: it will be when it is first loaded; ``absent``: loading it says how to get it.
        """
        if self.place is None:
            return "embedded", None
        path = self.place()
        if path is None:
            return ("download" if self.size else "absent"), None
        return ("cached" if path.parent == cache() else "found"), path


SOURCES: dict[str, Source] = {
    "digits": Source(
        "scikit-learn's handwritten digits, 17 grey values", (1257, 180, 360), (1, 8, 8), "CC BY 4.0", digits
    ),
    "mnist": Source(
        "handwritten digits", (55_000, 5_000, 10_000), (1, 28, 28), "CC BY-SA 3.0", mnist,
        partial(folder_of, "mnist"), "12 MB",
    ),
    "fashion-mnist": Source(
        "pictures of clothes", (55_000, 5_000, 10_000), (1, 28, 28), "MIT", fashion_mnist,
        partial(folder_of, "fashion-mnist"), "31 MB",
    ),
    "olivetti": Source(
        "faces of 40 people, split by person", (300, 40, 60), (1, 64, 64), "AT&T, credit asked", olivetti,
        partial(folder_of, "olivetti"), "1.4 MB",
    ),
    "power": Source(
        "a household's electricity, standardised", (1_659_900, 184_433, 204_925), (6,), "CC BY 4.0", power, power_file
    ),
    **{
        name: Source(f"toy: {(draw.__doc__ or '').rstrip('.').lower()}", (20_000, 2_000, 10_000), (2,), "MIT",
                     partial(toy, name))
        for name, draw in TOYS.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class OwnData:
    """Data of the user's: how it is loaded or read whole, which options that takes, and how many values it has.

    ``earlier`` says what an option meant before there was one: a run that does not name it was loaded so.
    """

    load: Callable[..., Dataset]
    read: Callable[..., Part]
    options: tuple[str, ...]
    reading: tuple[str, ...]
    earlier: Mapping[str, Any]
    values: int | None = None


OWN: dict[str, OwnData] = {
    "folder": OwnData(
        folder, read_folder, FOLDER_OPTIONS, (*FOLDER_OPTIONS, "shape", "class_names"), {"part_by": "name"}, values=256
    ),
    "table": OwnData(table, read_table, TABLE_OPTIONS, TABLE_OPTIONS, {"missing_values": ["keep"]}),
}


def load(name: str, *, condition: str | None = None, **options: Any) -> Dataset:
    """A data set by name, as tensors.

    Args:
        name: one of :data:`SOURCES`; ``folder:PATH``, images (:func:`diffeo.data.image_folder.folder`); or
            ``table:PATH``, a file of numbers (:func:`diffeo.data.tables.table`).
        condition: what the rows are conditioned on besides their labels: ``"downscaled"``, images of half the
            size (:func:`diffeo.data.conditions.downscaled`).
        options: what a folder or table takes; None stands for an option that is not given.

    Raises:
        ValueError: if there is none of this name, it does not take an option, or its files are damaged or
            cannot be used as they are.
        FileNotFoundError: if its files are not there and cannot be downloaded.

    Example:
        >>> data = load("digits")
        >>> len(data.train), len(data.validation), len(data.test), data.shape, data.values
        (1257, 180, 360, (1, 8, 8), 17)
    """
    data = _load(name, options)
    return data if condition is None else conditioned(data, condition)


def _load(name: str, options: dict[str, Any]) -> Dataset:
    kind, colon, path = name.partition(":")
    if colon and kind in OWN:
        own = OWN[kind]
        return own.load(_path(kind, path), **check_options(f"{kind}:", options, own.options))
    check_name(name)
    check_options(name, options, ())
    return SOURCES[name].load()


def check_name(name: str) -> None:
    """Raise ValueError if `name` is no data set's, nor ``folder:PATH`` or ``table:PATH``.

    Files are not looked for.
    """
    kind, colon, path = name.partition(":")
    if colon and kind in OWN:
        _path(kind, path)
    elif name not in SOURCES:
        raise ValueError(_unknown(name))


def recorded(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a run has written down, with what those meant that it does not name.

    Example:
        >>> recorded("folder:photos", {"size": 32})  # a run from before there was part_by
        {'part_by': 'name', 'size': 32}
    """
    own = OWN.get(name.partition(":")[0])
    return {**(own.earlier if own else {}), **options}


def read(name: str, *, condition: str | None = None, **options: Any) -> Part:
    """Every row of a folder or table, with no split, to be scored.

    Give the options of the data set that a flow was trained on, and its columns: they are read in this order,
    others are left out, and noise has the same cells. With ``missing="drop"``, and ``skip_broken=True`` of a folder,
    what gives no numbers is in :attr:`Part.unread` with the reason; otherwise it is an error.

    Args:
        name: ``folder:PATH`` or ``table:PATH``.
        condition: as for :func:`load`.
        options: as for :func:`load`; of a folder also ``shape`` and ``class_names``
            (:func:`diffeo.data.image_folder.read_folder`).

    Raises:
        ValueError: if `name` is neither, an option does not belong to it, or something that is needed is not there.
        FileNotFoundError: if there is no such file or folder.
    """
    kind, colon, path = name.partition(":")
    if not colon or kind not in OWN:
        also = f" {name} is split into parts: use diffeo.data.load({name!r})" if name in SOURCES else ""
        raise ValueError(f"only folder:PATH and table:PATH are read whole, got {name!r}.{also or _instead(name)}")
    own = OWN[kind]
    part = own.read(_path(kind, path), **check_options(f"{kind}:", options, own.reading))
    return part if condition is None else with_condition(part, condition, values=own.values, source=name)


def _path(kind: str, path: str) -> str:
    if not path:
        raise ValueError(f"{kind}: needs a path, for example {kind}:{'photos' if kind == 'folder' else 'sales.csv'}")
    return path


def _unknown(name: str) -> str:
    names = [*SOURCES, "folder:PATH", "table:PATH"]
    hint = _instead(name) or nearest(name, SOURCES)
    return f"no data set is called {name!r}.{hint} There are: {', '.join(names)}"


def _instead(name: str) -> str:
    """A hint for a path that stands alone, or after a word that is nearly right."""
    kind, colon, path = name.partition(":")
    if colon and nearest(kind, OWN):
        return f" Did you mean {nearest(kind, OWN).split()[-1].rstrip('?')}:{path}?"
    place = os.path.expanduser(name)  # of this module, since no name is an error to it
    return f" Did you mean {'folder' if os.path.isdir(place) else 'table'}:{name}?" if os.path.exists(place) else ""
