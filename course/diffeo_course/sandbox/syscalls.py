"""The calls to the kernel that a submission may make: computing, memory, threads, files; nothing that leaves.

It is a list of what is let through, so that calls which kernels learn later are refused. The filter is made by
libseccomp in the process that grades, once; the process that it holds for only installs it.
"""

import errno
import functools
import os
import sys
import tempfile

ALLOWED = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek close close_range dup dup2
    dup3 open openat openat2 creat access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs
    getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 readlink
    readlinkat ftruncate fsync fdatasync flock fadvise64 readahead sendfile copy_file_range umask
    getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
    pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
    eventfd eventfd2
    brk munmap mprotect mremap madvise msync mincore get_mempolicy
    futex futex_waitv futex_wake futex_wait futex_requeue set_robust_list get_robust_list rseq membarrier
    set_tid_address arch_prctl sched_yield sched_getaffinity sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min getcpu getpriority
    nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times getitimer setitimer alarm
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack pause
    restart_syscall
    getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid
    uname sysinfo getrusage getrlimit setrlimit getrandom exit exit_group wait4 waitid
"""
# "operation not permitted" for what programs try, so that errors can be read; all else "does not exist", for which
# libraries have another way (clone3 among them: its flags lie in memory, where no filter sees them)
REFUSED = """
    socket socketpair connect sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg bind listen accept accept4
    fork vfork execve execveat kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_getfd
    pidfd_send_signal ptrace process_vm_readv process_vm_writev process_madvise kcmp
    memfd_create memfd_secret shmget shmat shmctl msgget msgsnd semget semop mq_open userfaultfd
    bpf perf_event_open io_uring_setup io_uring_enter io_uring_register io_setup io_submit keyctl add_key request_key
    mount umount2 move_mount open_tree fsopen fsmount fspick mount_setattr pivot_root chroot unshare setns
    open_by_handle_at name_to_handle_at inotify_init inotify_init1 fanotify_init personality quotactl reboot
    swapon swapoff kexec_load kexec_file_load init_module finit_module delete_module syslog acct
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset setpriority
    sched_setaffinity sched_setscheduler sched_setparam sched_setattr ioprio_set migrate_pages move_pages
    link linkat symlink symlinkat chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat truncate
    utime utimes utimensat futimesat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    splice tee vmsplice sync syncfs setsid setpgid
"""
THREAD, NAMESPACES = 0x10100, 0x7E020000  # CLONE_THREAD | CLONE_VM; CLONE_NEWNS .. CLONE_NEWNET
WRITE, SHARED = 2, 1  # PROT_WRITE, MAP_SHARED
KIND, PIPE = 0o170000, 0o010000
CONTROLS = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # ioctl: is it a terminal, its size, bytes to read, close on exec
DESCRIPTORS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)  # fcntl: copies, flags, locks; not whom to signal
NAMES = (15, 16, 0x53564D41)  # prctl: of threads and of memory


@functools.cache
def filter_program() -> bytes:
    """The filter as the kernel reads it; empty where there is none: no Linux, no pyseccomp, no libseccomp."""
    if sys.platform != "linux":
        return b""
    try:
        import pyseccomp as seccomp

        made = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    except (ImportError, RuntimeError, OSError):
        return b""
    argument, equal, masked = seccomp.Arg, seccomp.EQ, seccomp.MASKED_EQ
    some = {  # only with these arguments; one of several sets is enough
        "mmap": [
            (argument(2, masked, WRITE, 0),),
            (argument(3, masked, SHARED, 0),),
        ],  # what is shared, is counted nowhere
        "clone": [(argument(0, masked, THREAD | NAMESPACES, THREAD),)],
        "ioctl": [(argument(1, equal, each),) for each in CONTROLS],
        "fcntl": [(argument(1, equal, each),) for each in DESCRIPTORS],
        "prctl": [(argument(0, equal, each),) for each in NAMES],
        "prlimit64": [(argument(0, equal, 0),)],
        "mknod": [(argument(1, masked, KIND, PIPE),)],
        "mknodat": [(argument(2, masked, KIND, PIPE),)],
    }
    # another architecture's calls (32 bits, x32) have other numbers: they end the process
    made.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    for name in sorted(ALLOWED.split()):
        if (number := _number(seccomp, name)) is not None:
            made.add_rule(seccomp.ALLOW, number)
    for name, sets in some.items():
        if (number := _number(seccomp, name)) is not None:
            for arguments in sets:
                made.add_rule(seccomp.ALLOW, number, *arguments)
    shared = (argument(2, masked, WRITE, WRITE), argument(3, masked, SHARED, SHARED))
    made.add_rule(seccomp.ERRNO(errno.EPERM), "mmap", *shared)
    made.add_rule(seccomp.ERRNO(errno.EPERM), "clone", argument(0, masked, THREAD, 0))
    for name in sorted(REFUSED.split()):
        if (number := _number(seccomp, name)) is not None:
            made.add_rule(seccomp.ERRNO(errno.EPERM), number)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read()


def _number(seccomp: object, name: str) -> int | None:
    """The number of a call; None where this machine has none of that name."""
    try:
        number = int(seccomp.resolve_syscall(0, name))  # type: ignore[attr-defined]
    except (ValueError, OSError):
        return None
    return number if number >= 0 else None
