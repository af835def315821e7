"""Python's own audit hook: what a submission tries is refused before it happens, with an error that can be read.

It sees what Python does, on every system, and nothing of what C does: extensions open files that it is not asked about.
"""

import os
import sys
from os.path import isdir, normcase, realpath

from .reading import Rules, may_read
from .sealing import sealed

WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
CHANGING = {  # audit events that change files, and how many of their arguments are paths
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.rename": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "shutil.rmtree": 1,
    "shutil.move": 2,
}
LISTING = ("os.listdir", "os.scandir")
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
    "os.link",
    "os.symlink",
    "os.setxattr",
    "os.removexattr",
    "os.chflags",
    "subprocess.Popen",
    "pty.spawn",
    "webbrowser.open",
    "resource.prlimit",
    "signal.pthread_kill",
    "gc.get_objects",  # the hook itself could be found with these
    "gc.get_referrers",
    "gc.get_referents",
    "ctypes.dlsym",  # and whatever the C library does with this
    "ctypes.dlsym/handle",
    "ctypes.string_at",
    "ctypes.wstring_at",
    "ctypes.cdata",
    "ctypes.cdata/buffer",
    "_winapi.CreateProcess",
    "_winapi.CreateNamedPipe",
    "_winapi.OpenProcess",
)
# every event of these, whatever they are called in later versions of Python
REFUSED_FAMILIES = (
    "socket", "urllib", "http", "ftplib", "smtplib", "imaplib", "poplib", "nntplib", "telnetlib", "syslog", "winreg",
)  # fmt: skip
HARMLESS = ("socket.gethostname",)
READ_ONLY = (1, 3)  # mmap.ACCESS_READ, mmap.ACCESS_COPY: what is mapped to be shared is counted nowhere


class Refused(PermissionError):
    """A program tried what a submission may not do."""


def watch(folder: str, work: str, reading: Rules) -> None:
    """Add the hook, for good.

    Args:
        folder: where new files may be written.
        work: in it, where files may be changed and removed too.
        reading: what may be read.
    """
    null, changing = realpath(os.devnull), dict(CHANGING)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int) or path is None:
                return
            where = _real(path)
            writes = (isinstance(flags, int) and flags & WRITING) or (isinstance(mode, str) and set(mode) & set("wax+"))
            if writes and not _inside(where, folder) and where != null:
                raise Refused(f"writing {_end(where)}")
            if not may_read(where, reading):
                raise Refused(f"reading {_end(where)}")
            if mode is None and not _inside(where, folder) and (_climbs(path) or isdir(where)):  # os.open
                raise Refused(f"opening {_end(where)}")
        elif event in changing:
            for path in arguments[: changing[event]]:
                if isinstance(path, int) or path is None:
                    continue
                if _climbs(path) and arguments[-1] != -1:  # from a folder that this does not know
                    raise Refused(f"{event} {_end(_text(path))}")
                if not _inside(_real(path), folder if event == "os.rename" else work):
                    raise Refused(f"{event} {_end(_text(path))}")
        elif event in LISTING:
            path = arguments[0] if arguments[0] is not None else "."
            if not isinstance(path, int) and not may_read(_real(path), reading):
                raise Refused(f"listing {_end(_real(path))}")
        elif event == "mmap.__new__":
            if arguments[2] not in READ_ONLY:
                raise Refused("memory that is shared")
        elif event == "import":
            name = arguments[0]
            if isinstance(name, str) and name.partition(".")[0] == "diffeo":
                raise Refused("import diffeo")
        elif event == "sqlite3.connect":
            if arguments[0] != ":memory:":
                raise Refused(event)
        elif event in REFUSED or (event.partition(".")[0] in REFUSED_FAMILIES and event not in HARMLESS):
            raise Refused(event)

    sys.addaudithook(sealed(hook))


def _text(path: object) -> str:
    """As str itself: the methods of a class made of it could say anything."""
    return bytes.decode(path, "utf-8", "surrogateescape") if isinstance(path, bytes) else str.__str__(path)


def _real(path: object) -> str:
    return normcase(realpath(_text(path)))


def _end(path: str) -> str:
    """Not all of it: where the checker is, is nobody's business."""
    return "/".join(path.split(os.sep)[-2:])


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _climbs(path: object) -> bool:
    return os.pardir in _text(path).replace("\\", "/").split("/")
