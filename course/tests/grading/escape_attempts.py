"""What hand-ins try to get out of the grader's sandbox; this file is run in it, below a line that defines WORLD.

Each function is an attempt. Its docstring is "what | what it needs", and what it returns is the evidence: bytes of a
file, or the amount that it got of something. Whether it got out is judged by what came out (escapes.py).
"""
# ruff: noqa: F821, B, SIM

import ctypes
import mmap
import os
import resource
import socket
import threading

import torch

PIECE = 250 << 20


def _file(path):
    with open(path, "rb") as file:
        return torch.tensor(list(file.read()), dtype=torch.uint8)


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _address(port):
    return (2).to_bytes(2, "little") + port.to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)


def _hold(size):
    """So much memory, every page of it touched, kept for good."""
    held = torch.empty(size, dtype=torch.uint8)
    held[::4096] = 1
    return held


# network


def udp():
    """UDP: `sendto` to a number address | plain Python"""
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"udp", ("127.0.0.1", WORLD["udp"]))


def udp_message():
    """UDP: `sendmsg` | plain Python"""
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"udp_message"], [], 0, ("127.0.0.1", WORLD["udp"]))


def udp_below():
    """UDP by the module below `socket` | plain Python"""
    import _socket

    _socket.socket(2, 2, 0).sendto(b"udp_below", ("127.0.0.1", WORLD["udp"]))


def fast_open():
    """TCP: `sendto` with MSG_FASTOPEN | plain Python"""
    socket.socket().sendto(b"fast_open", 0x20000000, ("127.0.0.1", WORLD["tcp"]))


def tcp():
    """TCP: `create_connection` | plain Python"""
    socket.create_connection(("127.0.0.1", WORLD["tcp"])).sendall(b"tcp")


def web():
    """a request by `urllib` | plain Python"""
    from urllib.request import urlopen

    urlopen(f"http://127.0.0.1:{WORLD['tcp']}/web", timeout=2)


def unix():
    """unix socket (docker.sock, ssh-agent) | plain Python"""
    there = socket.socket(socket.AF_UNIX)
    there.connect(WORLD["unix"])
    there.sendall(b"unix")


def udp_in_c():
    """UDP by the C library | ctypes"""
    address = _address(WORLD["udp"])
    _libc().sendto(_libc().socket(2, 2, 0), b"udp_in_c", 8, 0, address, len(address))


def fast_open_in_c():
    """TCP fast open by the C library | ctypes"""
    address = _address(WORLD["tcp"])
    _libc().sendto(_libc().socket(2, 1, 0), b"fast_open_in_c", 14, 0x20000000, address, len(address))


def unix_in_c():
    """unix socket by the C library | ctypes"""
    libc, path = _libc(), os.fsencode(WORLD["unix"])
    there = libc.socket(1, 1, 0)
    libc.connect(there, (1).to_bytes(2, "little") + path + b"\0", 3 + len(path))
    libc.send(there, b"unix_in_c", 9, 0)


def socket_of_32_bits():
    """a socket by a call of 32 bits | ctypes"""
    if os.uname().machine != "x86_64":
        return 0.0
    code = bytes.fromhex("53b867010000bb02000000b90200000031d2cd805bc3")  # socket(AF_INET, SOCK_DGRAM, 0), int 0x80
    page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
    page.write(code)
    return float(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() >= 0)


def ring():
    """io_uring, which makes calls for others | ctypes"""
    return float(_libc().syscall(425, 8, ctypes.create_string_buffer(120)) >= 0)


# memory


def memory_files():
    """memory: files in memory | plain Python"""
    files = [os.memfd_create("m") for _ in range(22)]
    for file in files:
        for _ in range(PIECE >> 20):
            os.write(file, bytes(1 << 20))
    return float(PIECE * len(files))


def shared_maps():
    """memory: shared maps, dropped from the tables | plain Python"""
    maps = []
    for _ in range(22):
        maps.append(mmap.mmap(-1, PIECE))
        for at in range(0, PIECE, 4096):
            maps[-1][at] = 1
        maps[-1].madvise(mmap.MADV_DONTNEED)
    return float(PIECE * len(maps))


def shared_maps_in_c():
    """memory: shared maps by the C library | ctypes"""
    libc, total = _libc(), 0
    libc.mmap.restype = libc.memset.argtypes = None
    libc.mmap.restype = ctypes.c_void_p
    for _ in range(22):
        at = libc.mmap(None, ctypes.c_size_t(PIECE), 3, 0x21, -1, ctypes.c_long(0))
        if at in (None, ctypes.c_void_p(-1).value):
            break
        ctypes.memset(at, 1, PIECE)
        libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(PIECE), 4)
        total += PIECE
    return float(total)


def children():
    """memory: children that hold it | plain Python"""
    started = 0
    for _ in range(8):
        if os.fork() == 0:
            kept = _hold(PIECE)
            threading.Event().wait(30)
            os._exit(int(kept[0]))
        started += 1
    threading.Event().wait(3)
    return float(PIECE * started)


def children_in_c():
    """memory: children that the C library forks | ctypes"""
    started, libc = 0, _libc()
    for _ in range(8):
        child = libc.fork()
        if child == 0:
            kept = _hold(PIECE)
            libc.sleep(30)
            libc._exit(int(kept[0]))
        started += child > 0
    libc.sleep(3)
    return float(PIECE * started)


def segments():
    """memory: System V segments | ctypes"""
    return float(PIECE * sum(_libc().shmget(0, PIECE, 0o1600) >= 0 for _ in range(8)))


def limits_raised():
    """memory: the limits raised again | plain Python"""
    resource.setrlimit(resource.RLIMIT_DATA, (64 << 30, 64 << 30))
    return float(resource.getrlimit(resource.RLIMIT_DATA)[0])


# disk


def many_files():
    """disk: files of 200 MB | plain Python"""
    return float(sum(_fill(f"{number}.bin", 200) for number in range(22)))


def deleted_files():
    """disk: files that are open and deleted | plain Python"""
    kept, total = [], 0
    for _ in range(22):
        kept.append(open("gone.bin", "wb"))  # noqa: SIM115
        os.remove("gone.bin")
        for _ in range(200):
            total += kept[-1].write(bytes(1 << 20))
    return float(total)


def _fill(name, megabytes):
    with open(name, "wb") as file:
        return sum(file.write(bytes(1 << 20)) for _ in range(megabytes))


# other programs


def program():
    """a program: `subprocess` | plain Python"""
    import subprocess

    subprocess.run(["/bin/echo", "program executed"])


def program_spawned():
    """a program: `os.posix_spawn` | plain Python"""
    os.waitpid(os.posix_spawn("/bin/echo", ["echo", "program_spawned executed"], {}), 0)


def program_in_memory():
    """a program in a memory file, static | ctypes"""
    libc = _libc()
    file = libc.memfd_create(b"p", 0)
    libc.write(file, WORLD["static"].encode("latin-1"), len(WORLD["static"]))
    arguments, nothing = (ctypes.c_char_p * 2)(b"p", None), (ctypes.c_char_p * 1)(None)
    libc.execve(f"/proc/self/fd/{file}".encode(), arguments, nothing)


# other people's files


def by_path():
    """another hand-in, its path known | plain Python"""
    return _file(WORLD["secret"])


def by_commands():
    """another hand-in, its path from /proc/*/cmdline | plain Python"""
    for number in filter(str.isdigit, os.listdir("/proc")):
        with open(f"/proc/{number}/cmdline", "rb") as file:
            for part in file.read().split(b"\0"):
                if part.endswith(b"handed-in.py"):
                    return _file(part)
    return 0.0


def by_a_closed_place():
    """another hand-in, in a folder that may be read | plain Python"""
    return _file(WORLD["inside"])


def listed():
    """who handed in: the inbox's list | plain Python"""
    return torch.tensor(list("".join(os.listdir(os.path.dirname(WORLD["secret"]))).encode()), dtype=torch.uint8)


def checkout():
    """tests and .git of a checkout | plain Python"""
    return _file(WORLD["test"])


def by_file_in_c():
    """another hand-in by the C library | ctypes"""
    return _in_c(WORLD["secret"])


def environment_of_another():
    """what a process of the same user was started with, /proc/PID/environ | ctypes"""
    return _in_c(f"/proc/{WORLD['process']}/environ")


def link_to_another():
    """a link to another hand-in | plain Python"""
    os.symlink(WORLD["secret"], "link.py")
    return _file("link.py")


def folder_by_number():
    """another hand-in from a folder's number | plain Python"""
    there = os.open(os.path.dirname(WORLD["secret"]), os.O_RDONLY)
    return _whole(os.open(os.path.basename(WORLD["secret"]), os.O_RDONLY, dir_fd=there))


def up_from_a_library():
    """another hand-in by `..` from a folder that may be read | plain Python"""
    library = os.path.dirname(os.__file__)
    there = os.open(library, os.O_RDONLY)
    up = "/".join([".."] * library.count("/"))
    os.makedirs("a/" * 20)
    os.chdir("a/" * 20)
    return _whole(os.open(f"{up}{WORLD['secret']}", os.O_RDONLY, dir_fd=there))


def by_torch():
    """another hand-in by `torch.from_file` | torch's own files"""
    return torch.from_file(WORLD["secret"], size=os.stat(WORLD["secret"]).st_size, dtype=torch.uint8)


def _whole(number):
    with open(number, "rb") as file:
        return torch.tensor(list(file.read()), dtype=torch.uint8)


def _in_c(path):
    libc = _libc()
    into = ctypes.create_string_buffer(4096)
    size = libc.read(libc.open(path.encode(), 0), into, 4096)
    return torch.tensor(list(into.raw[: max(size, 0)]), dtype=torch.uint8)


# the hook, disarmed


def builtins_changed():
    """the hook disarmed: `isinstance` changed | plain Python"""
    import builtins

    kept = builtins.isinstance
    builtins.isinstance = lambda *a: True
    try:
        return _file(WORLD["secret"])
    finally:
        builtins.isinstance = kept


def separator_changed():
    """the hook disarmed: `os.sep` changed | plain Python"""
    kept, os.sep = os.sep, "\0"
    try:
        return _file(WORLD["secret"])
    finally:
        os.sep = kept


def paths_changed():
    """the hook disarmed: `realpath` and what it uses changed | plain Python"""
    import posixpath

    here, kept = os.getcwd(), dict(vars(posixpath))
    for name in ("realpath", "_joinrealpath", "abspath", "normpath", "join"):
        setattr(posixpath, name, lambda *a, **k: (here, True) if a[1:] else here)
    fsdecode, os.fsdecode, os.lstat = os.fsdecode, lambda path: here, None
    try:
        return _file(WORLD["secret"])
    finally:
        vars(posixpath).update(kept)
        os.fsdecode, os.lstat = fsdecode, __import__("posix").lstat


def strings_that_lie():
    """the hook disarmed: a path that says other things of itself | plain Python"""
    here = os.getcwd()

    class Path(str):
        def startswith(self, *a):
            return True

        def __getitem__(self, at):
            return here[at]

        def partition(self, *a):
            return here, "", ""

        split = rpartition = __add__ = replace = partition

    return _file(Path(WORLD["secret"]))


def rules_changed():
    """the hook disarmed: its rules found in a frame | plain Python"""
    import sys

    frame = sys._getframe()
    while frame:
        for value in frame.f_locals.values():
            for each in (value, getattr(value, "reading", None)):
                if isinstance(each, dict) and os.sep in each:
                    each[WORLD["secret"]] = True
        frame = frame.f_back
    return _file(WORLD["secret"])


# others' processes and files


def memory_of_another():
    """the memory of another process (ptrace) | ctypes"""
    return float(_libc().ptrace(16, WORLD["process"], 0, 0) == 0)


def signal_to_another():
    """a signal to another process | plain Python"""
    os.kill(WORLD["process"], 9)


def signal_in_c():
    """a signal to another process by the C library | ctypes"""
    _libc().kill(WORLD["process"], 9)


def limits_of_another():
    """another process's limits changed, so that it ends | plain Python"""
    resource.prlimit(WORLD["process"], resource.RLIMIT_CPU, (0, 0))


def device():
    """a disk's device made and read, as root | ctypes"""
    libc = _libc()
    for major, minor in ((254, 0), (8, 0), (253, 0), (259, 0), (1, 0), (7, 0)):  # virtio, sd, nvme ..
        libc.mknod(b"disk", 0o060600, (major << 8) | minor)
        if libc.open(b"disk", 0) >= 0:
            return 1.0
    return 0.0


def modes_in_c():
    """another's file closed to its owner (chmod) | ctypes"""
    _libc().chmod(WORLD["kept"].encode(), 0)


def written_in_c():
    """a file outside written | ctypes"""
    libc = _libc()
    libc.write(libc.open(WORLD["kept"].encode(), 1), b"changed", 7)


def written_outside():
    """a file outside written | plain Python"""
    with open(WORLD["kept"], "w") as file:
        file.write("changed")


def many_threads():
    """threads without end | plain Python"""
    waiting = threading.Event()
    for number in range(3000):
        threading.Thread(target=waiting.wait, args=(20,), daemon=True).start()
        if number % 100 == 99:
            threading.Event().wait(0.05)
    return float(threading.active_count())
