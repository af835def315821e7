"""The kit that a student or a lecturer takes along."""

from pathlib import Path


def write_kit(directory: Path, *, language: str, instructor: bool = False, wheel: Path | None = None) -> dict[str, int]:
    """Write the kit."""
    raise NotImplementedError


def in_words(directory: Path, written: dict[str, int], language: str) -> str:
    """What was written."""
    raise NotImplementedError
