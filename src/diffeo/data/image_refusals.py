"""Why the images of a folder are refused, all of it at once, with the options that settle it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diffeo.data.pillow import FORMATS_IN_WORDS, MOST_PIXELS, TooLarge, Unreadable
from diffeo.system.letters import readable

MEMORY = 4  # GB of all pixels; of one image as many pixels as a quarter of that has bytes, over ten
ADVISED = 8 * MEMORY  # GB that are still advised for the sake of a large image
SUGGESTED = (32, 16, 8)  # pixels


def none_read(root: Path, unread: dict[str, Unreadable], room: int) -> None:
    """Say why no image could be read.

    Raises:
        ValueError: always.
    """
    reasons = {name: str(why) for name, why in unread.items()}
    large, memory = too_large(unread, room)
    more = "".join(f". {problem[0].upper()}{problem[1:]}" for problem in large) + f". Use --memory {memory}" * bool(
        memory
    )
    raise ValueError(f"{shown(root)} holds no image that can be read: {named(reasons)}{formats(unread)}{more}")


def too_large(unread: dict[str, Unreadable], room: int) -> tuple[list[str], int | None]:
    """What to say of images that are too large, and the GB with which they are read, where that can be advised."""
    large = [why.pixels for why in unread.values() if isinstance(why, TooLarge)]
    if not large:
        return [], None
    wanted = -(-max(large) * MEMORY // MOST_PIXELS)
    most = MOST_PIXELS * room // MEMORY / 1e6
    return [f"at most {most:g} million pixels are read of an image"], wanted if wanted <= ADVISED else None


def formats(unread: dict[str, Unreadable]) -> str:
    """Which formats are read, where a file was no image."""
    return f"; {FORMATS_IN_WORDS}" if any(str(why) == "no image" for why in unread.values()) else ""


def refuse(
    root: Path, names: Sequence[str], unread: dict[str, Unreadable], sizes: Counter[tuple[int, int]], channels: int,
    given: dict[str, Any], room: int,
) -> None:  # fmt: skip
    """All that stands against these images at once, with the options that settle it."""
    problems = []
    large, memory = too_large(unread, room)
    if unread and not given["skip_broken"]:
        reasons = {name: str(why) for name, why in unread.items()}
        problems.append(
            f"{len(unread)} of {len(names)} files cannot be read as images: {named(reasons)}{formats(unread)}"
        )
        problems += large
    needed = in_bytes(sizes, channels, given["size"])
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
        given = given | {"size": suggested(sizes)}
    options = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in given.items()
               if value]  # fmt: skip
    raise ValueError(
        "\n".join([f"{shown(root)}:", *(f"  {problem}" for problem in problems), f"Use {' '.join(options)}"])
    )


def suggested(sizes: Counter[tuple[int, int]]) -> int:
    """A size that flows train on in minutes, and to which no image has to be enlarged, if that is possible."""
    smallest = min(min(size) for size in sizes)
    return next((size for size in SUGGESTED if size <= smallest), SUGGESTED[-1])


def in_bytes(sizes: Counter[tuple[int, int]], channels: int, size: int | None) -> int:
    """Of all pixels, at their own size or at a given one."""
    if size is not None:
        return channels * size**2 * sum(sizes.values())
    return sum(channels * width * height * count for (width, height), count in sizes.items())


def shown(root: Path) -> str:
    """A folder as errors name it."""
    return readable(str(root))


def named(broken: dict[str, str]) -> str:
    """Files by name, each with what is wrong with it; a few of them."""
    few = ", ".join(f"{readable(name)} ({why})" for name, why in list(broken.items())[:4])
    return f"{few} and {len(broken) - 4} more" if len(broken) > 4 else few
