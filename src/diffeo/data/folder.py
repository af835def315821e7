"""``folder:PATH``: a folder of images as a data set."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from diffeo.data.dataset import Dataset, Part, Unread
from diffeo.data.image_files import Header, read_header, read_pixels
from diffeo.data.image_parts import class_folders, classes, content_hash, copies, part_of, split_folders
from diffeo.data.names import composed, existing
from diffeo.data.pillow import FORMATS_IN_WORDS, MOST_PIXELS, TooLarge, Unreadable, calm
from diffeo.letters import readable

if TYPE_CHECKING:
    from torch import Tensor

FOLDER_OPTIONS = ("size", "channels", "skip_broken", "part_by", "memory")
CLUTTER = {"thumbs.db", "desktop.ini", "__macosx"}  # what systems leave beside images
MEMORY = 4  # GB of all pixels; of one image as many pixels as a quarter of that has bytes, over ten
ADVISED = 8 * MEMORY  # GB that are still advised for the sake of a large image
SUGGESTED = (32, 16, 8)  # pixels
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


def folder(
    path: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    skip_broken: bool = False,
    part_by: str = "pixels",
    memory: int | None = None,
) -> Dataset:
    """A data set of the images in a folder and its subfolders.

    About 80 % train, 10 % validate and 10 % test: the part of an image follows from its pixels alone, as they are
    read, so one that is added moves no other, and equal images are in one part whatever they are called. Subfolders
    train, validation (or val) and test are used as the parts. The first level of subfolders (below those) names the
    classes.

    Args:
        path: the folder.
        size: crop every image to the square in its middle, and resize that to so many pixels a side. If not
            given, all images must have one size.
        channels: 1: grey, 3: RGB; grey if not given and all images are.
        skip_broken: leave out files that cannot be read; otherwise they are an error.
        part_by: ``"pixels"``; or ``"name"``: the part follows from the file's name, as it did at first.
        memory: GB that all images may take as they are read, 4 if not given. One image may have 25 million pixels for
            each of them, and a JPEG that is decoded small for `size` twice as many.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if there are no images, files that cannot be read, several sizes, more than `memory`, or an empty
            part.
    """
    if part_by not in ("pixels", "name"):
        raise ValueError(f"part_by is {part_by!r}, expected 'pixels' or 'name'. Leave it out: pixels is the default")
    root = _root(path)
    images = _read(root, size, channels, memory, skip_broken=skip_broken)
    split = split_folders(images.files)
    contents = [content_hash(pixels) for pixels in images.x.numpy()]
    deciding = contents if part_by == "pixels" else [composed(readable(file)).encode() for file in images.files]
    parts = [part_of(file, decides, split) for file, decides in zip(images.files, deciding, strict=True)]
    labels, names = classes(images.files, split)
    wanted = ("train", "validation", "test")
    empty = [part for part in wanted if part not in parts]
    if empty:
        raise ValueError(
            f"{_shown(root)}: of {len(parts)} images, {len(set(contents))} of them different, none falls into the "
            f"{' and the '.join(empty)} part. Add images (30 different ones or more), or make the split yourself: "
            f"subfolders train, validation and test"
        )
    train, validation, test = (_rows(images, labels, [i for i, p in enumerate(parts) if p == part]) for part in wanted)
    options: dict[str, Any] = {
        "size": size,
        "channels": images.channels,
        "skip_broken": skip_broken or None,
        "part_by": part_by,
        "memory": memory,
    }
    return Dataset(
        readable(f"folder:{path}"),
        train,
        validation,
        test,
        values=256,
        classes=len(names) if names else None,
        source=readable(root.resolve().name),
        options={name: value for name, value in options.items() if value is not None},
        class_names=names,
        notes=(*_left_out(images), *images.notes, *copies(contents, parts)),
    )


def read_folder(
    path: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    skip_broken: bool = False,
    part_by: str = "pixels",
    memory: int | None = None,
    shape: tuple[int, ...] | None = None,
    class_names: Sequence[str] | None = None,
) -> Part:
    """All images of a folder; see :func:`diffeo.data.read`.

    With `skip_broken` the files that cannot be used are :attr:`Part.unread`, each with the reason.

    Args:
        path: the folder.
        size: as for :func:`folder`.
        channels: as for :func:`folder`.
        skip_broken: as for :func:`folder`.
        part_by: as for :func:`folder`; there are no parts.
        memory: as for :func:`folder`.
        shape: ``(C, H, W)``, which images must have; those of another size cannot be used, unless `size` is given.
        class_names: what the labels are numbers of; an image in no folder of these names cannot be used. No labels
            if not given.
    """
    import torch

    images = _read(_root(path), size, channels, memory, skip_broken=skip_broken, shape=shape)
    broken, labels = dict(images.broken), None
    if class_names is not None:
        known = [composed(name) for name in class_names]
        named = dict(zip(images.files, class_folders(images.files, split_folders(images.files)), strict=True))
        unnamed = f"in no folder called {' or '.join([*known[:3], '..'] if len(known) > 4 else known)}"
        broken |= {file: unnamed for file, name in named.items() if name not in known}
        labels = torch.tensor([known.index(name) if name in known else -1 for name in named.values()])
    rows = [i for i, file in enumerate(images.files) if file not in broken]
    part = _rows(images, labels, rows)
    number = {file: i for i, file in enumerate(images.listed)}
    lost = (Unread(number[file], reason, composed(readable(file)), (reason,)) for file, reason in broken.items())
    return replace(
        part,
        rows=torch.tensor([number[images.files[row]] for row in rows], dtype=torch.int64),
        unread=tuple(sorted(lost, key=lambda row: row.row)),
        notes=images.notes,
    )


def _root(path: str) -> Path:
    root = existing(path)
    if not root.is_dir():
        raise ValueError(
            f"{_shown(root)} is a file. Use table:{readable(path)} for a table, or give the folder that holds the "
            f"images"
        )
    return root


def _read(
    root: Path,
    size: int | None,
    channels: int | None,
    memory: int | None,
    *,
    skip_broken: bool,
    shape: tuple[int, ...] | None = None,
) -> Images:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}, expected a positive number of pixels. Use --size {SUGGESTED[0]}")
    if channels not in (None, 1, 3):
        raise ValueError(f"channels is {channels!r}, expected 1 (grey) or 3 (RGB)")
    if memory is not None and (isinstance(memory, bool) or not isinstance(memory, int) or memory < 1):
        raise ValueError(f"memory is {memory!r}, expected a whole number of GB from 1. Use --memory {MEMORY}")
    names = _listed(root)
    if not names:
        raise ValueError(f"{_shown(root)} holds no files. folder: reads the images in a folder and its subfolders")
    room = memory or MEMORY
    most = MOST_PIXELS * room // MEMORY
    headers, unread = _each(root, names, lambda path: read_header(path, size, most=most))
    if shape is not None and size is None:
        sizes_read = {name: (header.width, header.height) for name, header in headers.items()}
        other = {name: found for name, found in sizes_read.items() if found != (shape[2], shape[1])}
        unread |= {name: Unreadable(f"{w}x{h} pixels, not {shape[2]}x{shape[1]}") for name, (w, h) in other.items()}
        headers = {name: header for name, header in headers.items() if name not in other}
    if not headers and shape is None:
        _none_read(root, unread, room)
    own = None if shape is None else shape[0]
    chosen = channels or own or (1 if all(header.grey for header in headers.values()) else 3)
    sizes = Counter((header.width, header.height) for header in headers.values())
    fits = _bytes(sizes, chosen, size) <= room << 30
    crop = size if size and fits else _suggested(sizes) if len(sizes) > 1 or not fits else None
    x, good, unreadable = _pixels(root, headers, chosen, crop, most)
    unread |= unreadable
    given = {"size": size, "channels": channels, "skip_broken": skip_broken, "memory": memory}
    _refuse(root, names, unread, sizes, chosen, given, room)
    if not good and shape is None:
        _none_read(root, unread, room)
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


def _none_read(root: Path, unread: dict[str, Unreadable], room: int) -> None:
    reasons = {name: str(why) for name, why in unread.items()}
    large, memory = _too_large(unread, room)
    more = "".join(f". {problem[0].upper()}{problem[1:]}" for problem in large) + f". Use --memory {memory}" * bool(
        memory
    )
    raise ValueError(f"{_shown(root)} holds no image that can be read: {_named(reasons)}{_formats(unread)}{more}")


def _too_large(unread: dict[str, Unreadable], room: int) -> tuple[list[str], int | None]:
    """What to say of images that are too large, and the GB with which they are read, where that can be advised."""
    large = [why.pixels for why in unread.values() if isinstance(why, TooLarge)]
    if not large:
        return [], None
    wanted = -(-max(large) * MEMORY // MOST_PIXELS)
    most = MOST_PIXELS * room // MEMORY / 1e6
    return [f"at most {most:g} million pixels are read of an image"], wanted if wanted <= ADVISED else None


def _formats(unread: dict[str, Unreadable]) -> str:
    return f"; {FORMATS_IN_WORDS}" if any(str(why) == "no image" for why in unread.values()) else ""


def _refuse(
    root: Path, names: Sequence[str], unread: dict[str, Unreadable], sizes: Counter[tuple[int, int]], channels: int,
    given: dict[str, Any], room: int,
) -> None:  # fmt: skip
    """All that stands against these images at once, with the options that settle it."""
    problems = []
    large, memory = _too_large(unread, room)
    if unread and not given["skip_broken"]:
        reasons = {name: str(why) for name, why in unread.items()}
        problems.append(
            f"{len(unread)} of {len(names)} files cannot be read as images: {_named(reasons)}{_formats(unread)}"
        )
        problems += large
    needed = _bytes(sizes, channels, given["size"])
    if given["size"] is None and len(sizes) > 1:
        common = ", ".join(f"{width}x{height} ({count})" for (width, height), count in sizes.most_common(3))
        problems.append(f"the images have {len(sizes)} sizes: {common}{', ..' if len(sizes) > 3 else ''}")
    elif needed > room << 30:
        at = f"{given['size']}x{given['size']} pixels" if given["size"] else "their full size"
        problems.append(
            f"the images need {needed / 2**30:.0f} GB of memory at {at}, and at most {room} are taken; "
            f"--memory {-(-needed // 2**30)} takes them"
        )
    if not problems:
        return
    if memory is not None and not given["skip_broken"]:
        given = given | {"memory": memory}
    others = [why for why in unread.values() if memory is None or not isinstance(why, TooLarge)]
    if others:
        given = given | {"skip_broken": True}
    if needed > room << 30 or (given["size"] is None and len(sizes) > 1):
        given = given | {"size": _suggested(sizes)}
    options = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in given.items()
               if value]  # fmt: skip
    raise ValueError(
        "\n".join([f"{_shown(root)}:", *(f"  {problem}" for problem in problems), f"Use {' '.join(options)}"])
    )


def _suggested(sizes: Counter[tuple[int, int]]) -> int:
    """A size that flows train on in minutes, and to which no image has to be enlarged, if that is possible."""
    smallest = min(min(size) for size in sizes)
    return next((size for size in SUGGESTED if size <= smallest), SUGGESTED[-1])


def _bytes(sizes: Counter[tuple[int, int]], channels: int, size: int | None) -> int:
    """Of all pixels, at their own size or at a given one."""
    if size is not None:
        return channels * size**2 * sum(sizes.values())
    return sum(channels * width * height * count for (width, height), count in sizes.items())


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


def _shown(root: Path) -> str:
    return readable(str(root))


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


def _left_out(images: Images) -> list[str]:
    lost = images.broken
    return [f"left out {len(lost)} of {len(images.listed)} files: {_named(lost)}"] if lost else []


def _named(broken: dict[str, str]) -> str:
    shown = ", ".join(f"{readable(name)} ({why})" for name, why in list(broken.items())[:4])
    return f"{shown} and {len(broken) - 4} more" if len(broken) > 4 else shown


def _rows(images: Images, labels: "Tensor | None", rows: list[int]) -> Part:
    import torch

    index = torch.tensor(rows, dtype=torch.int64)
    return Part(
        images.x[index],
        None if labels is None else labels[index],
        index,
        tuple(composed(readable(images.files[row])) for row in rows),
    )
