"""Grading a whole inbox: what was done is kept, so that it goes on after any stop."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from diffeo_course.inbox import table
from diffeo_course.inbox.graded import Graded, Row, Score
from diffeo_course.inbox.hand_ins import HandIn, hand_ins, pieces
from diffeo_course.inbox.roster import Roster, read_roster
from diffeo_course.inbox.similarity import Pair, pairs
from diffeo_course.messages import say
from diffeo_course.sandbox.limits import Limits
from diffeo_course.sandbox.untrusted import one_line

TEMPLATES = ("submission.py", "run.py")
SOLUTION = "solution.py"
KEY = "key"  # in the folder of the results; no program that is graded may see it
CHECKER = ("grading", "sandbox", "messages")


def grade_folder(
    folder: str | Path,
    out: str | Path | None = None,
    language: str = "ko",
    *,
    roster: str | Path | None = None,
    key: str | Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int, str], None] | None = None,
) -> Graded:
    """Grade everything in a folder, and write a table, a feedback file each, and what else is to be looked at.

    A submission that was graded before, with the same content and checker, is not graded again.

    Args:
        folder: what a mail client saved: zips, loose files, a folder for each mail.
        out: a folder for the results, FOLDER-graded beside it if not given. Files in it that somebody has changed
            are not written over.
        language: "ko" or "en".
        roster: a CSV file with the columns id and name, of those who should have handed in.
        key: a file with the key that inputs and images are drawn by, ``key`` in the folder of the results if not
            given; one is drawn where it is not there. With the same key the same hand-in is given the same points.
        workers: how many are graded at a time.
        progress: told how many are done, of how many, and whose was the last.

    Raises:
        NotADirectoryError: if `folder` is none.
        ValueError: if the roster or the key cannot be read, or nobody handed anything in.
    """
    from diffeo_course.grading.drawing import key_in

    folder = Path(folder).resolve()
    out = folder.with_name(f"{folder.name}-graded") if out is None else Path(out)
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder {folder}. Save the mails' attachments into one, and give it.")
    listed = read_roster(Path(roster)) if roster is not None else Roster()
    came, unread = pieces(folder, skip=out)
    if not came:
        raise ValueError(f"no .py, .ipynb or .zip file in {folder}. Save the mails' attachments into it.")
    found = hand_ins(came)
    (out / "results").mkdir(parents=True, exist_ok=True)
    copies = _copies(found)
    secret = key_in(out / KEY if key is None else Path(key))
    closed = (folder, out, roster, key)  # to all that is graded
    limits = Limits(closed=tuple(str(Path(each).absolute()) for each in closed if each is not None))
    scores = _scores(found, copies, out / "results", language, workers, progress, limits, secret)
    names = table.file_names(found)
    rows = [
        Row(each, score, name, _note(each, same, listed, language))
        for each, score, name, same in zip(found, scores, names, copies, strict=True)
    ]
    present = {each.submission.id for each in found}
    graded = Graded(rows, _alike(rows, language), listed.without(present), unread, out)
    graded.wrote.extend(table.write(graded, out, language))
    return graded


def _scores(
    found: Sequence[HandIn],
    copies: Sequence[dict[str, str]],
    results: Path,
    language: str,
    workers: int,
    progress: Callable[[int, int, str], None] | None,
    limits: Limits,
    key: str,
) -> list[Score]:
    done, total = 0, len(found)
    stored: dict[int, Score] = {}
    places = [results / f"{_key(each, copies[number], language, key)}.json" for number, each in enumerate(found)]
    for number, place in enumerate(places):
        if (score := _load(place)) is not None:
            stored[number] = score
            done += 1
    pool = ThreadPoolExecutor(max(1, workers))
    try:
        waiting = {
            pool.submit(_graded, each, copies[number], language, places[number], limits, key): number
            for number, each in enumerate(found)
            if number not in stored
        }
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                number = waiting.pop(future)
                stored[number] = future.result()
                done += 1
                if progress is not None:
                    progress(done, total, found[number].submission.id or found[number].piece.where)
    finally:
        pool.shutdown(cancel_futures=True)
    return [stored[number] for number in range(total)]


def _graded(each: HandIn, copies: dict[str, str], language: str, place: Path, limits: Limits, key: str) -> Score:
    from diffeo.system.writing import write_atomically
    from diffeo_course import grading

    another = say("handin-another", language)  # whose it is stays between lecturer and table
    try:
        theirs = dict.fromkeys(copies, another)
        report = grading.grade(each.submission, language, others=theirs, limits=limits, key=key)
        lines = [
            {"key": line.key, "points": line.points, "possible": line.possible, "message": line.message}
            for line in report.lines
        ]
        score = Score(lines, report.total, report.to_markdown())
        content = json.dumps(asdict(score), ensure_ascii=False, indent=1).encode()
    except Exception as error:  # one submission must not keep the others from being graded
        return Score(failed=f"{type(error).__name__}: {one_line(error)}")
    write_atomically(place, content)
    return score


def _copies(found: Sequence[HandIn]) -> list[dict[str, str]]:
    """For each, the fingerprint of its weights with those who have the same; nothing if nobody has."""
    from diffeo_course.grading.weights import fingerprint

    owners: dict[str, list[HandIn]] = {}
    marks = [fingerprint(each.submission.weights) if each.submission.weights is not None else "" for each in found]
    for each, mark in zip(found, marks, strict=True):
        owners.setdefault(mark, []).append(each)
    others = [[other for other in owners[mark] if other is not each] for each, mark in zip(found, marks, strict=True)]
    return [
        {mark: ", ".join(other.submission.id or other.piece.where for other in same)} if mark and same else {}
        for mark, same in zip(marks, others, strict=True)
    ]


def _note(each: HandIn, same: dict[str, str], listed: Roster, language: str) -> str:
    texts = [say("handin-same-weights", language, ids=ids) for ids in same.values()]
    return " ".join(text for text in [listed.note(each.submission, language), *texts] if text)


def _key(each: HandIn, copies: dict[str, str], language: str, key: str) -> str:
    """What a result depends on: the content, the checker, what is drawn, and whose weights are the same."""
    parts = (each.piece.digest, each.submission.id, language, _checker(), repr(sorted(copies)), key)
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def _checker() -> str:
    """The checker that grades: its files, and whether it has MNIST to look at."""
    import diffeo_course
    from diffeo.data import folder_of

    root = Path(diffeo_course.__file__).parent
    digest = sha256(repr(folder_of("mnist") is not None).encode())
    for part in CHECKER:
        for file in sorted((root / part).rglob("*")):
            if file.suffix in {".py", ".yaml"}:
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _load(place: Path) -> Score | None:
    try:
        return Score(**json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _alike(rows: Sequence[Row], language: str) -> list[Pair]:
    from diffeo_course.material import material

    assignment = material() / "assignment"
    given = "\n".join((assignment / name).read_text(encoding="utf-8") for name in TEMPLATES)
    solution = say("handin-solution", language)
    programs = {solution: (assignment / SOLUTION).read_text(encoding="utf-8")}
    for row in rows:
        if code := row.hand_in.submission.code:
            programs[row.who if row.who not in programs else row.found] = code
    found = pairs(programs, given)
    copied = {name for pair in found for name in (pair.first, pair.second) if solution in (pair.first, pair.second)}
    return [pair for pair in found if solution in (pair.first, pair.second) or not {pair.first, pair.second} <= copied]
