"""Images that change, as one file: a strip, or an animation."""

import io
from pathlib import Path

from torch import Tensor

from diffeo.evaluation.grids import image_grid

FORMATS = {".png": "PNG", ".gif": "GIF", ".apng": "PNG"}


def strip_picture(images: Tensor, values: int, ending: str, *, milliseconds: int = 120) -> bytes:
    """Rows of images ``(B, S, C, H, W)`` as a file: ``.png`` side by side; ``.gif`` or ``.apng`` one after the other.

    An animation shows the B rows as a grid, runs to the end and back, and repeats.

    Raises:
        ValueError: if the ending is another.

    Example:
        >>> strip_picture(torch.zeros(1, 3, 1, 8, 8), 17, ".gif")[:6]
        b'GIF89a'
    """
    check_picture(Path(f"x{ending}"))
    buffer = io.BytesIO()
    if ending == ".png":
        image_grid(images.flatten(0, 1), values, columns=images.shape[1]).save(buffer, format="PNG")
        return buffer.getvalue()
    forth = [image_grid(images[:, i], values, pixels=320) for i in range(images.shape[1])]
    frames = forth + forth[-2:0:-1]
    frames[0].save(
        buffer, format=FORMATS[ending], save_all=True, append_images=frames[1:], duration=milliseconds, loop=0
    )
    return buffer.getvalue()


def check_picture(path: Path) -> None:
    """Refuse a file that is no picture, by its ending.

    Raises:
        ValueError: naming the endings there are.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"cannot write a picture to {path.name}: use .png, or .gif or .apng for an animation")
