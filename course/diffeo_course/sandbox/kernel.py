"""What the kernel is asked to refuse, for good, to the process that asks: resource limits, and on Linux all the rest.

Everything here is for a process of one thread: the kernel confines the thread that asks, and what it starts later.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

LARGEST_FILE = 256 << 20
OPEN_FILES = 256
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_FILTER = 38, 22, 2
NEW_USER, NEW_NETWORK, NEW_IPC = 0x10000000, 0x40000000, 0x08000000

# Landlock, from linux/landlock.h: the numbers of its calls and rights are part of the kernel's interface
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_FOLDER, REMOVE_FILE, MAKE_FOLDER, MAKE_FILE, MAKE_PIPE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 10
CHANGES = sum(1 << bit for bit in range(4, 13))  # the same with devices, sockets and links, which nobody may make
REFER, TRUNCATE, DEVICES = 1 << 13, 1 << 14, 1 << 15
OWN = WRITE_FILE | READ_FILE | READ_FOLDER | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_FILE | MAKE_PIPE | REFER
TCP, SIGNALS_AND_SOCKETS = 0b11, 0b11


def limit_resources(memory: int) -> bool:
    """Bounds of memory, files and open files; False where the system has none."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    wanted = {"RLIMIT_FSIZE": LARGEST_FILE, "RLIMIT_CORE": 0, "RLIMIT_NOFILE": OPEN_FILES}
    if sys.platform == "linux":
        wanted["RLIMIT_DATA"] = memory  # of its own
        wanted["RLIMIT_AS"] = _mapped() + 2 * memory  # and shared; torch alone maps far more than it uses
        wanted["RLIMIT_MSGQUEUE"] = 0
    for name, value in wanted.items():
        _, most = resource.getrlimit(getattr(resource, name))
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(getattr(resource, name), (value, value))
    return True


def _mapped() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def no_new_privileges() -> None:
    """A condition of all that follows."""
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def leave_network() -> bool:
    """Go into a network of one's own, which has no way out; a user without privileges needs user namespaces for it."""
    libc, user, group = ctypes.CDLL(None), os.getuid(), os.getgid()
    if libc.unshare(NEW_NETWORK | NEW_IPC) == 0:
        return True
    if libc.unshare(NEW_USER | NEW_NETWORK | NEW_IPC) != 0:
        return False
    for name, line in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        try:
            Path(f"/proc/self/{name}").write_text(line, encoding="ascii")
        except OSError:  # files stay its own all the same
            break
    return True


def drop_capabilities() -> bool:
    """Give up root's privileges, so that limits cannot be raised again nor devices made."""
    header, nothing = struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", *[0] * 6)
    return bool(ctypes.CDLL(None).capset(header, nothing) == 0)


def landlock_version() -> int:
    """Which Landlock this kernel has; 0 if none."""
    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1)))


def landlock(folder: Path, readable: Iterable[str]) -> int:
    """Only what is readable can be read and listed, only the folder written to; no programs, TCP, signals.

    Returns the version that is in force: TCP is refused from 4 on, signals from 6 on. 0 if none is.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = landlock_version()
    if version < 1:
        return 0
    added = (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0) | (DEVICES if version >= 5 else 0)
    rights = EXECUTE | WRITE_FILE | READ_FILE | READ_FOLDER | CHANGES | added
    fields = [rights, TCP, SIGNALS_AND_SOCKETS][: 3 if version >= 6 else 2 if version >= 4 else 1]
    attributes = struct.pack(f"{len(fields)}Q", *fields)
    ruleset = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    places: list[tuple[str, int]] = [(str(folder), (OWN | TRUNCATE) & rights), (os.devnull, WRITE_FILE)]
    places += [(place, READ_FILE | READ_FOLDER if os.path.isdir(place) else READ_FILE) for place in readable]
    for place, allowed in places:
        try:
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # gone meanwhile
            continue
        libc.syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, opened), 0)
        os.close(opened)
    held = libc.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return version if held else 0


def install_filter(program: bytes) -> bool:
    """Install a filter of calls to the kernel, as :mod:`diffeo_course.sandbox.syscalls` makes it."""
    if not program:
        return False
    kept = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(kept))  # struct sock_fprog
    return bool(ctypes.CDLL(None).prctl(PR_SET_SECCOMP, SECCOMP_FILTER, header, 0, 0) == 0)
