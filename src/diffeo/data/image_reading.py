"""The images in a folder and its subfolders, read into one tensor."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from diffeo.data.image_files import Header, read_header, read_pixels
from diffeo.data.image_refusals import MEMORY, SUGGESTED, in_bytes, none_read, refuse, shown, suggested
from diffeo.data.pillow import MOST_PIXELS, Unreadable, calm
from diffeo.data.typed_names import composed

if TYPE_CHECKING:
    from torch import Tensor

CLUTTER = {"thumbs.db", "desktop.ini", "__macosx"}  # what systems leave beside images
T = TypeVar("T")


@dataclass(frozen=True)
class Images:
    """The images of a folder that can be read, in the order of their names; `listed` are all files there."""

    listed: tuple[str, ...]
    files: tuple[str, ...]
    x: "Tensor"
    channels: int
    broken: dict[str, str]
    notes: tuple[str, ...]


def read_images(
    root: Path,
    size: int | None,
    channels: int | None,
    memory: int | None,
    *,
    skip_broken: bool,
    shape: tuple[int, ...] | None = None,
) -> Images:
    """All images of a folder, or all that stands against them at once.

    Raises:
        ValueError: if an option is wrong, or the images do not fit together.
    """
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}, expected a positive number of pixels. Use --size {SUGGESTED[0]}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels!r}, expected 1 (grey) or 3 (RGB)")
    if memory is not None and (isinstance(memory, bool) or not isinstance(memory, int) or memory < 1):
        raise ValueError(f"memory is {memory!r}, expected a whole number of GB from 1. Use --memory {MEMORY}")
    names = _listed(root)
    if not names:
        raise ValueError(f"{shown(root)} holds no files. folder: reads the images in a folder and its subfolders")
    room = memory or MEMORY
    most = MOST_PIXELS * room // MEMORY
    headers, unread = _each(root, names, lambda path: read_header(path, size, most=most))
    if shape is not None and size is None:
        sizes_read = {name: (header.width, header.height) for name, header in headers.items()}
        other = {name: found for name, found in sizes_read.items() if found != (shape[2], shape[1])}
        unread |= {name: Unreadable(f"{w}x{h} pixels, not {shape[2]}x{shape[1]}") for name, (w, h) in other.items()}
        headers = {name: header for name, header in headers.items() if name not in other}
    if not headers and shape is None:
        none_read(root, unread, room)
    own = None if shape is None else shape[0]
    chosen = channels or own or (1 if all(header.grey for header in headers.values()) else 3)
    sizes = Counter((header.width, header.height) for header in headers.values())
    fits = in_bytes(sizes, chosen, size) <= room << 30
    crop = size if size and fits else suggested(sizes) if len(sizes) > 1 or not fits else None
    x, good, unreadable = _pixels(root, headers, chosen, crop, most)
    unread |= unreadable
    given = {"size": size, "channels": channels, "skip_broken": skip_broken, "memory": memory}
    refuse(root, names, unread, sizes, chosen, given, room)
    if not good and shape is None:
        none_read(root, unread, room)
    notes = []
    small = sum(min(headers[name].width, headers[name].height) < size for name in good) if size else 0
    if small:
        notes.append(f"{small} of {len(good)} images are smaller than {size} pixels and were enlarged")
    lost = Counter(text for name in good for text in headers[name].lost)
    notes += [f"{count} of {len(good)} images {text}" for text, count in lost.items()]
    import torch

    broken = {name: str(why) for name, why in unread.items()}
    x = x if good else np.empty((0, *(shape or ())), np.uint8)
    return Images(tuple(names), tuple(good), torch.from_numpy(x), chosen, broken, tuple(notes))


def _pixels(
    root: Path, headers: dict[str, Header], channels: int, crop: int | None, most: int
) -> tuple[NDArray[np.uint8], list[str], dict[str, Unreadable]]:
    """The images in one array, ``(N, channels, H, W)``, which of them these are, and why others are not there."""
    if not headers:
        return np.empty(0, np.uint8), [], {}
    first = next(iter(headers.values()))
    height, width = (crop, crop) if crop else (first.height, first.width)
    x = np.empty((len(headers), channels, height, width), np.uint8)
    places = {root / name: place for name, place in zip(headers, x, strict=True)}

    def fill(path: Path) -> None:
        pixels = read_pixels(path, channels, crop, most=most)
        if pixels.shape != places[path].shape:
            raise Unreadable("its pixels are of another size than it says")
        places[path][:] = pixels

    filled, unreadable = _each(root, list(headers), fill)
    good = [name for name in headers if name in filled]
    for to, place in enumerate(places[root / name] for name in good if unreadable):
        x[to] = place
    return x[: len(good)], good, unreadable


def _listed(root: Path) -> list[str]:
    """Paths of all files below, relative to `root`, with slashes, sorted; without what systems leave there."""
    found, seen = [], set()
    for here, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [] if real in seen else sorted(name for name in folders if not _clutter(name))
        if real not in seen:
            found += [(Path(here) / name).relative_to(root).as_posix() for name in files if not _clutter(name)]
        seen.add(real)
    return sorted(found, key=composed)


def _clutter(name: str) -> bool:
    return name.startswith(".") or name.lower() in CLUTTER


def _each(root: Path, names: Sequence[str], read: Callable[[Path], T]) -> tuple[dict[str, T], dict[str, Unreadable]]:
    """What `read` makes of each file, and why it could not; several at a time, as decoders run outside Python."""

    def attempt(name: str) -> T | Unreadable:
        try:
            return read(root / name)
        except Unreadable as error:
            return error

    with calm(), ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        results = dict(zip(names, pool.map(attempt, names), strict=True))
    good = {name: result for name, result in results.items() if not isinstance(result, Unreadable)}
    return good, {name: result for name, result in results.items() if isinstance(result, Unreadable)}
