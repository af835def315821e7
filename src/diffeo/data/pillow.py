"""Pillow as strangers' images need it: named formats by content, no warnings, a limit of pixels of our own."""

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from diffeo.system.regular import open_regular, reason

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")  # others start programs (EPS), or are no pictures of pixels
FORMATS_IN_WORDS = "PNG, JPEG, WebP, TIFF, BMP and GIF are read"
MOST_PIXELS = 100_000_000  # of one image
MOST_BYTES = 10  # of a file, for each of these pixels: 1 GB
BLOCK = 2**26  # bytes that Pillow asks for at a time: of more than 32 MB, threads of glibc give all back at once
AT_ONCE = 50_000_000  # pixels of images that are decoded at the same time; one alone may have more
UNFIT = {"F": "its pixels are floating-point numbers of no fixed range"}

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what it says of damaged metadata


class Unreadable(Exception):
    """A file that is no image, or is damaged."""


class TooLarge(Unreadable):
    """An image of more pixels, or a file of more bytes, than are read.

    Attributes:
        pixels: how many would have to be read.
    """

    def __init__(self, what: str, pixels: int):
        super().__init__(what)
        self.pixels = pixels


@contextmanager
def opened(path: Path, *, most: int = MOST_PIXELS, size: int | None = None) -> Iterator[Any]:
    """Pillow's image of a file; all that is raised inside the block is :class:`Unreadable`.

    Inside, the pixels of all images that are open count against ``AT_ONCE``; who wants more waits.

    Args:
        path: the file.
        most: pixels that the image may have; a JPEG that is decoded at a part of its size may have twice as many.
        size: pixels of a side at which it will be wanted; a JPEG is decoded small for that.
    """
    try:
        with ExitStack() as stack:
            file = stack.enter_context(open_regular(path))
            stack.enter_context(calm())
            image = stack.enter_context(_image(file, path, most))
            cost = image.width * image.height
            cost = cost if size is None or image.format not in ("JPEG", "MPO") else (cost + 1) // 2
            if cost > most:
                raise TooLarge(f"{image.width:,}x{image.height:,} pixels: too large", cost)
            if image.mode in UNFIT:
                raise Unreadable(UNFIT[image.mode])
            stack.enter_context(_ROOM.taken(cost))
            yield image
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable("it needs more memory than there is") from None
    except Exception as error:  # every decoder has errors of its own
        raise Unreadable(_cause(error, path)) from error


def _image(file: BinaryIO, path: Path, most: int) -> Any:
    from PIL import Image, UnidentifiedImageError

    size = os.fstat(file.fileno()).st_size
    if not size:
        raise Unreadable("empty")
    if size > MOST_BYTES * most:
        raise TooLarge(f"a file of {size / 1e9:.1f} GB: too large", size // MOST_BYTES)
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        raise Unreadable("no image") from None


def _cause(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "a link to nothing" if path.is_symlink() else "not there"
    if isinstance(error, OSError) and error.strerror:
        return reason(error)
    return str(error).splitlines()[0] if str(error).strip() else type(error).__name__


class _Calm:
    """How many blocks of :func:`calm` are entered, and what to restore after the last."""

    lock = threading.Lock()
    inside = 0
    restore = ExitStack()


@contextmanager
def calm() -> Iterator[None]:
    """Pillow without its warnings and its own limit of pixels; unlike ``catch_warnings``, in any number of threads.

    In a pool of threads each keeps what it took for an image in small blocks, as if it needed that again.
    """
    from PIL import Image

    with _Calm.lock:
        if not _Calm.inside:
            _Calm.restore.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
            _Calm.restore.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
            Image.MAX_IMAGE_PIXELS = None
            core: Any = vars(Image)["core"]
            _Calm.restore.callback(core.set_block_size, core.get_block_size())
            core.set_block_size(BLOCK)
        _Calm.inside += 1
    try:
        yield
    finally:
        with _Calm.lock:
            _Calm.inside -= 1
            if not _Calm.inside:
                _Calm.restore.close()


class _Room:
    """Pixels that may be in memory at once. An image waits for its own; a larger one waits until it is alone."""

    def __init__(self, pixels: int):
        self._pixels, self._taken = pixels, 0
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()


_ROOM = _Room(AT_ONCE)
