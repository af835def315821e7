"""Where the course's texts, slides and labs are: beside the package in a checkout, inside it once installed."""

from pathlib import Path


def material() -> Path:
    """The folder ``course``: ``ko`` and ``en`` beside what both share.

    Raises:
        FileNotFoundError: if this installation came without it.

    Example:
        >>> sorted(path.name for path in material().iterdir() if path.name in ("ko", "en"))
        ['en', 'ko']
    """
    installed, checkout = Path(__file__).with_name("material"), Path(__file__).parents[1]
    for folder in (installed, checkout):
        if (folder / "ko").is_dir():
            return folder
    raise FileNotFoundError(
        f"the course's material is neither in {installed} nor in {checkout}. Install diffeo-course again."
    )
