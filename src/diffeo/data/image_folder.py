"""``folder:PATH``: a folder of images as a data set."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffeo.data.dataset import Dataset, Part, Unread
from diffeo.data.image_parts import class_folders, classes, content_hash, copies, part_of, split_folders
from diffeo.data.image_reading import Images, read_images
from diffeo.data.image_refusals import named, shown
from diffeo.data.typed_names import composed, existing
from diffeo.system.letters import readable

if TYPE_CHECKING:
    from torch import Tensor

FOLDER_OPTIONS = ("size", "channels", "skip_broken", "part_by", "memory")


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
    images = read_images(root, size, channels, memory, skip_broken=skip_broken)
    split = split_folders(images.files)
    contents = [content_hash(pixels) for pixels in images.x.numpy()]
    deciding = contents if part_by == "pixels" else [composed(readable(file)).encode() for file in images.files]
    parts = [part_of(file, decides, split) for file, decides in zip(images.files, deciding, strict=True)]
    labels, names = classes(images.files, split)
    wanted = ("train", "validation", "test")
    empty = [part for part in wanted if part not in parts]
    if empty:
        raise ValueError(
            f"{shown(root)}: of {len(parts)} images, {len(set(contents))} of them different, none falls into the "
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

    images = read_images(_root(path), size, channels, memory, skip_broken=skip_broken, shape=shape)
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


def _rows(images: Images, labels: "Tensor | None", rows: list[int]) -> Part:
    import torch

    index = torch.tensor(rows, dtype=torch.int64)
    return Part(
        images.x[index],
        None if labels is None else labels[index],
        index,
        tuple(composed(readable(images.files[row])) for row in rows),
    )


def _root(path: str) -> Path:
    root = existing(path)
    if not root.is_dir():
        raise ValueError(
            f"{shown(root)} is a file. Use table:{readable(path)} for a table, or give the folder that holds the images"
        )
    return root


def _left_out(images: Images) -> list[str]:
    lost = images.broken
    return [f"left out {len(lost)} of {len(images.listed)} files: {named(lost)}"] if lost else []
