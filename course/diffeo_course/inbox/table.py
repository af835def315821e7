"""What the lecturer gets of a graded inbox: a table, a page for each student, and a page of what to look at."""

import csv
import io
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from diffeo_course.handin.archive import composed
from diffeo_course.handin.reading import number_in
from diffeo_course.inbox.graded import Graded, Row
from diffeo_course.inbox.hand_ins import HandIn
from diffeo_course.messages import say

WRITTEN = "written.json"  # what was written last, so that what a person has changed since is not lost
BOM = "\ufeff"  # without it Excel takes a CSV file for the system's own encoding
CLOSED = {".eml", ".msg", ".rar", ".7z", ".egg", ".alz", ".tar", ".gz"}  # a hand-in may be inside
LONGEST = 200  # bytes of a file's name: systems take 255
RESERVED = re.compile(r'[<>:"/\\|?*\x00-\x1f]')


def file_names(found: Sequence[HandIn]) -> list[str]:
    """A file name for each one's feedback: number and name, as every system takes it."""
    names: list[str] = []
    for each in found:
        submission = each.submission
        name = "_".join(part for part in (submission.id, submission.name) if part) or f"no-id_{each.piece.where}"
        name = RESERVED.sub("_", name)[:80].encode()[:LONGEST].decode(errors="ignore").strip(" .")
        again = sum(other == name or other.startswith(f"{name} (") for other in names)
        names.append(f"{name} ({again + 1})" if again else name)
    return [f"{name}.md" for name in names]


def write(graded: Graded, out: Path, language: str) -> list[Path]:
    """Write ``table.csv``, ``summary.md``, ``alike.csv`` and ``feedback/``.

    A file that was changed since it was written here is left alone: the new one gets a number.
    """
    (out / "feedback").mkdir(parents=True, exist_ok=True)
    contents = {
        "table.csv": _table(graded, language),
        "alike.csv": _csv([["share", "first", "lines", "second", "lines"], *_alike(graded)]),
        "summary.md": summary(graded, language),
        **{f"feedback/{row.feedback}": feedback(row, language) for row in graded.rows},
    }
    record = out / "results" / WRITTEN
    try:
        before = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    wrote = [_put(out, name, content.encode(), before) for name, content in contents.items()]
    _write(record, json.dumps(before, ensure_ascii=False, indent=1).encode())
    return wrote


def feedback(row: Row, language: str) -> str:
    """The page for a student."""
    problems = [problem.text(language) for problem in row.hand_in.problems]
    if row.score.failed:
        shown = [each.text(language) for each in row.hand_in.submission.problems]
        failed = say("handin-not-graded", language, why=row.score.failed)
        return "\n".join([f"# {row.who}", "", failed, "", *(f"- {line}" for line in [*problems, *shown])]) + "\n"
    return "\n".join([row.score.markdown.rstrip(), "", *(f"- {line}" for line in problems)]).rstrip() + "\n"


def summary(graded: Graded, language: str) -> str:
    """The page for the lecturer: who is missing, what is unclear, which pairs to look at."""
    parts = [f"# {say('handin-summary', language, number=len(graded.rows))}"]

    def section(key: str, lines: list[str]) -> None:
        parts.extend(["", f"## {say(key, language)} ({len(lines)})", "", *(f"- {line}" for line in lines)])

    theirs = [", ".join(_theirs(graded, number)[0]) for number, _ in graded.absent]
    absent = [f"{number} {name}".strip() for number, name in graded.absent]
    section("handin-absent", [f"{who}: {files}" if files else who for who, files in zip(absent, theirs, strict=True)])
    section(
        "handin-unclear",
        [f"{row.found}: {text}" for row in graded.rows if (text := _odd(row, language))],
    )
    to_open = [where for where in graded.unread if _is_closed(where)]
    section("handin-closed", to_open)
    section("handin-unread", [where for where in graded.unread if where not in to_open])
    section(
        "handin-alike",
        [
            say("handin-pair", language, share=f"{pair.share:.0%}", first=pair.first, second=pair.second)
            for pair in graded.alike
        ],
    )
    return "\n".join([*parts, "", say("handin-alike-meaning", language)]) + "\n"


def _odd(row: Row, language: str) -> str:
    texts = [problem.text(language) for problem in (*row.hand_in.problems, *row.hand_in.submission.problems)]
    failed = [say("handin-not-graded", language, why=row.score.failed)] if row.score.failed else []
    return " ".join([*failed, *([row.note] if row.note else []), *texts])


def _table(graded: Graded, language: str) -> str:
    from diffeo_course.grading import RUBRIC

    keys = [line.key for line in RUBRIC]
    columns = ("id", "name", "total", *keys, "file", "versions", "remarks")
    titles = [say(f"rubric-{key}", language) for key in keys]
    said = {name: say(f"handin-column-{name}", language) for name in columns if name not in keys}
    rows: list[list[object]] = [
        [*(said[name] for name in columns[:3]), *titles, *(said[name] for name in columns[-3:])]
    ]
    for row in graded.rows:
        points = {line["key"]: line["points"] for line in row.score.lines}
        total = "" if row.score.failed else row.score.total
        submission, piece = row.hand_in.submission, row.hand_in.piece
        scores = ["" if points.get(key) is None else points[key] for key in keys]
        last = [piece.where, 1 + len(row.hand_in.older), _odd(row, language)]
        rows.append([submission.id, submission.name, total, *scores, *last])
    left = _left(graded)
    for number, name in graded.absent:
        theirs, remark = _theirs(graded, number)
        left = [each for each in left if each[1] not in theirs]
        rows.append([number, name, "", *[""] * len(keys), ", ".join(theirs), 0, say(remark, language)])
    for number, where in left:
        rows.append([number, "", "", *[""] * len(keys), where, 0, say("handin-not-read", language)])
    return _csv(rows)


def _left(graded: Graded) -> list[tuple[str, str]]:
    """Number and place of what was not read and may be somebody's work: nobody is to be missing from the table."""
    present = {row.hand_in.submission.id for row in graded.rows}
    numbered = [(number_in(composed(where)), where) for where in graded.unread]
    return [each for each in numbered if _is_closed(each[1]) or (each[0] and each[0] not in present)]


def _theirs(graded: Graded, number: str) -> tuple[list[str], str]:
    """Files that may be of somebody without a hand-in, and the message about them."""
    if closed := [where for of, where in _left(graded) if of == number]:
        return closed, "handin-not-read"
    named = [row.hand_in.piece.where for row in graded.rows if number in _other_ids(row)]
    return named, "handin-other-id" if named else "handin-nothing"


def _other_ids(row: Row) -> list[str]:
    differ = [each for each in row.hand_in.submission.problems if each.key == "handin-ids-differ"]
    return [number for each in differ for number in str(each.values["ids"]).split(", ")]


def _is_closed(where: str) -> bool:
    return PurePosixPath(where).suffix.lower() in CLOSED


def _alike(graded: Graded) -> list[list[object]]:
    return [
        [pair.share, pair.first, _ranges(pair.first_lines), pair.second, _ranges(pair.second_lines)]
        for pair in graded.alike
    ]


def _ranges(lines: Sequence[int]) -> str:
    """Line numbers, those less than four apart as one range."""
    found: list[list[int]] = []
    for line in lines:
        if found and line - found[-1][1] < 4:
            found[-1][1] = line
        else:
            found.append([line, line])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_cell(value) for value in row] for row in rows])
    return BOM + text.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe: names come from outside."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _put(out: Path, name: str, content: bytes, before: dict[str, str]) -> Path:
    """Write a file; beside it, under a number, if somebody has changed it since."""
    place, number = out / name, 2
    while place.exists() and sha256(place.read_bytes()).hexdigest() not in (
        before.get(_short(out, place)),
        _hash(content),
    ):
        place = out / Path(name).with_stem(f"{Path(name).stem}-{number}")
        number += 1
    _write(place, content)
    before[_short(out, place)] = _hash(content)
    return place


def _short(out: Path, place: Path) -> str:
    return place.relative_to(out).as_posix()


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _write(place: Path, content: bytes) -> None:
    from diffeo.system.writing import write_atomically

    write_atomically(place, content)
