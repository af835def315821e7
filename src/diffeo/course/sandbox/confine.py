"""Limits that a process puts on itself before it runs a student's program, as far as its system has them.

Three layers, each of which holds alone: the kernel's (Linux: Landlock, resource limits), Python's audit hook (all
systems, with readable errors), and the parent, which watches from outside.
"""

import ctypes
import os
import struct
import sys
from os.path import realpath
from pathlib import Path

from .reading import Rules, may_read, readable

WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
PATHS = {  # audit events that change files, and how many of their arguments are paths
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "shutil.rmtree": 1,
    "shutil.move": 2,
}
REFUSED = (
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.exec",
    "os.system",
    "os.startfile",
    "os.kill",
    "os.killpg",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "webbrowser.open",
    "gc.get_objects",  # the hook itself could be found with these
    "gc.get_referrers",
    "gc.get_referents",
)
LARGEST_FILE = 256 << 20


class Refused(PermissionError):
    """A program tried what a submission may not do."""


def confine(folder: Path, work: Path, memory: int, reading: Rules) -> None:
    """Confine this process, for good: writes only inside `folder`, no other program, no network, so much memory.

    Args:
        folder: where new files may be written; nothing may be removed.
        work: in it, where the program may do as it likes.
        memory: bytes of private memory, where the system can limit it.
        reading: what the program may read.
    """
    _limit_resources(memory)
    if sys.platform == "linux":
        _landlock(folder, reading)
    _watch(realpath(folder), realpath(work), reading)


def _limit_resources(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {"RLIMIT_FSIZE": LARGEST_FILE, "RLIMIT_CORE": 0}
    if sys.platform == "linux":
        wanted["RLIMIT_DATA"] = memory  # not RLIMIT_AS: torch maps far more than it uses
    for name, value in wanted.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _watch(folder: str, work: str, reading: Rules) -> None:
    # of its own: what a program puts into modules does not reach the hook
    inside, real, may, null = _inside, _real, may_read, realpath(os.devnull)
    writing, paths, refused, error = WRITING, dict(PATHS), frozenset(REFUSED), Refused

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int) or path is None:
                return
            where = real(path)
            writes = (isinstance(flags, int) and flags & writing) or (isinstance(mode, str) and set(mode) & set("wax+"))
            if writes and not inside(where, folder) and where != null:
                raise error(f"writing {where}")
            if not may(where, reading):
                raise error(f"reading {'/'.join(where.split(os.sep)[-2:])}")  # not where the checker is
        elif event in paths:
            for path in arguments[: paths[event]]:
                if not isinstance(path, int) and not inside(real(path), folder if event == "os.rename" else work):
                    raise error(f"{event} {path!r}")
        elif event in refused:
            raise error(event)

    sys.addaudithook(hook)


def _real(path: object) -> str:
    return realpath(os.fsdecode(path))  # type: ignore[arg-type]


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


# Landlock, from linux/landlock.h: the numbers of its calls and rights are part of the kernel's interface
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, WRITE_FILE, READ_FILE, REFER, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 13, 1 << 14
CHANGES = sum(1 << bit for bit in range(4, 13)) | WRITE_FILE  # remove and make files, folders, links, devices
TCP = 0b11
SIGNALS_AND_SOCKETS = 0b11


def _landlock(folder: Path, reading: Rules) -> bool:
    """Ask the kernel to refuse writes outside the folder, reading what is closed, programs, TCP, signals.

    False if it cannot.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    rights = EXECUTE | READ_FILE | CHANGES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    fields = [rights, TCP, SIGNALS_AND_SOCKETS][: 3 if version >= 6 else 2 if version >= 4 else 1]
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return False
    places: list[tuple[str, int]] = [(str(folder), rights & ~EXECUTE), (os.devnull, WRITE_FILE)]
    places += [(place, READ_FILE) for place in readable(os.sep, reading)]
    for place, allowed in places:
        try:
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # gone meanwhile
            continue
        libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, opened), 0)
        os.close(opened)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    held = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return bool(held)
