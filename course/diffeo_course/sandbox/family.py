"""A process between the checker and a program, to which all that the program starts falls when its parents end."""

import ctypes
import os
import signal
import sys

import psutil

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def separate() -> None:
    """Go on in a child of this process; this one only waits, and ends as the child ended. Linux alone can do it.

    Whatever the program forks, and however often, stays below the process that waits: the checker finds it there. If
    the checker is ended, both end too.
    """
    if sys.platform != "linux":
        return
    libc, checker = ctypes.CDLL(None), os.getppid()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != checker:  # ended before this was asked for
        os._exit(1)
    waiting = os.getpid()
    program = os.fork()
    if program == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != waiting:
            os._exit(1)
        return
    os.closerange(0, 3)  # what the program prints ends with it
    _, status = os.waitpid(program, 0)
    while left := [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]:
        for each in left:  # once they are gone, their own children are among those of this process
            each.kill()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(waiting, -code)
    os._exit(code)
