"""One image file: what it declares, and its pixels as 8-bit grey or RGB."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

GREY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I")
DEEP = ("I;16", "I;16B", "I;16L", "I")
UNFIT = {"F": "its pixels are floating-point numbers of no fixed range"}


class Unreadable(Exception):
    """A file that is no image, or is damaged."""


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


def read_header(path: Path) -> Header:
    """Raises Unreadable."""
    with _opened(path) as image:
        try:
            turned = image.getexif().get(0x0112, 1) >= 5  # EXIF orientations that lie on a side
        except Exception:  # Pillow's parsers of damaged metadata raise many things
            turned = False
        width, height = reversed(image.size) if turned else image.size
        grey = image.mode in GREY or (image.mode == "P" and _grey_palette(image))
        return Header(width, height, grey, _lost(image))


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


def read_pixels(path: Path, channels: int, size: int | None = None) -> Pixels:
    """``(channels, H, W)``, upright; with `size`, the square in the middle, resized.

    16 bits become 8, transparent parts white, and of an animation the first picture counts.

    Raises:
        Unreadable: if the file is no image, or is damaged.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        try:
            if size is not None:
                image.draft(None, (2 * size, 2 * size))  # JPEG can be decoded small
            upright = ImageOps.exif_transpose(image)
            eight = _eight_bits(_opaque(upright)).convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(eight if size is None else _square(eight, size))
        except Exception as error:  # every decoder has errors of its own
            raise Unreadable(_cause(error)) from error
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _opened(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(path)
    except UnidentifiedImageError:
        raise Unreadable("empty" if path.stat().st_size == 0 else "no image") from None
    except Exception as error:  # every decoder has errors of its own
        raise Unreadable(_cause(error)) from error
    if image.mode in UNFIT:
        image.close()
        raise Unreadable(UNFIT[image.mode])
    return image


def _cause(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


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
