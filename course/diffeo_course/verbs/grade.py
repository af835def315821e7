"""``diffeo grade``: the assignment of the course, graded."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from diffeo_course.verbs.language import MaybeLanguage, spoken
from diffeo_course.verbs.options import Flag

if TYPE_CHECKING:
    from diffeo_course.grading import Report

grade_app = App(name="grade", usage="Usage: diffeo grade SUBMISSION [OPTIONS]", help_format="plaintext")


@grade_app.default
def grade(
    submission: Path,
    /,
    *,
    lang: MaybeLanguage = None,
    out: Path | None = None,
    json: Path | None = None,
    folder: Flag = False,
    roster: Path | None = None,
    key: Path | None = None,
    force: Flag = False,
) -> None:
    """Grade a submission of the course's assignment: code, claims, and what is left to score by hand.

    The submission's code runs in processes of its own, with limits; docs/grading.md says which hold where.
    Exit status: 0 graded, whatever the points; 1 there is nothing to grade.

    For example:
      diffeo grade submission.py --lang en
      diffeo grade 20231234.zip --out report.html --json results.json
      diffeo grade mails --folder
      diffeo grade 20231234.zip --key mails-graded/key

    Parameters
    ----------
    submission
        A .py, .ipynb or .zip file, or one student's folder; with --folder what a mail client saved.
    lang
        Of the report: ko or en; the locale's, or English, if not given.
    out
        Write the report as a page too: .html or .md. With --folder the folder for the results, otherwise FOLDER-graded.
    json
        Write results.json as Gradescope reads it.
    folder
        Grade every submission in a folder: a table for the lecturer, a page for each student.
    roster
        With --folder: a CSV file with the columns id and name, of those who should have handed in.
    key
        A file with the secret that inputs and images are drawn by: with the same one a hand-in is given the same
        points again. Made if it is not there. With --folder FOLDER-graded/key, otherwise drawn anew, if not given.
    force
        Write over the files of --out and --json, if they are there. Not with --folder.
    """
    import signal
    import sys

    for name in ("SIGTERM", "SIGHUP"):  # ended from outside, it still takes its processes and folders along
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    if folder:
        if json is not None:
            raise ValueError("--json is of one submission; --folder writes a table of all. Leave --json out.")
        _all_in(submission, out or submission.with_name(f"{submission.name}-graded"), spoken(lang), roster, key)
        return
    if roster is not None:
        raise ValueError("--roster says who should have handed in: it goes with --folder. Add it, or leave it out.")
    _writable(out, json, force=force)
    from diffeo_course.grading import grade as graded
    from diffeo_course.grading.drawing import key_in
    from diffeo_course.handin.reading import read
    from diffeo_course.sandbox.limits import Limits

    handed_in = read(submission)
    secret, limits = (None, None) if key is None else (key_in(key), Limits(closed=(str(key.absolute()),)))
    sys.stderr.write(_held(spoken(lang)) + "\n")
    report = graded(handed_in, spoken(lang), key=secret, limits=limits)
    sys.stdout.write(report.to_text())
    _write(report, out, json)


def _all_in(folder: Path, out: Path, lang: str, roster: Path | None, key: Path | None) -> None:
    import sys

    from diffeo_course.inbox.folder import grade_folder
    from diffeo_course.inbox.table import summary
    from diffeo_course.messages import say

    sys.stderr.write(f"{_held(lang)}\n{say('handin-start', lang)}\n")

    def progress(done: int, total: int, last: str) -> None:
        sys.stderr.write(f"{done} / {total}  {last}\n")

    graded = grade_folder(folder, out, lang, roster=roster, key=key, progress=progress)
    sys.stdout.write(summary(graded, lang) + "".join(f"\n{path}" for path in graded.wrote) + "\n")


def _held(lang: str) -> str:
    """One line: what holds a submission on this machine, and what would hold it elsewhere."""
    from diffeo_course.messages import say
    from diffeo_course.sandbox.layers import in_force, missing

    held = in_force()
    names = [say(f"sandbox-{name}", lang) for name in held]
    without = [say(f"sandbox-{name}", lang) for name in missing(held)]
    said = say("sandbox-held", lang, held=", ".join(names))
    return f"{said} {say('sandbox-missing', lang, missing=', '.join(without))}" if without else said


def _writable(out: Path | None, json: Path | None, *, force: bool) -> None:
    """Raise before any work: an unknown kind of page, or a file that is there already."""
    if out is not None and out.suffix.lower() not in (".html", ".md"):
        raise ValueError(f"--out {out}: a report is a page, .html or .md. For example: --out report.html")
    for path in (out, json):
        if path is None:
            continue
        if path.is_dir():
            raise FileExistsError(f"{path} is a folder, not a file to write. Give the name of a file")
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists. Choose another name, or write over it with --force")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent}")


def _write(report: "Report", out: Path | None, json: Path | None) -> None:
    import json as text

    from diffeo.system.writing import write_atomically

    pages = {".html": report.to_html, ".md": report.to_markdown}
    if out is not None:
        page = pages[out.suffix.lower()]()
        write_atomically(out, page.encode())
    if json is not None:
        write_atomically(json, text.dumps(report.to_results(), ensure_ascii=False, indent=2).encode())
