"""Reading a submission: a program, a notebook, a zip or a folder. Nothing in it is executed."""

import ast
import hashlib
import math
import re
import shutil
import tempfile
import unicodedata
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from diffeo_course.handin import source
from diffeo_course.handin.archive import Found, composed, files
from diffeo_course.handin.problem import Problem
from diffeo_course.sandbox.untrusted import parsed, read_plain

FUNCTIONS = (
    "coupling_forward",
    "coupling_inverse",
    "checkerboard_mask",
    "channel_mask",
    "squeeze",
    "unsqueeze",
    "split",
    "dequantize",
    "bits_per_dim",
    "actnorm_initialize",
    "actnorm_forward",
    "conv1x1_forward",
    "conv1x1_inverse",
    "loss",
    "RealNVP",
)
FIGURES = ("loss", "samples", "temperature", "interpolation")
PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".gif")
DOCUMENTS = (".pdf", ".docx", ".doc", ".hwp", ".hwpx", ".odt")
SUFFIXES = frozenset({".py", ".ipynb", ".safetensors", ".json", ".jsonl", ".md", ".txt", *PICTURES, *DOCUMENTS})
NO_NAMES = {"과제", "주차", "제출", "최종", "수정", "학번", "이름", "코드", "실습", "정규화", "흐름", "복사본", "학년"}
LARGEST_TEXT = 8 << 20  # bytes: a notebook with its pictures
LARGEST_CLAIMS = 1 << 20  # bytes of report.json
LARGEST_WEIGHTS = 64 << 20  # bytes
MOST_RECORDS = 10_000  # epochs
MOST_PROBLEMS = 30  # that are listed
LONGEST_ID, LONGEST_NAME = 40, 400  # letters, before they are made comparable


@dataclass(frozen=True)
class Submission:
    r"""What one student handed in.

    Args:
        path: the file or folder that was read.
        id: the student's number; "" if it is nowhere.
        name: of the student; "" if it is nowhere.
        code: the program, with ``\n`` line ends; of a notebook its code cells; "" if there is none.
        code_name: the name of the file that it is from.
        weights: the safetensors file. Of a zip it lies in a temporary folder that goes with this object.
        metrics: the records of ``metrics.jsonl``.
        report: the text of ``report.md``: the analysis.
        writeup: the text of ``writeup.md``: principles and applications.
        claims: ``report.json``: id, name, bits_per_dim, values, epochs, seed.
        problems: what is missing, odd or was left out.
    """

    path: Path
    id: str = ""
    name: str = ""
    code: str = ""
    code_name: str = ""
    weights: Path | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    report: str = ""
    writeup: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read(path: str | Path, *, beside: Sequence[Path] = (), mail: str = "") -> Submission:
    """Read a submission, whatever form it came in.

    What is wrong with it is among its `problems`: only a path that is not there is an error.

    Args:
        path: a program, a notebook, a zip or a folder.
        beside: further files of the same submission.
        mail: the name of the folder it came in, where id and name are looked for last.

    Raises:
        FileNotFoundError: if there is nothing at `path`.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no submission at {path}. Give a .py, .ipynb or .zip file, or a folder.")
    unpacked = Path(tempfile.mkdtemp(prefix="diffeo-handin-"))
    try:
        found, problems = files(path, SUFFIXES, unpacked)
        found += [Found(PurePosixPath(composed(each.name)), each) for each in beside]
        submission = _Reader(path, found, problems, mail).submission()
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise
    weakref.finalize(submission, shutil.rmtree, unpacked, ignore_errors=True)
    return submission


class _Reader:
    def __init__(self, path: Path, found: list[Found], problems: list[Problem], mail: str):
        self.path = path
        self.mail = composed(mail)
        self.found = sorted(found, key=lambda file: (len(file.name.parts), str(file.name)))  # outer files first
        self.problems = list(problems)

    def submission(self) -> Submission:
        code, code_name = self._code()
        claims = self._claims()
        student, name = self._student(claims, code)
        return Submission(
            path=self.path,
            id=student,
            name=name,
            code=code,
            code_name=code_name,
            weights=self._weights(),
            metrics=self._metrics(),
            report=self._text("report"),
            writeup=self._text("writeup"),
            claims=claims,
            problems=self.problems[:MOST_PROBLEMS] + self._more(),
        )

    def _more(self) -> list[Problem]:
        more = len(self.problems) - MOST_PROBLEMS
        return [Problem("handin-more", {"number": more})] if more > 0 else []

    def _say(self, key: str, **values: object) -> None:
        self.problems.append(Problem(key, values))

    def _with(self, *suffixes: str, called: str = "") -> list[Found]:
        """Files with one of these suffixes; those whose names begin with a word first, then those that have it."""
        found = [file for file in self.found if file.name.suffix.lower() in suffixes]
        return sorted(found, key=lambda file: (not _stem(file).startswith(called), called not in _stem(file)))

    def _called(self, word: str, *suffixes: str) -> list[Found]:
        return [file for file in self._with(*suffixes, called=word) if word in _stem(file)]

    def _weights(self) -> Path | None:
        """The file of that name, or else another safetensors file; says which was taken of several."""
        every = self._with(".safetensors", called="weights")
        if len(every) > 1:
            self._say("handin-several", file=str(every[0].name), others=", ".join(str(each.name) for each in every[1:]))
        if not every:
            return None
        try:
            if (size := every[0].path.stat().st_size) > LARGEST_WEIGHTS:
                raise ValueError(f"{size >> 20} MB, at most {LARGEST_WEIGHTS >> 20} MB")
        except (OSError, ValueError) as error:
            self._say("handin-unreadable", file=str(every[0].name), why=str(error))
            return None
        return every[0].path

    def _read(self, file: Found, most: int = LARGEST_TEXT) -> str | None:
        try:
            return source.decoded(read_plain(file.path, most))
        except (OSError, ValueError) as error:
            self._say("handin-unreadable", file=str(file.name), why=str(error))
            return None

    def _code(self) -> tuple[str, str]:
        """The program that defines most of what the assignment asks for."""
        programs = []
        for file in self._with(".py", ".ipynb"):
            text = self._read(file)
            if text is None:
                continue
            try:
                text = source.check_size(source.of_notebook(text) if file.name.suffix.lower() == ".ipynb" else text)
            except ValueError as error:
                self._say("handin-unreadable", file=str(file.name), why=str(error))
                continue
            programs.append((len(source.defined(text) & set(FUNCTIONS)), file, text))
        if not programs:
            self._say("handin-no-code")
            return "", ""
        programs.sort(key=lambda each: (-each[0], not _stem(each[1]).startswith("submission")))
        _, chosen, code = programs[0]
        if not code.strip():
            self._say("handin-no-code")
        others = [str(file.name) for defined, file, _ in programs[1:] if defined]
        if others:
            self._say("handin-several", file=str(chosen.name), others=", ".join(others))
        own = {file.name.stem for _, file, _ in programs[1:] if file.name.suffix.lower() == ".py"}
        for module in sorted(_imported(code) & own):
            self._say("handin-second-module", file=str(chosen.name), module=f"{module}.py")
        return code, str(chosen.name)

    def _claims(self) -> dict[str, Any]:
        files = self._called("report", ".json")
        text = self._read(files[0], LARGEST_CLAIMS) if files else None
        if text is None:
            return {}
        try:
            claims = parsed(text)
        except ValueError as error:
            self._say("handin-unreadable", file=str(files[0].name), why=str(error))
            return {}
        if not isinstance(claims, dict):
            self._say("handin-unreadable", file=str(files[0].name), why=type(claims).__name__)
            return {}
        return claims

    def _metrics(self) -> list[dict[str, Any]]:
        files = self._with(".jsonl", called="metrics")
        text = self._read(files[0]) if files else None
        records: list[dict[str, Any]] = []
        for number, line in enumerate((text or "").splitlines(), 1):
            if not line.strip():
                continue
            try:
                if len(records) == MOST_RECORDS:
                    raise ValueError(f"at most {MOST_RECORDS:,} lines")
                record = parsed(line)
                if not isinstance(record, dict):
                    raise ValueError(type(record).__name__)
            except ValueError as error:
                self._say("handin-broken-line", file=str(files[0].name), line=number, why=str(error))
                break
            records.append(record)
        return records

    def _text(self, stem: str) -> str:
        files = self._called(stem, ".md", ".txt")
        return (self._read(files[0]) or "") if files else ""

    def _student(self, claims: dict[str, Any], code: str) -> tuple[str, str]:
        """Id and name: of report.json, else the program's own, else of the file's name."""
        own = _constants(code)
        names = [composed(self.path.stem), *(str(file.name.stem) for file in self._with(".py", ".ipynb"))]
        in_names = [number for name in names if (number := number_in(name))]
        said = [student_id(claims.get("id")), student_id(own.get("ID")), *in_names]
        ids = list(dict.fromkeys(each for each in said if each)) or [each for each in [number_in(self.mail)] if each]
        if len(ids) > 1:
            self._say("handin-ids-differ", ids=", ".join(ids), taken=ids[0])
        if not ids:
            self._say("handin-no-id")
        name = claims.get("name") or own.get("NAME") or _name_in(composed(self.path.stem)) or _name_in(self.mail)
        return (ids[0] if ids else ""), student_name(name)


def digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _stem(file: Found) -> str:
    return file.name.stem.lower()


def student_id(value: object) -> str:
    """A student's number as text: full-width digits, blanks and hyphens are set right."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    if isinstance(value, int) and abs(value) >= 10**12:
        return ""
    text = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", str(value)[:LONGEST_ID]))
    return text if re.fullmatch(r"[A-Za-z]?\d{4,12}", text) else ""


def student_name(value: object) -> str:
    """A name as it is compared and shown: composed, single blanks, at most 60 letters, no control characters."""
    if not isinstance(value, str):
        return ""
    printable = "".join(letter if letter.isprintable() else " " for letter in composed(value[:LONGEST_NAME]))
    return " ".join(printable.split())[:60]


def number_in(name: str) -> str:
    """The student's number in a file's name, or ""."""
    found = re.search(r"(?<!\d)\d{8,10}(?!\d)", unicodedata.normalize("NFKC", name))
    return found[0] if found else ""


def number(claims: dict[str, Any], key: str) -> float | None:
    """A finite number of a report, or None."""
    value = claims.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def _name_in(stem: str) -> str:
    """The Korean name beside a student's number: what follows it, else what precedes it."""
    number = number_in(stem)
    before, _, after = unicodedata.normalize("NFKC", stem).partition(number or "\0")
    words = [*re.findall("[가-힣]{2,5}", after), *reversed(re.findall("[가-힣]{2,5}", before))] if number else []
    return next((word for word in words if word not in NO_NAMES), "")


def _imported(code: str) -> set[str]:
    return set(re.findall(r"^[ \t]*(?:from|import)[ \t]+(\w+)", code, re.MULTILINE))


def _constants(code: str) -> dict[str, object]:
    """``ID = ".."`` and ``NAME = ".."`` at the program's outer level."""
    found: dict[str, object] = {}
    for line in re.findall(r"^(?:ID|NAME)[ \t]*=.*$", code, re.MULTILINE):
        try:
            node = ast.parse(line).body[0]
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = ast.literal_eval(node.value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return found
