"""Where a submission may read: Python, what is installed and what the system's libraries need, and nothing else."""

import os
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping

Rules = Mapping[str, bool]  # real paths, and whether what is in them may be read: the deepest one counts

SYSTEM = {
    "linux": (
        *("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/nix/store"),
        *("/usr/share/zoneinfo", "/usr/share/locale", "/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts"),
        *("/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"),
        *("/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu"),
    ),
    "darwin": (
        *("/usr/lib", "/usr/share/zoneinfo", "/var/db/timezone", "/usr/share/locale", "/System/Library"),
        *("/Library/Fonts", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"),
    ),
    "win32": tuple(
        os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), name) for name in ("System32", "Fonts", "WinSxS")
    ),
}
INSTALLED = ("site-packages", "dist-packages")


def rules(closed: tuple[str, ...], opened: tuple[str, ...]) -> dict[str, bool]:
    """Only Python, what is installed and what the system needs may be read, of that nothing in `closed`.

    Args:
        closed: folders and files that are not read, though they lie in a folder that is.
        opened: folders that the program may read all the same.
    """
    places = [*_python(), *SYSTEM.get(sys.platform, SYSTEM["linux"])]
    found = {_real(os.sep): False} | {_real(place): True for place in places if os.path.exists(place)}
    found = {_real(place): False for place in closed} | found  # closed in a folder, not the folder itself
    return found | {_real(place): True for place in opened}


def _python() -> list[str]:
    """Where Python and packages are: not the whole of a prefix, and of the path no folder of somebody's own."""
    names = sysconfig.get_paths()
    places = [names[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        places += [os.path.join(prefix, name) for name in ("lib", "lib64", "DLLs", "Lib", "Library", "pyvenv.cfg")]
    places += [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    places += [place for place in sys.path if os.path.basename(place) in INSTALLED or place.endswith(".zip")]
    places += [place for place in sys.path if os.path.basename(place) == "lib-dynload"]
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [*places, *(place for place in libraries if place)]


def _real(place: str) -> str:
    return os.path.normcase(os.path.realpath(place))


def may_read(path: str, rules: Rules) -> bool:
    """Whether a file may be read.

    Example:
        >>> may_read("/a/b/c", {"/a": True, "/a/b": False}), may_read("/a/x", {"/a": True, "/a/b": False})
        (False, True)
    """
    here = path
    while here not in rules:
        above = here.rpartition(os.sep)[0] or os.sep
        if above == here or len(above) >= len(here):
            return False  # another drive of Windows
        here = above
    return rules[here]


def readable(place: str, rules: Rules, allowed: bool = False) -> Iterator[str]:
    """The largest folders and files that may be read all through; links are left out: what they point to is there."""
    allowed = rules.get(place, allowed)
    start = place.rstrip(os.sep) + os.sep
    below = [other for other in rules if other != place and other.startswith(start)]
    if not below or (not allowed and not any(rules[other] for other in below)):
        if allowed:
            yield place
        return
    try:
        entries = [entry.path for entry in os.scandir(place) if not entry.is_symlink()]
    except OSError:
        return
    for entry in entries:
        if allowed or any(other == entry or other.startswith(entry + os.sep) for other in below):
            yield from readable(entry, rules, allowed)
