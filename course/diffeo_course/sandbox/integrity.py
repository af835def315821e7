"""The checker's own files: whether they change while a program runs, and copies that do not."""

from pathlib import Path

HERE = Path(__file__).parent
SUFFIXES = {".py", ".yaml", ".j2"}
# as they were when this was imported: nothing that happens on the disk later reaches the next submission's process
_SOURCES = {path.name: path.read_bytes() for path in HERE.glob("*.py")}

State = dict[Path, tuple[int, int]]


def write_copy(folder: Path) -> None:
    """Write this package into a folder, from memory."""
    folder.mkdir()
    for name, content in _SOURCES.items():
        (folder / name).write_bytes(content)


def state() -> State:
    """Size and time of each file of the course's tools."""
    found = {}
    for path in HERE.parent.rglob("*"):
        if path.suffix in SUFFIXES and "material" not in path.parts:
            known = path.stat()
            found[path] = (known.st_size, known.st_mtime_ns)
    return found


def changed(before: State) -> list[str]:
    """The names of files that are no longer as they were."""
    now = state()
    other = [path for path in {*before, *now} if before.get(path) != now.get(path)]
    return sorted(path.relative_to(HERE.parent).as_posix() for path in other)
