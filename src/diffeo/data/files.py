"""Files that are to be opened: regular ones alone, as a named pipe or a device may never end."""

from pathlib import Path

from diffeo.letters import readable
from diffeo.regular import NotRegular, check_regular


def size_of(path: Path) -> int:
    """Bytes of a file, before it is opened.

    Raises:
        OSError: if there is none, or the system does not let one see it.
        ValueError: if it is something else, such as a named pipe.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.csv").write_text("a,b")
        3
        >>> size_of(folder / "a.csv")
        3
    """
    shown = readable(str(path))
    try:
        found = path.stat()
    except OSError as error:
        raise type(error)(f"{shown} cannot be read: {reason(error)}") from error
    except ValueError as error:  # letters that no name of a file can have
        raise FileNotFoundError(f"{shown!r} does not exist: it is no name that a file can have") from error
    try:
        check_regular(path, found)
    except NotRegular as error:
        raise ValueError(f"{shown} is {error.strerror}. Copy what it holds into a file") from error
    return found.st_size


def reason(error: OSError) -> str:
    """Why the system refused something, in its words, without a number.

    Example:
        >>> reason(PermissionError(13, "Permission denied", "a.csv"))
        'permission denied'
    """
    text = error.strerror or str(error)
    return f"{text[:1].lower()}{text[1:]}"
