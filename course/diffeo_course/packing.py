"""Packing a hand-in: what is missing is said, one zip is written, and the mail is put into words."""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from diffeo_course.handin.archive import composed
from diffeo_course.handin.choice import seed_of
from diffeo_course.handin.problem import Problem
from diffeo_course.handin.reading import FIGURES, PICTURES, Submission, read, student_id, student_name
from diffeo_course.messages import say

LARGEST = 10_000_000  # bytes: what any mail server takes
REQUIRED = ("weights.safetensors", "metrics.jsonl", "report.json", "report.md", "writeup.md")
PROGRAMS = ("submission.py", "submission.ipynb")
TEXTS = ("report", "writeup")
DOCUMENTS = (".pdf", ".docx", ".hwp", ".hwpx")
NOT_IN_NAMES = r'[\s<>:"/\\|?*]+'
ADDRESS = "hand-in.json"  # {"to": ".."}: written by the lecturer before the kit is handed out


@dataclass(frozen=True)
class Packed:
    """A hand-in, packed.

    Args:
        path: the zip.
        size: of it in bytes.
        files: what is in it.
        problems: what is missing or odd.
        report: the checker's report, as text.
        mail: the text of the mail.
    """

    path: Path
    size: int
    files: list[str]
    problems: list[Problem]
    report: str
    mail: str


def pack(folder: Path, student: str, name: str, language: str = "ko", *, out: Path | None = None) -> Packed:
    """Check a student's folder, grade it, and write one zip.

    Args:
        folder: with ``submission.py`` and what ``run.py`` made.
        student: the number.
        name: the student's name.
        language: "ko" or "en".
        out: the zip; beside the folder's files, named after number and name, if not given.

    Raises:
        ValueError: if the number is none, there is no code, the number is another one's, or it gets too large.
        FileExistsError: if the zip is there already.
        FileNotFoundError: if its folder is not there.
    """
    from diffeo.system.writing import write_atomically
    from diffeo_course.grading import grade

    given, student, name = student, student_id(student), student_name(name)
    if not student:
        raise ValueError(say("pack-bad-id", language, given=repr(given)))
    if not name:
        raise ValueError(say("pack-bad-name", language))
    chosen = list(_chosen(folder)) if folder.is_dir() else []
    if not any(path.name in PROGRAMS for path in chosen):
        raise ValueError(say("pack-empty", language, folder=folder, id=student, name=name))
    target = out or folder / f"{student}_{re.sub(NOT_IN_NAMES, '_', name)}.zip"
    if target.exists():
        raise FileExistsError(say("pack-exists", language, file=target, other=_other(target)))
    if not target.parent.is_dir():
        raise FileNotFoundError(say("pack-no-folder", language, folder=target.parent))
    content = _zipped(chosen)
    if len(content) > LARGEST:
        largest = max(chosen, key=lambda path: path.stat().st_size)
        sizes = {"size": _megabytes(len(content)), "largest": _megabytes(largest.stat().st_size)}
        raise ValueError(say("pack-large", language, most=LARGEST // 1_000_000, file=largest.name, **sizes))
    with tempfile.TemporaryDirectory() as draft:
        place = Path(draft, target.name)
        place.write_bytes(content)
        submission = read(place)  # what will be sent, as the lecturer's side reads it
        _refuse_another(submission, student, language)
        problems = [
            *_missing(chosen),
            *_unwritten(submission, chosen),
            *_seed(submission, student),
            *submission.problems,
        ]
        report = grade(submission, language)
    write_atomically(target, content)
    files = [path.name for path in chosen]
    mail = _mail(folder, student, name, target, report.summary(), problems, language)
    return Packed(target, len(content), files, problems, report.to_text(), mail)


def _chosen(folder: Path) -> Iterator[Path]:
    """What the assignment asks for and nothing else; figures and reports also in other usual formats."""
    wanted = {*PROGRAMS, *REQUIRED, *(f"{figure}{ending}" for figure in FIGURES for ending in PICTURES)}
    wanted |= {f"{text}{ending}" for text in TEXTS for ending in DOCUMENTS}
    for path in sorted(folder.iterdir()):
        if composed(path.name) in wanted and path.is_file():
            yield path


def _zipped(files: list[Path]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.name)
    return buffer.getvalue()


def _refuse_another(submission: Submission, student: str, language: str) -> None:
    ids = {student_id(submission.claims.get("id"))} - {"", student}
    ids |= {submission.id} - {"", student}
    if ids:
        raise ValueError(say("pack-other-id", language, found=", ".join(sorted(ids)), given=student))


def _missing(chosen: list[Path]) -> list[Problem]:
    names, stems = {path.name for path in chosen}, {path.stem for path in chosen if path.suffix in PICTURES}
    written = {path.stem for path in chosen if path.suffix in DOCUMENTS}
    files = [name for name in REQUIRED if name not in names and Path(name).stem not in written]
    files += [f"{figure}.png" for figure in FIGURES if figure not in stems]
    return [Problem("pack-missing", {"file": name}) for name in files]


def _unwritten(submission: Submission, chosen: list[Path]) -> list[Problem]:
    """The texts that are still as they were handed out, and are not there as a document either."""
    from diffeo_course.material import material

    found = []
    documents = {path.stem for path in chosen if path.suffix in DOCUMENTS}
    for name in (name for name in TEXTS if name not in documents):
        text = getattr(submission, name).split()
        given = [material() / language / "assignment" / f"{name}.md" for language in ("ko", "en")]
        if text and any(text == path.read_text(encoding="utf-8").split() for path in given if path.exists()):
            found.append(Problem("pack-template", {"file": f"{name}.md"}))
    return found


def _seed(submission: Submission, student: str) -> list[Problem]:
    given, expected = submission.claims.get("seed"), seed_of(student)
    fine = not submission.claims or given == expected
    return [] if fine else [Problem("pack-seed", {"given": given, "expected": expected})]


def _mail(
    folder: Path, student: str, name: str, target: Path, score: str, problems: list[Problem], language: str
) -> str:
    missing = ", ".join(str(problem.values["file"]) for problem in problems if problem.key == "pack-missing")
    remarks = say("pack-mail-missing", language, files=missing) + "\n" if missing else ""
    to = _address(folder) or say("pack-mail-to", language)
    return say("pack-mail", language, to=to, id=student, name=name, file=target.name, score=score, remarks=remarks)


def _address(folder: Path) -> str:
    """Whom the mail goes to, where the lecturer has written it down."""
    for place in (folder / ADDRESS, folder.resolve().parent / ADDRESS):
        try:
            to = json.loads(place.read_text(encoding="utf-8-sig"))["to"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(to, str) and to.strip():
            return to.strip()
    return ""


def _other(target: Path) -> str:
    number = 2
    while (other := target.with_stem(f"{target.stem}-{number}")).exists():
        number += 1
    return str(other)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}"
