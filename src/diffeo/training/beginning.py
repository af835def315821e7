"""A folder in which a training was begun, and that holds nothing of it yet: it may be begun again."""

from pathlib import Path

from diffeo.system.documents import read_json
from diffeo.system.writing import is_unfinished
from diffeo.training.lock import HOLDER, LOCK
from diffeo.training.losses import HEADER
from diffeo.training.options import CHECKPOINTS, STEPS_FILE


def is_beginning(path: Path) -> bool:
    """Whether a file or folder is one that a training makes before its first checkpoint, as it is then."""
    if path.is_symlink() or (path.exists() and not (path.is_dir() or path.is_file())):
        return False
    try:
        if path.is_dir():
            return path.name == CHECKPOINTS and all(is_unfinished(made) for made in path.iterdir())
        if path.name == STEPS_FILE:
            return path.read_bytes() == f"{HEADER}\n".encode()
        if path.name == LOCK:
            return path.stat().st_size == 0
        return _is_holder(path) if path.name == HOLDER else is_unfinished(path)
    except FileNotFoundError:  # whoever made it has removed it by now
        return True


def check_free(folder: Path) -> None:
    """Refuse to begin where a training is.

    Raises:
        FileExistsError: if the folder holds more of one than its beginning.
    """
    kept = [name for name in (STEPS_FILE, CHECKPOINTS) if (folder / name).exists() and not is_beginning(folder / name)]
    if kept:
        raise FileExistsError(
            f"fit: {folder} holds a training already ({' and '.join(kept)}). Pass resume=True to go on with it, "
            f"or choose another folder"
        )


def _is_holder(path: Path) -> bool:
    try:
        return set(read_json(path)) == {"process", "machine"}
    except ValueError:
        return False
