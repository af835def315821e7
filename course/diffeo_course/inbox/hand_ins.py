"""An inbox as a mail client saves it: which of its files are whose, and which of several versions counts."""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from diffeo_course.handin.archive import DEEPEST, LARGEST, MOST, composed, is_skipped, opened
from diffeo_course.handin.problem import Problem
from diffeo_course.handin.reading import SUFFIXES, Submission, digest, number_in, read
from diffeo_course.sandbox.untrusted import one_line

PROGRAMS = {".py", ".ipynb"}


@dataclass(frozen=True)
class Piece:
    """Something that came as one: a zip, a program, or the folder of a mail.

    Args:
        path: where it is.
        where: its path within the inbox, for people.
        time: when it was made, in seconds since 1970: what its zip says, else the file system.
        digest: SHA-256 of names and content.
        beside: loose files with the same student's number in their names.
    """

    path: Path
    where: str
    time: float
    digest: str
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class HandIn:
    """What counts of one student, and what does not.

    Args:
        submission: the newest version.
        piece: where it is.
        older: the versions before it, newest first.
        problems: about the hand-in, beside those of the submission.
    """

    submission: Submission
    piece: Piece
    older: list[Piece] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def pieces(inbox: Path, *, skip: Path | None = None) -> tuple[list[Piece], list[str]]:
    """What came as one, and the names of files that belong to nothing: none is passed over in silence.

    Args:
        inbox: the folder.
        skip: a folder inside it that is not part of it: the results.
    """
    found: list[Path] = []
    loose: list[Path] = []
    _collect(inbox, skip.resolve() if skip else None, found, loose)
    beside = {path: _belong_to(path, found, loose) for path in found}
    taken = {path for paths in beside.values() for path in paths}
    described = [_described(path, inbox, beside[path]) for path in found]
    return described, sorted(_where(path, inbox) for path in loose if path not in taken)


def hand_ins(came: list[Piece]) -> list[HandIn]:
    """One for each student, by number; what has no number stays by itself."""
    newest_first = sorted(came, key=lambda piece: (-piece.time, piece.where))
    students: dict[str, list[tuple[Piece, Submission]]] = {}
    for piece in newest_first:
        submission = _read(piece)
        key = submission.id or piece.where
        known = {other.name for _, other in students.get(key, []) if other.name}
        if known and submission.name and submission.name not in known:
            key = f"{key}\0{submission.name}"  # one number, two names: nobody's work is dropped
        elif any(problem.key == "handin-ids-differ" for problem in submission.problems):
            key = f"{key}\0{piece.where}"  # it may be another's: no version of anybody
        students.setdefault(key, []).append((piece, submission))
    often = Counter(key.split("\0")[0] for key in students)
    found = []
    for key, versions in students.items():
        (piece, submission), *others = versions
        older = [other for other, _ in others]
        problems = []
        if older:
            earlier = ", ".join(other.where for other in older)
            problems.append(Problem("handin-versions", {"taken": piece.where, "others": earlier}))
        if often[key.split("\0")[0]] > 1:
            problems.append(Problem("handin-id-twice", {"id": submission.id}))
        found.append(HandIn(submission, piece, older, problems))
    return sorted(found, key=lambda each: (not each.submission.id, each.submission.id, each.piece.where))


def _read(piece: Piece) -> Submission:
    """What counts of a piece; one that breaks the reading keeps nobody else's from being read."""
    try:
        return read(piece.path, beside=piece.beside, mail=str(Path(piece.where).parent))
    except Exception as error:
        why = f"{type(error).__name__}: {one_line(error)}"
        return Submission(piece.path, problems=[Problem("handin-failed", {"why": why})])


def _collect(folder: Path, skip: Path | None, found: list[Path], alone: list[Path], *, deep: int = 0) -> None:
    try:
        here = [path for path in sorted(folder.iterdir()) if not is_skipped(path.name) and not path.is_symlink()]
    except OSError:  # somebody took the right to look into it
        alone.append(folder)
        return
    folders = [path for path in here if path.is_dir() and path.resolve() != skip]
    loose = [path for path in here if path.is_file()]
    if deep and _is_one(folder, folders, loose):
        found.append(folder)
        return
    for path in folders:
        if deep < DEEPEST:
            _collect(path, skip, found, alone, deep=deep + 1)
        else:
            alone.append(path)
    for path in loose:
        zipped = path.suffix.lower() == ".zip"
        (found if zipped or path.suffix.lower() in PROGRAMS else alone).append(path)


def _is_one(folder: Path, folders: list[Path], loose: list[Path]) -> bool:
    """Whether a folder is one hand-in: no zip is in it, and its programs lie together."""
    inside = _files(folder)
    if any(path.suffix.lower() == ".zip" for path in inside):
        return False
    programs = [path for path in inside if path.suffix.lower() in PROGRAMS]
    numbers = {number for path in programs if (number := _number(path))}
    together = len({path.parent for path in programs}) == 1 or any(path.suffix.lower() in PROGRAMS for path in loose)
    return bool(programs) and together and len(numbers) <= 1


def _belong_to(program: Path, found: list[Path], loose: list[Path]) -> tuple[Path, ...]:
    """The loose files beside a loose program whose names have its number, where no other program has it."""
    number = _number(program)
    if program.suffix.lower() not in PROGRAMS or not number or not program.is_file():
        return ()
    alike = [path for path in found if path.parent == program.parent and _number(path) == number]
    return (
        tuple(path for path in loose if path.parent == program.parent and number in path.name)
        if alike == [program]
        else ()
    )


def _files(folder: Path) -> list[Path]:
    """The files of a folder, sorted; of one that has too many or too deep to be a hand-in the first."""
    found: list[Path] = []
    for here, folders, names in os.walk(folder):
        folders.sort()
        names.sort()
        if len(Path(here).parts) - len(folder.parts) >= DEEPEST:
            folders.clear()
        found += [path for name in names if (path := Path(here, name)).is_file() and not path.is_symlink()]
        if len(found) > MOST:
            break
    return sorted(found)


def _number(path: Path) -> str:
    return number_in(composed(path.name))


def _described(path: Path, inbox: Path, beside: tuple[Path, ...]) -> Piece:
    inside = [path] if path.is_file() else _files(path)
    whole = sha256()
    for file in [*inside, *beside]:
        whole.update(sha256(composed(file.relative_to(path.parent).as_posix()).encode()).digest())
        whole.update(_content(file))
    return Piece(path, _where(path, inbox), _time(path, inside), whole.hexdigest(), beside)


def _content(file: Path) -> bytes:
    """The SHA-256 of a file; of one that is too large to be read at all, or cannot be, what the file system says."""
    try:
        known = file.stat()
        if known.st_size <= LARGEST:
            return bytes.fromhex(digest(file))
        return sha256(repr((known.st_size, known.st_mtime_ns)).encode()).digest()
    except OSError as error:
        return sha256(repr(error.errno).encode()).digest()


def _where(path: Path, inbox: Path) -> str:
    return composed(path.relative_to(inbox).as_posix())


def _time(path: Path, inside: list[Path]) -> float:
    """A zip's newest entry: the time at which a mail's attachment was saved says little."""
    if path.suffix.lower() == ".zip":
        try:
            with opened(path) as archive:
                return max(time.mktime((*entry.date_time, 0, 0, -1)) for entry in archive.infolist())
        except Exception:  # what is damaged fails in many ways
            pass
    return max((file.stat().st_mtime for file in inside if file.suffix.lower() in SUFFIXES), default=0.0)
