"""The labs as notebooks: one source a lab, in both languages, for students and with solutions; and their wall times.

A lab is a py:percent script in ``course/labs``. Its cells' metadata say where they go: ``lang="ko"`` into the Korean
notebooks only, ``tags=["student"]`` (with holes) or ``tags=["solution"]`` into those of one version only. The title
of a cell is its id; in the notebook a code cell begins with it, as slides and guide cite it. A line of code that ends
in ``  # ko`` or ``  # en`` is kept in that language alone, without the mark.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from diffeo.system.writing import write_atomically
from diffeo_course.material import material
from diffeo_course.messages import Language

Version = Literal["student", "solution"]
LABS = ("lab", "home_glow", "home_editing", "home_density")
MARKED = re.compile(r"^(?P<line>.*\S)?  # (?P<language>ko|en)$")
FAST, EPOCHS = "DIFFEO_LAB_FAST", "DIFFEO_LAB_EPOCHS"  # what the labs read
SECONDS_A_CELL = 900
SECONDS_TO_START = 300  # of a kernel, on a busy machine


@dataclass(frozen=True)
class Section:
    """A section of a lab that was run: its heading, and the seconds that its code took."""

    heading: str
    seconds: float


def build(folder: Path, language: Language, *, version: Version = "student") -> list[Path]:
    """Write all labs as notebooks, one version in one language; notebooks that are there already are replaced.

    Returns:
        The files: ``LAB.ipynb``, and with solutions ``LAB-solution.ipynb``.

    Raises:
        ValueError: if a source has no such language or version, or a cell without an id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in LABS:
        path = folder / f"{name}{'' if version == 'student' else '-solution'}.ipynb"
        write_atomically(path, notebook(source(name), language, version).encode())
        written.append(path)
    return written


def source(name: str) -> str:
    """The script of a lab."""
    return (material() / "labs" / f"{name}.py").read_text(encoding="utf-8")


def notebook(script: str, language: Language, version: Version) -> str:
    """A notebook of a script, as JSON; the same script gives the same bytes."""
    import nbformat

    for given, known, what in ((language, Language, "language"), (version, Version, "version")):
        if given not in get_args(known):
            raise ValueError(f"no {what} of a lab is called {given!r}: there are {', '.join(get_args(known))}")
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in cells(script):
        if cell.metadata.get("lang", language) != language:
            continue
        tags = cell.metadata.get("tags", [])
        if version not in [tag for tag in tags if tag in get_args(Version)] and set(tags) & set(get_args(Version)):
            continue
        new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        name, text = cell.metadata["title"], cell.source
        if cell.cell_type == "code":
            text = f"# {name}\n{in_language(text, language)}"
        made.cells.append(new(text, id=name, metadata={"tags": tags} if tags else {}))  # type: ignore[no-untyped-call]
    nbformat.validate(made)
    return str(nbformat.writes(made)) + "\n"  # type: ignore[no-untyped-call]


def cells(script: str) -> list[Any]:
    """The cells of a script, in all languages and versions.

    Raises:
        ValueError: if one has no title, which is its id.
    """
    import jupytext

    found: list[Any] = jupytext.reads(script, fmt="py:percent").cells
    for cell in found:
        if not re.fullmatch(r"[a-z0-9-]{1,64}", cell.metadata.get("title", "")):
            raise ValueError(
                f"a cell needs an id of small letters, digits and hyphens, as in '# %% set-up': {cell.source[:60]!r}"
            )
    return found


def cell_ids(name: str) -> list[str]:
    """The ids of a lab's cells, in order: what a plan can refer to."""
    return list(dict.fromkeys(cell.metadata["title"] for cell in cells(source(name))))


def in_language(code: str, language: Language) -> str:
    r"""Code without the lines of the other language, and without marks.

    Example:
        >>> print(in_language("a = 1\nb = '둘'  # ko\nb = 'two'  # en", "en"))
        a = 1
        b = 'two'
    """

    def kept() -> Iterator[str]:
        for line in code.split("\n"):
            mark = MARKED.match(line)
            if mark is None:
                yield line
            elif mark["language"] == language:
                yield mark["line"] or ""

    return "\n".join(kept())


def run(path: Path, *, fast: bool = True, epochs: int | None = None, executed: Path | None = None) -> list[Section]:
    """Run a notebook from top to bottom in the folder it lies in, and time its sections.

    Args:
        path: the notebook. It is not changed.
        fast: train for at most four minutes, on two threads.
        epochs: train for so many epochs, whatever that takes; for tests.
        executed: where to keep the notebook with its results.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    node = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        node,
        timeout=SECONDS_A_CELL,
        startup_timeout=SECONDS_TO_START,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent.resolve())}},
        record_timing=True,
    )
    environment = {**os.environ, FAST: str(int(fast)), **({} if epochs is None else {EPOCHS: str(epochs)})}
    client.execute(env=environment)
    if executed is not None:
        write_atomically(executed, nbformat.writes(node).encode())  # type: ignore[no-untyped-call]
    return list(sections(node.cells))


def sections(executed: list[Any]) -> Iterator[Section]:
    """The sections of executed cells, and how long each took."""
    heading, seconds = "", 0.0
    for cell in executed:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            if heading:
                yield Section(heading, seconds)
            heading, seconds = cell.source.split("\n")[0][3:].strip(), 0.0
        times = cell.metadata.get("execution", {})
        if "iopub.execute_input" in times and "shell.execute_reply" in times:
            began, ended = (_time(times[key]) for key in ("iopub.execute_input", "shell.execute_reply"))
            seconds += (ended - began).total_seconds()
    if heading:
        yield Section(heading, seconds)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
