"""One image file: what it declares, and its pixels as 8-bit grey or RGB."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diffeo.data.pillow import MOST_PIXELS, Unreadable, opened

Pixels = NDArray[np.uint8]

GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I")
DEEP = ("I;16", "I;16B", "I;16L", "I")
BAND = 2**22  # pixels of an image that are converted at a time


@dataclass(frozen=True)
class Header:
    """What a file declares, before its pixels are read.

    Attributes:
        width, height: in pixels, upright.
        grey: whether it has no colours.
        lost: what is not in the pixels that are read of it.
    """

    width: int
    height: int
    grey: bool
    lost: tuple[str, ...] = ()


def read_header(path: Path, size: int | None = None, *, most: int = MOST_PIXELS) -> Header:
    """What a file declares; `size` and `most` are those of :func:`read_pixels`.

    Raises:
        Unreadable: if the file is no image, is damaged, or has more pixels.
    """
    with opened(path, most=most, size=size) as image:
        tags = getattr(image, "tag_v2", {})  # of TIFF: what Pillow calls its size is turned already in some versions
        width, height = (tags.get(tag, side) for tag, side in zip((256, 257), image.size, strict=True))
        if _orientation(image) >= 5:  # it lies on a side
            width, height = height, width
        grey = image.mode in GREY or (image.mode == "P" and _grey_palette(image))
        return Header(width, height, grey, _lost(image))


def _orientation(image: Any) -> int:
    """How the camera was held, by EXIF: 1 to 8; of metadata that cannot be read, 1."""
    try:
        found = image.getexif().get(0x0112, 1)
    except Exception:  # Pillow's parsers of damaged metadata raise many things
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _lost(image: Any) -> tuple[str, ...]:
    try:
        animated = bool(getattr(image, "is_animated", False))
    except Exception:  # what is damaged is found when its pixels are read
        animated = False
    found = {
        "are animations or have several pages, of which the first counts": animated,
        "have 16 bits a channel, which became 8": image.mode in DEEP,
        "have an alpha channel: transparent parts became white": _has_transparency(image),
    }
    return tuple(text for text, there in found.items() if there)


def read_pixels(path: Path, channels: int, size: int | None = None, *, most: int = MOST_PIXELS) -> Pixels:
    """``(channels, H, W)``, upright; with `size`, the square in the middle, resized.

    16 bits become 8, transparent parts white, and of an animation the first picture counts. The image is decoded
    whole, and then converted some rows at a time.

    Args:
        path: the file.
        channels: 1: grey, 3: RGB.
        size: pixels of a side.
        most: pixels that the image may have; a JPEG that is decoded small for `size` may have twice as many.

    Raises:
        Unreadable: if the file is no image, is damaged, or has more pixels.
    """
    with opened(path, most=most, size=size) as image:
        if size is not None:
            image.draft(None, (2 * size, 2 * size))  # JPEG can be decoded small
        image.load()
        upright = _upright(image)
        eight = _converted(upright, "L" if channels == 1 else "RGB")
        pixels = np.asarray(eight if size is None else _square(eight, size))
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _upright(image: Any) -> Any:
    from PIL.Image import Transpose

    turned = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(_orientation(image))
    return image if turned is None else image.transpose(turned)


def _converted(image: Any, mode: str) -> Any:
    """The image as it is wanted; a large one some rows at a time, as there are several copies of them on the way."""
    from PIL import Image

    rows = max(1, BAND // image.width)
    if rows >= image.height:
        return _eight_bits(_opaque(image)).convert(mode)
    whole = Image.new(mode, image.size)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        whole.paste(_eight_bits(_opaque(band)).convert(mode), (0, top))
    return whole


def _grey_palette(image: Any) -> bool:
    colours = np.asarray(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _opaque(image: Any) -> Any:
    """The image on white, where it has transparent parts."""
    from PIL import Image

    if not _has_transparency(image):
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _has_transparency(image: Any) -> bool:
    if image.mode in DEEP:
        return False  # a transparent value of 16 bits is not worth a rule of its own
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _eight_bits(image: Any) -> Any:
    from PIL import Image

    if image.mode not in DEEP:
        return image
    deep = np.asarray(image).astype(np.int64)
    if deep.min(initial=0) < 0 or deep.max(initial=0) > 0xFFFF:
        raise Unreadable("its pixels have more than 16 bits")
    return Image.fromarray(((deep + 128) // 257).astype(np.uint8))


def _square(image: Any, size: int) -> Any:
    from PIL import Image

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
