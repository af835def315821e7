"""Whether a machine is ready for the lab: a line each, with the fix where something is missing."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from diffeo_course.messages import say

PYTHON = (3, 10)
TORCH = (2, 6)
DISK, MEMORY = 2.0, 4.0  # GiB: an environment with torch and a run; what the lab's fast path is measured with
GIB = 2**30

Status = Literal["ok", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it will do, what was found, and what to do about it."""

    what: str
    status: Status
    found: str
    fix: str = ""


def examine(language: str) -> list[Finding]:
    """Look at Python, torch, disk, memory, data, the notebook and the font, in this order.

    Example:
        >>> examine("en")[0].what
        'Python'
    """
    return [look(language) for look in (_python, _torch, _disk, _memory, _data, _notebook, _font)]


def in_words(findings: list[Finding], language: str) -> str:
    """The findings as lines, each missing one followed by its fix, and what they come to.

    Example:
        >>> print(in_words([Finding("disk", "ok", "20.0 GiB free")], "en"))
        [ok] disk: 20.0 GiB free
        Ready for the lab.
    """
    lines = []
    for one in findings:
        lines.append(f"[{say(f'check-{one.status}', language)}] {one.what}: {one.found}")
        if one.fix:
            lines.append(f"    {say('check-fix', language)}: {one.fix}")
    missing = [one.what for one in findings if one.status == "missing"]
    end = say("check-not-ready", language, names=", ".join(missing)) if missing else say("check-ready", language)
    return "\n".join([*lines, end])


def _finding(key: str, language: str, good: bool, found: str, fix: str | None = None) -> Finding:
    what = say(f"check-{key}", language)
    if good:
        return Finding(what, "ok", found)
    return Finding(what, "missing", found, say(fix or f"check-{key}-fix", language))


def _python(language: str) -> Finding:
    good = sys.version_info >= PYTHON and sys.maxsize > 2**32
    bits = "" if sys.maxsize > 2**32 else " (32 bit)"
    return _finding("python", language, good, ".".join(map(str, sys.version_info[:3])) + bits)


def _torch(language: str) -> Finding:
    if find_spec("torch") is None:
        return _finding("torch", language, False, say("check-absent", language))
    try:
        import torch
    except (ImportError, OSError) as error:  # on Windows a missing system library
        return _finding("torch", language, False, str(error).splitlines()[0], "check-torch-broken-fix")
    version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    threads = say("check-torch-threads", language, count=torch.get_num_threads())
    return _finding("torch", language, version >= TORCH, f"{torch.__version__}, {threads}")


def _disk(language: str) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / GIB
    return _finding("disk", language, free >= DISK, say("check-disk-found", language, free=f"{free:.1f}"))


def _memory(language: str) -> Finding:
    size = memory()
    if size is None:
        return _finding("memory", language, True, say("check-unknown", language))
    # a machine sold with 4 GB reports a little less, since some is kept by the system
    return _finding("memory", language, size / GIB >= 0.9 * MEMORY, f"{size / GIB:.1f} GiB")


def memory() -> int | None:
    """The bytes of memory that the machine has, or that this container may use; None where it does not say."""
    found = _windows_memory() if sys.platform == "win32" else _posix_memory()
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    return min(found, int(text)) if found is not None and text != "max" else found


def _posix_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def _windows_memory() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "free", "page", "freepage", "virtual", "freevirtual", "more")
        ]

    status = Status(length=ctypes.sizeof(Status))
    windll: Any = getattr(ctypes, "windll", None)
    return int(status.total) if windll and windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def _data(language: str) -> Finding:
    spec = find_spec("sklearn")
    place = Path(str(spec.origin)).parent / "datasets" / "data" / "digits.csv.gz" if spec else None
    if place is None or not place.is_file():
        return _finding("data", language, False, say("check-absent", language))
    mnist = "check-data-mnist" if _mnist_is_here() else "check-data-no-mnist"
    return _finding("data", language, True, say(mnist, language))


def _mnist_is_here() -> bool:
    try:
        from diffeo.data import folder_of

        return folder_of("mnist") is not None
    except ImportError:  # no torch: its own line says so
        return False


def _notebook(language: str) -> Finding:
    names = [name for name in ("jupyterlab", "notebook", "ipykernel") if find_spec(name)]
    return _finding("notebook", language, bool(names), ", ".join(names) or say("check-absent", language))


def _font(language: str) -> Finding:
    family: Callable[[], str | None]
    try:
        from diffeo.evaluation import korean_family as family
    except ImportError:
        return _finding("font", language, False, say("check-after-torch", language), "check-torch-fix")
    found = family()
    return _finding("font", language, found is not None, found or say("check-absent", language))
