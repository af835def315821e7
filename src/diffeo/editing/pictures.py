"""Pictures of one's own, as a flow of images knows them: its size, its background, its place in the middle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diffeo.data.image_files import read_pixels
from diffeo.data.pillow import FORMATS_IN_WORDS, TooLarge, Unreadable
from diffeo.editing.attributes import grey
from diffeo.editing.latent import check_images
from diffeo.flow import Flow

Grey = NDArray[np.float64]  # (H, W), from 0 to 1

SAMPLES, TEMPERATURE = 64, 0.8  # what a flow's images look like is seen on these
PLAIN = 0.6  # share of the frame that has the background's grey, where there is a background
NEAR = 0.1  # greys of which one counts as the other
INK = 0.3  # distance from the background from which a pixel belongs to what is shown
ENDING = ".npy"
MOST_PIXELS = 50_000_000  # of a picture, which is computed with in doubles at its full size


@dataclass(frozen=True)
class Looks:
    """What the images of a flow have in common, if they show one thing on a plain background.

    Attributes:
        background: its grey, from 0 to 1.
        extent: the longer side of what is shown, as a share of the image's shorter side.
        centre: where its weight lies, down and across, as shares of the image.
    """

    background: float
    extent: float
    centre: tuple[float, float]


def read_pictures(flow: Flow, files: Sequence[Path | str]) -> tuple[Tensor, list[str]]:
    """Picture files as images that a flow takes, and what was done to each, in words.

    Any size and colour is taken, upright. Where the flow's images, seen on its samples, show one thing on a plain
    background, a picture's own background is taken away, and what it shows is made as bright, large and central as
    they have it: a black pen on white paper becomes a white digit on black. Otherwise the square in the middle is
    resized. Arrays (``.npy``) are taken as they are.

    Args:
        flow: of images of integers, grey or RGB.
        files: pictures, or arrays ``(N, C, H, W)`` as ``diffeo sample --out x.npy`` writes them.

    Returns:
        ``(B, C, H, W)``, integers, and a line for each file.

    Raises:
        ValueError: if a file is no picture, shows nothing, or the flow takes none.
        FileNotFoundError: if a file is not there.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, steps=1, width=8)
        >>> read_pictures(flow, ["nowhere.png"])
        Traceback (most recent call last):
        FileNotFoundError: there is no file nowhere.png
    """
    check_images(flow)
    for file in map(Path, files):
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}")
    if flow.door is None or flow.shape[0] not in (1, 3):
        raise ValueError("pictures are grey or RGB and of integers, and the images of this flow are not")
    pictures = [file for file in files if Path(file).suffix.lower() != ENDING]
    looks = looks_of(flow) if pictures and flow.shape[0] == 1 else None
    rows, notes = [], []
    for file in map(Path, files):
        x, note = _array(flow, file) if file.suffix.lower() == ENDING else _picture(flow, file, looks)
        rows.append(x)
        notes.append(f"{file}: {note}")
    return torch.cat(rows), notes


def looks_of(flow: Flow) -> Looks | None:
    """What a flow's samples have in common; None if they have no plain background, as photographs have none.

    Args:
        flow: of grey images of integers.
    """
    values = 1 if flow.door is None else flow.door.values - 1
    condition = _some_condition(flow)
    if condition is None and flow.conditional:
        return None
    generator = torch.Generator().manual_seed(0)
    x = flow.sample(SAMPLES, condition, temperature=TEMPERATURE, generator=generator)
    images = grey(x).double().cpu().numpy() / values
    frame = np.concatenate([_frame(image) for image in images])
    background = float(np.median(frame))
    if np.mean(np.abs(frame - background) < NEAR) < PLAIN:
        return None
    found = [np.abs(image - background) for image in images]
    boxes = [_box(ink > INK) for ink in found if (ink > INK).any()]
    if not boxes:
        return None
    side = min(flow.shape[1:])
    extent = (
        float(np.median([max(down.stop - down.start, across.stop - across.start) for down, across in boxes])) / side
    )
    total = sum(ink.sum() for ink in found)
    down, across = (
        float(sum((ink.sum(1 - axis) * (np.arange(ink.shape[axis]) + 0.5)).sum() for ink in found) / total)
        for axis in (0, 1)
    )
    return Looks(background, extent, (down / flow.shape[1], across / flow.shape[2]))


def _some_condition(flow: Flow) -> Tensor | None:
    classes = getattr(flow.embedding, "classes", None)
    return None if classes is None else torch.arange(SAMPLES, device=flow.device) % classes


def _picture(flow: Flow, file: Path, looks: Looks | None) -> tuple[Tensor, str]:
    channels, height, width = flow.shape
    values = flow.door.values if flow.door is not None else 256
    try:
        pixels = read_pixels(file, channels, most=MOST_PIXELS).astype(np.float64) / 255
    except TooLarge as error:
        most = f"{MOST_PIXELS / 1e6:.0f} million pixels are read of a picture. Make it smaller, and give that"
        raise ValueError(f"{file} cannot be read as a picture: {error}; at most {most}") from None
    except Unreadable as error:
        formats = f"; {FORMATS_IN_WORDS}" * (str(error) == "no image")
        raise ValueError(f"{file} cannot be read as a picture: {error}{formats}") from None
    size = f"{pixels.shape[2]}x{pixels.shape[1]}"
    if looks is None:
        found, done = _cropped(pixels, height, width)
    else:
        one, done = _placed(pixels[0], height, width, looks, file)
        found = one[None]
    x = torch.from_numpy((found.clip(0, 1) * (values - 1)).round()).long()
    return x[None], f"{size} pixels, {done}"


def _cropped(pixels: Grey, height: int, width: int) -> tuple[Grey, str]:
    """The middle of a picture in the wanted proportions, at the wanted size."""
    if pixels.shape[1:] == (height, width):
        return pixels, "taken as it is"
    scale = max(height / pixels.shape[1], width / pixels.shape[2])
    down, across = height / scale, width / scale
    top, left = (pixels.shape[1] - down) / 2, (pixels.shape[2] - across) / 2
    box = (left, top, left + across, top + down)
    return np.stack([_resized(one, height, width, box) for one in pixels]), f"its middle resized to {width}x{height}"


def _placed(picture: Grey, height: int, width: int, looks: Looks, file: Path) -> tuple[Grey, str]:
    """What a picture shows, on the background, at the size and in the place that the flow's images have it."""
    done = []
    own = float(np.median(_frame(picture)))
    away = np.abs(picture - own)
    noise = max(NEAR / 2, float(np.quantile(np.abs(_frame(picture) - own), 0.9)))
    if away.max() <= max(NEAR, noise):
        raise ValueError(f"{file} shows nothing: all of it is of about one grey")
    same_side = (own < 0.5) == (looks.background < 0.5)
    if picture.shape == (height, width) and same_side and abs(own - looks.background) < NEAR:
        return picture, "taken as it is"
    if not same_side:
        done.append(f"made {'light on dark' if looks.background < 0.5 else 'dark on light'}")
    ink = ((away - noise) / (np.quantile(away[away > noise], 0.95) - noise + 1e-9)).clip(0, 1)
    if picture.shape != (height, width):
        ink = _fitted(ink, height, width, looks)
        done.append(f"fitted to {round(looks.extent * min(height, width))} of {min(height, width)} pixels and centred")
    far = 1.0 if looks.background < 0.5 else 0.0
    return looks.background + ink * (far - looks.background), ", ".join(done)


def _fitted(ink: Grey, height: int, width: int, looks: Looks) -> Grey:
    box = _box(ink > INK)
    part = ink[box]
    scale = looks.extent * min(height, width) / max(part.shape)
    down, across = (max(1, round(side * scale)) for side in part.shape)
    small = _resized(part, down, across, None)
    small /= max(float(small.max()), 1e-9)  # a thin line that was made small is as bright as a thick one
    place = np.zeros((height, width))
    at = []
    for axis, (side, room, share) in enumerate(((down, height, looks.centre[0]), (across, width, looks.centre[1]))):
        weight = (small.sum(1 - axis) * (np.arange(side) + 0.5)).sum() / small.sum()
        at.append(min(max(round(share * room - weight), 0), max(room - side, 0)))
    place[at[0] : at[0] + down, at[1] : at[1] + across] = small[: height - at[0], : width - at[1]]
    return place


def _resized(image: Grey, height: int, width: int, box: tuple[float, float, float, float] | None) -> Grey:
    from PIL import Image

    picture = Image.fromarray(image.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX if box is None and height < image.shape[0]
                                     else Image.Resampling.BICUBIC, box=box), np.float64).clip(0, 1)  # fmt: skip


def _frame(image: Grey) -> Grey:
    """The outermost pixels: of a large picture a frame of a fiftieth of its side."""
    wide = max(1, min(image.shape) // 50)
    inside = np.zeros(image.shape, bool)
    inside[wide:-wide, wide:-wide] = True
    return image[~inside]


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _array(flow: Flow, file: Path) -> tuple[Tensor, str]:
    try:
        x = np.load(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{file} cannot be read as an array: {error}") from None
    fits = x.shape[x.ndim - 3 :] == flow.shape and x.ndim in (3, 4)
    if not fits or x.dtype.kind not in "iu":
        shape = ", ".join(map(str, flow.shape))
        raise ValueError(f"{file} holds {x.dtype} of shape {x.shape}: expected integers of shape (N, {shape})")
    values = 256 if flow.door is None else flow.door.values
    if x.size and not 0 <= x.min() <= x.max() < values:
        raise ValueError(f"{file} holds integers from {x.min()} to {x.max()}: expected from 0 to {values - 1}")
    rows = torch.from_numpy(x.astype(np.int64)).reshape(-1, *flow.shape)
    return rows, f"{len(rows)} image{'s' * (len(rows) != 1)}, taken as {'they are' if len(rows) != 1 else 'it is'}"
