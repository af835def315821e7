"""Opening a zip, or a folder, that somebody else made: only what is asked for comes out, under names of our own."""

import os
import re
import stat
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from diffeo_course.handin.problem import Problem

MEGABYTE = 1 << 20
LARGEST = 64 * MEGABYTE  # unpacked, all together: the hand-in itself is at most 10 MB
MOST = 2000  # entries
LARGEST_LIST = 4 * MEGABYTE  # the zip's own list of its entries
LONGEST = 1000  # letters of an entry's name
DEEPEST = 32  # folders in one another
SKIPPED = {"__MACOSX", "__pycache__", ".ipynb_checkpoints", ".git", ".venv", "venv", ".DS_Store", "Thumbs.db"}
ARCHIVES = {".zip", ".7z", ".rar", ".alz", ".egg", ".tar", ".gz", ".tgz"}


@dataclass(frozen=True)
class Found:
    """A file of a submission: its name inside it (composed Unicode), and where it can be read."""

    name: PurePosixPath
    path: Path


def files(path: Path, suffixes: frozenset[str], into: Path) -> tuple[list[Found], list[Problem]]:
    """The files with one of `suffixes` in a zip, a folder, or `path` itself; nothing of them is executed.

    Args:
        path: zip, folder or file.
        suffixes: small, with the dot.
        into: where files of a zip are put, under numbers instead of their names.
    """
    if path.is_dir():
        return _of_folder(path, suffixes)
    if path.suffix.lower() == ".zip":
        return _of_zip(path, suffixes, into)
    return [Found(PurePosixPath(composed(path.name)), path.resolve())], []


def composed(name: str) -> str:
    """A name as other systems write it: macOS takes Hangul syllables apart. Bytes that are no letters are spelt out."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode()


def _of_folder(folder: Path, suffixes: frozenset[str]) -> tuple[list[Found], list[Problem]]:
    found: list[Found] = []
    problems: list[Problem] = []
    seen = 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_skipped(name))
        if len(Path(here).parts) - len(folder.parts) >= DEEPEST:
            return [], [Problem("handin-too-deep", {"most": DEEPEST})]
        for name in [*folders, *sorted(names)]:
            place = Path(here, name)
            shown = PurePosixPath(composed(place.relative_to(folder).as_posix()))
            if place.is_symlink():
                problems.append(Problem("handin-link", {"file": str(shown)}))
            elif name not in folders and not is_skipped(name):
                problems += _archive_inside(shown)
                if shown.suffix.lower() in suffixes and place.is_file():
                    found.append(Found(shown, place))
        folders[:] = [name for name in folders if not Path(here, name).is_symlink()]
        seen += len(names) + len(folders)
        if seen > MOST:
            return [], [Problem("handin-too-many", {"most": MOST})]
    return found, problems


def _of_zip(path: Path, suffixes: frozenset[str], into: Path) -> tuple[list[Found], list[Problem]]:
    try:
        with opened(path) as archive:
            return _unpacked(archive, suffixes, into)
    except Exception as error:  # what is damaged fails in many ways
        return [], [Problem("handin-broken-zip", {"file": composed(path.name), "why": str(error)})]


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip whose list of entries is of a sensible size.

    Raises:
        ValueError: if the list is larger than that of any hand-in.
        zipfile.BadZipFile: if it is damaged, and other errors of :mod:`zipfile`.
    """
    with path.open("rb") as file:
        bounded = _Bounded(file)
        with zipfile.ZipFile(cast(IO[bytes], bounded)) as archive:
            bounded.most = sys.maxsize
            yield archive


class _Bounded:
    """A file of which no more than a zip's list is read at a time, until `most` is raised."""

    def __init__(self, file: IO[bytes]):
        self.file, self.most = file, LARGEST_LIST
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > self.most:
            raise ValueError(f"{size >> 20} MB of names")
        return self.file.read(size)


def _unpacked(archive: zipfile.ZipFile, suffixes: frozenset[str], into: Path) -> tuple[list[Found], list[Problem]]:
    entries = archive.infolist()
    if len(entries) > MOST:
        return [], [Problem("handin-too-many", {"most": MOST})]
    total = sum(entry.file_size for entry in entries)
    if total > LARGEST:
        return [], [Problem("handin-too-large", {"size": total // MEGABYTE, "most": LARGEST // MEGABYTE})]
    found: list[Found] = []
    problems: list[Problem] = []
    for number, (name, entry) in enumerate(_plain(archive, problems)):
        problems += _archive_inside(name)
        if name.suffix.lower() not in suffixes:
            continue
        if entry.flag_bits & 0x1:
            problems.append(Problem("handin-encrypted", {"file": str(name)}))
            continue
        target = into / f"{number:04d}{name.suffix.lower()}"
        try:
            data = archive.read(entry)  # never more than the size it declares, and checked against its CRC
        except Exception as error:  # each compression method fails in its own way
            problems.append(Problem("handin-broken-entry", {"file": str(name), "why": str(error)}))
            continue
        into.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        found.append(Found(name, target))
    return found, problems


def _plain(archive: zipfile.ZipFile, problems: list[Problem]) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    for entry in archive.infolist():
        text = _name(entry)
        name = PurePosixPath(text)
        if text.endswith("/") or any(is_skipped(part) for part in name.parts):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            problems.append(Problem("handin-link", {"file": text}))
        elif not text or len(entry.filename) > LONGEST or _leaves(name):
            problems.append(Problem("handin-unsafe-name", {"file": text}))
        else:
            yield name, entry


def _leaves(name: PurePosixPath) -> bool:
    return name.is_absolute() or ".." in name.parts or re.match("[A-Za-z]:", str(name)) is not None


def _name(entry: zipfile.ZipInfo) -> str:
    """Its name: where no encoding is declared, Python takes cp437, but it is UTF-8 (macOS) or cp949 (Windows)."""
    name = entry.filename[: LONGEST + 1]
    if not entry.flag_bits & 0x800:
        for encoding in ("utf-8", "cp949"):
            try:
                name = name.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return composed(name.replace("\\", "/"))


def is_skipped(name: str) -> bool:
    """Whether a file or folder is none of the student's: what systems and editors leave behind."""
    return name in SKIPPED or name.startswith("._")


def _archive_inside(name: PurePosixPath) -> list[Problem]:
    return [Problem("handin-nested", {"file": str(name)})] if name.suffix.lower() in ARCHIVES else []
